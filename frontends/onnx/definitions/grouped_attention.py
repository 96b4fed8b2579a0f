"""Definition of attention as decoders have it: grouped heads, rotated, behind keys and values of earlier runs."""

from __future__ import annotations

from webdnn.frontends.onnx.definitions.attention import in_heads, side_by_side
from webdnn.frontends.onnx.definitions.definition import LARGEST, Call, definition, floats, ints, lines

UNSUPPORTED = {
    11: "a sink for each head",
    12: "quantized keys of earlier runs",
    13: "quantized values of earlier runs",
    14: "queries that it normalizes",
    15: "keys that it normalizes",
    16: "rows of several lengths",
}
"""Operands that are refused, and what they would mean"""

OPTIONS = {
    "smooth_softmax": "softmax with a term that no key has",
    "qk_output": "scores as an output",
    "sliding_window_cache": "keys and values of a window alone",
}
"""Attributes that are refused where they are set"""

PLAIN = "export the model for onnxruntime's CPU, without this option of its attention"


@definition("GroupQueryAttention")
def grouped_attention(call: Call) -> str:
    """Each row of a batch holds as many places as `seqlens_k` says, the new ones last; behind them all is zero.

    In a prompt, whose new places are all there are, nothing of earlier runs is read.
    """
    refuse(call)
    heads, groups = call.integer("num_heads", 1), call.integer("kv_num_heads", 1)
    scale, options = call.number("scale", 0.0), f"softcap = {call.number('softcap', 0.0)!r}"
    options += f", scale = {scale!r}" if scale else ""
    return lines(
        given(call, heads, groups),
        places(call),
        rotated(call) if call.integer("do_rotary", 0) else "qr = Identity (q)\nkr = Identity (k)",
        present(call, "o1", "kr", 3),
        present(call, "o2", "v", 4),
        mask(call),
        f"context = Attention <{options}> (qr, o1, o2, mask)",
        side_by_side("context"),
    )


def refuse(call: Call) -> None:
    """Refuse what is not covered, and shapes of which nothing says what they mean."""
    for i in (5, 6):
        call.shape(i)  # it has to be there
    for i, meaning in UNSUPPORTED.items():
        if call.has(i):
            call.refuse(f"has {meaning} (operand {i}, '{call.node.input[i]}')", hint=PLAIN)
    for name, meaning in OPTIONS.items():
        if call.integer(name, 0) > 0:
            call.refuse(f"has {meaning} ('{name}')", hint=PLAIN)
    if not call.integer("causal", 1):
        call.refuse("lets queries see later keys ('causal' is 0)", hint="export the model with MultiHeadAttention")
    if call.has(1) and call.shape(1)[1] != call.shape(0)[1]:
        call.refuse("has keys of another input", hint="export the model with MultiHeadAttention")
    batch, steps = call.shape(0)[:2]
    total = call.known(6)
    if batch > 1 and steps > 1 and (total is None or int(total.reshape(())) != steps):
        hint = "bind the batch to 1 (--dim), or the new places to 1 or to all that there are"
        call.refuse(f"adds up to {steps} places at once to {batch} rows, each behind its own past", hint=hint)


def given(call: Call, heads: int, groups: int) -> str:
    """q, k and v in heads (batch, head, place, element); with an operand alone they lie side by side in it."""
    if call.has(1):
        parts = "qs = Identity (i0)\nks = Identity (i1)\nvs = Identity (i2)"
    else:
        head = call.shape(0)[2] // (heads + 2 * groups)
        widths = ints("widths", heads * head, groups * head, groups * head)
        parts = f"{widths}\nqs, ks, vs = Split <axis = 2> (i0, widths)"
    return lines(parts, in_heads("q", "qs", heads), in_heads("k", "ks", groups), in_heads("v", "vs", groups))


def places(call: Call) -> str:
    """Vectors of the places of keys and new ones, and of each row of the batch how many came before."""
    kept = lines(extent("kept", 2, 3), "length = Max (total, kept)")
    return lines(
        "zero = Constant <value = int32 {0}> ()\none = Constant <value = int32 {1}> ()",
        extent("steps", 1, 0),
        "total = Squeeze (i6)",
        kept if has_past(call) else "length = Identity (total)",
        "keys = Range (zero, length, one)\nnew = Range (zero, steps, one)",
        ints("rows", -1, 1, 1, 1),
        "lasts = Reshape (i5, rows)\nend = Sub (length, one)\nlast = Clip (lasts, zero, end)",
        "prompt = Equal (steps, total)\nends = Add (last, one)\nbegins = Sub (ends, steps)",
        "before = Where (prompt, zero, begins)\nafter = Add (before, steps)",
        ints("behind", -1),
        "new_axis = Unsqueeze (new, behind)\nqueries = Add (new_axis, before)",
    )


