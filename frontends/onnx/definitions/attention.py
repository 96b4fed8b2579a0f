"""Definitions of attention as onnxruntime fuses it: projections, heads, masks, and keys and values of earlier runs."""

from __future__ import annotations

from math import sqrt

from webdnn.frontends.onnx.definitions.definition import LARGEST, Call, definition, floats, ints, lines
from webdnn.frontends.onnx.definitions.quantized import scaled_sums

MASKED = -10000.0
"""What is added to scores that a mask takes out, where the model does not say"""

BUFFERED = "export the model with past keys and values that are joined to the new ones, as separate outputs"


@definition("Attention")
def attention(call: Call) -> str:
    """Queries, keys and values are one product with the input."""
    call.refuse_operands(6, hint=BUFFERED)
    product = "product = MatMul (i0, i1)"
    biased = "all = Add (product, i2)" if call.has(2) else "all = Identity (product)"
    return lines(product, biased, of_projections(call, call.shape(1)[1], mask=3, past=4, bias=5))


@definition("QAttention")
def quantized_attention(call: Call) -> str:
    """The product is one of integers: input, weight, bias, their scales, mask, and zero points."""
    return lines(
        scaled_sums(call, "i0, i1, i6, i7", "i3", "i4", 2, result="all"),
        of_projections(call, call.shape(1)[1], mask=5, past=8, bias=None),
    )


def of_projections(call: Call, width: int, mask: int, past: int, bias: int | None) -> str:
    """Attention of `all`, in which queries, keys and values lie side by side."""
    if call.integer("do_rotary", 0) or call.integer("past_present_share_buffer", 0):
        call.refuse("rotates queries and keys, or shares one buffer with its past", hint=BUFFERED)
    heads, sizes = call.integer("num_heads", 1), call.integers("qkv_hidden_sizes") or [width // 3] * 3
    head = sizes[0] // heads
    return lines(
        ints("sizes", *sizes),
        "qa, ka, va = Split <axis = 2> (all, sizes)",
        *(in_heads(name, f"{name}a", heads) for name in "qkv"),
        before(f"i{past}") if call.has(past) else "kt = Identity (k)\nvt = Identity (v)",
        together() if len(call.node.output) > 1 and call.node.output[1] else "",
        scores(call, head),
        masked(call, mask),
        f"biased = Add (masked, i{bias})" if bias is not None and call.has(bias) else "biased = Identity (masked)",
        weighed(call),
    )


@definition("MultiHeadAttention")
def multi_head_attention(call: Call) -> str:
    """Queries, keys and values are given, in three axes or, keys and values alone, in heads."""
    call.refuse_operands(8, 9, hint=BUFFERED)
    if not call.has(2) or len(call.shape(0)) != 3:
        call.refuse("packs queries, keys and values in one tensor", hint="export the model with a tensor for each")
    heads = call.integer("num_heads", 1)
    return lines(
        given(call, heads),
        "kt = Concat <axis = 2> (i6, k)\nvt = Concat <axis = 2> (i7, v)"
        if call.has(6)
        else "kt = Identity (k)\nvt = Identity (v)",
        "o1 = Identity (kt)\no2 = Identity (vt)",
        scores(call, call.shape(0)[2] // heads),
        masked(call, 4),
        "biased = Add (masked, i5)" if call.has(5) else "biased = Identity (masked)",
        weighed(call),
    )


def given(call: Call, heads: int) -> str:
    """q, k and v in heads (batch, head, place, element), their biases added."""
    width = call.shape(0)[2]
    split = ""
    if call.has(3):
        widths = ints("widths", width, width, call.shape(3)[0] - 2 * width)
        split = f"{widths}\nqb, kb, vb = Split <axis = 0> (i3, widths)"
    if len(call.shape(1)) == 4:  # in heads, with what is added to them
        return lines(split, projected(call, "q", 0, heads), "k = Identity (i1)\nv = Identity (i2)")
    return lines(split, *(projected(call, name, i, heads) for i, name in enumerate("qkv")))


def projected(call: Call, name: str, i: int, heads: int) -> str:
    """Queries, keys or values in heads, their bias added."""
    biased = f"{name}s = Add (i{i}, {name}b)" if call.has(3) else f"{name}s = Identity (i{i})"
    return lines(biased, in_heads(name, f"{name}s", heads))


def in_heads(result: str, value: str, heads: int) -> str:
    """(batch, place, head and element) as (batch, head, place, element)"""
    return lines(
        ints(f"{result}_shape", 0, 0, heads, -1),
        f"{result}_split = Reshape ({value}, {result}_shape)",
        f"{result} = Transpose <perm = [0, 2, 1, 3]> ({result}_split)",
    )


def before(past: str) -> str:
    """Keys and values behind those of earlier runs, which stand in one tensor."""
    return lines(
        "zero = Constant <value = int64 {0}> ()\none = Constant <value = int64 {1}> ()",
        f"kpast = Gather ({past}, zero)\nvpast = Gather ({past}, one)",
        "kt = Concat <axis = 2> (kpast, k)\nvt = Concat <axis = 2> (vpast, v)",
    )


def together() -> str:
    """Keys and values in one tensor."""
    return lines(
        ints("front", 0),
        "kfront = Unsqueeze (kt, front)\nvfront = Unsqueeze (vt, front)\no1 = Concat <axis = 0> (kfront, vfront)",
    )


def scores(call: Call, head: int) -> str:
    """How much each query attends to each key, before masks."""
    return lines(
        floats("scale", call.number("scale", 0.0) or 1 / sqrt(head), "q"),
        "turned_keys = Transpose <perm = [0, 1, 3, 2]> (kt)",
        "raw = MatMul (q, turned_keys)\nscores = Mul (raw, scale)",
        causal() if call.integer("unidirectional", 0) else "seen = Identity (scores)",
    )


def causal() -> str:
    """Scores of keys behind the query's place are the least there are."""
    return lines(
        "queries = Shape <start = 2, end = 3> (scores)\nkeys = Shape <start = 3, end = 4> (scores)",
        "query_count = Squeeze (queries)\nkey_count = Squeeze (keys)\nearlier = Sub (key_count, query_count)",
        "from = Constant <value = int64 {0}> ()\nby = Constant <value = int64 {1}> ()",
        "query_range = Range (from, query_count, by)\nkey_places = Range (from, key_count, by)",
        ints("last", -1),
        "query_rows = Add (query_range, earlier)\nquery_places = Unsqueeze (query_rows, last)",
        "visible = LessOrEqual (key_places, query_places)",
        floats("hidden", -LARGEST, "q"),
        "seen = Where (visible, scores, hidden)",
    )


def masked(call: Call, mask: int) -> str:
    """Scores with a large negative number where a mask says so: by rows, by queries and keys, or by lengths."""
    if not call.has(mask):
        return "masked = Identity (seen)"
    shape, batch = call.shape(mask), call.shape(0)[0]
    if len(shape) == 1 and shape[0] == batch:
        places = lines(
            "mask_keys = Shape <start = 3, end = 4> (scores)\nmask_count = Squeeze (mask_keys)",
            "mask_from = Constant <value = int64 {0}> ()\nmask_by = Constant <value = int64 {1}> ()",
            "mask_range = Range (mask_from, mask_count, mask_by)",
            ints("mask_axes", 1, 2, 3),
            f"mask_wide = Cast <to = 7> (i{mask})\nlengths = Unsqueeze (mask_wide, mask_axes)",
            "kept = Less (mask_range, lengths)",
        )
    elif len(shape) in (2, 3):
        axes = ints("mask_axes", *((1, 2) if len(shape) == 2 else (1,)))
        places = lines(axes, f"mask_axis = Unsqueeze (i{mask}, mask_axes)\nkept = Cast <to = 9> (mask_axis)")
    else:
        call.refuse(f"has a mask of shape {list(shape)}", hint="export the model with a mask for batches and keys")
    return lines(
        places,
        floats("less", call.number("mask_filter_value", MASKED), "q"),
        floats("nothing", 0.0, "q"),
        "added = Where (kept, nothing, less)\nmasked = Add (seen, added)",
    )


def weighed(call: Call) -> str:
    """The values, weighed by what scores become, with heads side by side."""
    return lines("weights = Softmax <axis = -1> (biased)\ncontext = MatMul (weights, vt)", side_by_side("context"))


def side_by_side(value: str) -> str:
    """The result: (batch, head, place, element) as (batch, place, head and element)"""
    return lines(
        f"turned_rows = Transpose <perm = [0, 2, 1, 3]> ({value})",
        ints("flat", 0, 0, -1),
        "o0 = Reshape (turned_rows, flat)",
    )


@definition("RotaryEmbedding")
def rotary_embedding(call: Call) -> str:
    """ONNX's own operator; one place alone is that of the first row of every batch."""
    if call.integer("is_packed_batching", 0) or call.number("scale", 1.0) != 1:
        call.refuse("packs batches or scales", hint="export the model with batches of one length, and no scale")
    shape, rank = call.shape(0), len(call.shape(0))
    rotated = call.integer("rotary_embedding_dim", 0)
    heads = call.integer("num_heads", 0) or (shape[-1] // (2 * call.shape(2)[1]) if rank == 3 else shape[1])
    interleaved = call.integer("interleaved", 0)
    options = f"interleaved = {interleaved}, num_heads = {heads}, rotary_embedding_dim = {rotated}"
    places = "places = Identity (i1)"
    if len(call.shape(1)) == 1:
        at = 1 if rank == 3 else 2
        places = lines(
            f"count = Shape <start = {at}, end = {at + 1}> (i0)\nlength = Squeeze (count)",
            "from = Constant <value = int64 {0}> ()\nby = Constant <value = int64 {1}> ()",
            "range = Range (from, length, by)\nrow = Add (range, i1)\nbatch = Shape <start = 0, end = 1> (i0)",
            "whole = Concat <axis = 0> (batch, count)\nplaces = Expand (row, whole)",
        )
    return lines(places, f"o0 = RotaryEmbedding <{options}> (i0, i2, i3, places)")