def extent(result: str, axis: int, i: int) -> str:
    """The lines for the extent of an axis of an operand (int32, no axes)."""
    return lines(
        f"{result}_axis = Shape <start = {axis}, end = {axis + 1}> (i{i})",
        f"{result}_number = Squeeze ({result}_axis)\n{result} = Cast <to = 6> ({result}_number)",
    )


def has_past(call: Call) -> bool:
    """Are there places of earlier runs?"""
    return call.has(3) and call.shape(3)[2] > 0


def rotated(call: Call) -> str:
    """Queries and keys, turned by angles that grow with the place."""
    head, angles = call.shape(0)[2], call.shape(7)[1]
    head //= call.integer("num_heads", 1) + (0 if call.has(1) else 2 * call.integer("kv_num_heads", 1))
    options = f"interleaved = {call.integer('rotary_interleaved', 0)}"
    options += f", rotary_embedding_dim = {2 * angles}" if 2 * angles < head else ""
    at = lines(ints("ones", 1, 3), "at = Squeeze (queries, ones)")
    if call.has(9):  # a prompt counts on from the first
        at = lines(
            ints("corner", 1, 1),
            ints("origin", 0, 0),
            ints("both", 0, 1),
            "given = Cast <to = 6> (i9)\nfirst = Slice (given, origin, corner, both)\nfollowing = Add (new, first)",
            "at = Where (prompt, following, given)",
        )
    return lines(at, *(f"{x}r = RotaryEmbedding <{options}> ({x}, i7, i8, at)" for x in "qk"))


def present(call: Call, result: str, new: str, past: int) -> str:
    """Keys or values of earlier runs, then new ones, then zeros."""
    moved = f"{result}_new = Identity ({new})"
    if call.shape(0)[1] > 1:
        origin = "zero" if call.shape(0)[0] > 1 else f"{result}_before"
        moved = lines(
            ints(f"{result}_one", 1),
            f"{result}_before = Reshape (before, {result}_one)" if origin != "zero" else "",
            f"{result}_from = Sub (keys, {origin})\n{result}_most = Sub (steps, one)",
            f"{result}_at = Clip ({result}_from, zero, {result}_most)",
            f"{result}_new = Gather <axis = 2> ({new}, {result}_at)",
        )
    seen = lines(
        f"{result}_keys = Unsqueeze (keys, behind)",
        f"{result}_filled = Less ({result}_keys, after)",
        floats(f"{result}_none", 0.0, new),
        f"{result}_cut = Where ({result}_filled, {result}_new, {result}_none)",
    )
    if not has_past(call):
        return lines(moved, seen, f"{result} = Identity ({result}_cut)")
    return lines(
        moved,
        seen,
        f"{result}_end = Sub (kept, one)\n{result}_places = Min (keys, {result}_end)",
        f"{result}_past = Gather <axis = 2> (i{past}, {result}_places)",
        f"{result}_old = Less ({result}_keys, before)",
        f"{result} = Where ({result}_old, {result}_past, {result}_cut)",
    )


def mask(call: Call) -> str:
    """Which keys a query sees: those up to its place, in a window if there is one; or what is added to their scores."""
    window = call.integer("local_window_size", -1)
    near = "visible = Identity (earlier)"
    if window > 0:
        near = lines(
            f"window = Constant <value = int32 {{{window}}}> ()\nbound = Sub (queries, window)",
            "near = Greater (keys, bound)\nvisible = And (earlier, near)",
        )
    seen = lines("earlier = LessOrEqual (keys, queries)", near)
    if not call.has(10):
        return lines(seen, "mask = Identity (visible)")
    bias, short = "i10", call.shape(3)[2] - call.shape(10)[3] if has_past(call) else 0
    hidden = floats("hidden", -LARGEST, "i10")
    if short > 0:  # what runs before reach further than the bias, to places that no query sees
        bias, hidden = "padded", lines(hidden, ints("pads", 0, short), ints("axis", 3))
        hidden = lines(hidden, "padded = Pad (i10, pads, hidden, axis)")
    return lines(seen, hidden, f"mask = Where (visible, {bias}, hidden)")
