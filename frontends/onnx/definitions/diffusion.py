"""Definitions of what onnxruntime's optimizer writes for diffusion models: norms of groups, gates, residuals."""

from __future__ import annotations

from webdnn.frontends.onnx.definitions.definition import Call, definition, ints, lines


@definition("GroupNorm")
def group_norm(call: Call) -> str:
    """Channels are last unless the node says otherwise."""
    return lines("s = Identity (i0)", normalized(call, bool(call.integer("channels_last", 1))))


@definition("SkipGroupNorm")
def skip_group_norm(call: Call) -> str:
    """The norm of a sum of two values, perhaps with a bias; the sum is the last result."""
    if not call.integer("channels_last", 1):
        call.refuse("has channels first", hint="export the model with SkipGroupNorm of channels that are last")
    skip = "skip = Identity (i3)"
    if len(call.shape(3)) == 2:  # the same for all places
        skip = lines(ints("middle", 1, 2), "skip = Unsqueeze (i3, middle)")
    total = "s = Add (sum, i4)" if call.has(4) else "s = Identity (sum)"
    return lines(skip, "sum = Add (i0, skip)", total, "o1 = Identity (s)", normalized(call, True))


def normalized(call: Call, last: bool) -> str:
    """The result: `s` less the mean of its group, over its deviation, in the precision of scale and bias."""
    options = f"num_groups = {call.integer('groups', 1)}, epsilon = {call.number('epsilon', 1e-5)!r}"
    rank = len(call.shape(0))
    first, back = [0, rank - 1, *range(1, rank - 1)], [0, *range(2, rank), 1]
    return lines(
        "wide = CastLike (s, i1)",
        f"x = Transpose <perm = {first}> (wide)" if last else "x = Identity (wide)",
        f"n = GroupNormalization <{options}> (x, i1, i2)",
        "g = Sigmoid (n)\na = Mul (n, g)" if call.integer("activation", 0) else "a = Identity (n)",
        f"y = Transpose <perm = {back}> (a)" if last else "y = Identity (a)",
        "o0 = CastLike (y, i0)",
    )


@definition("BiasSplitGelu")
def bias_split_gelu(call: Call) -> str:
    """The first half of the sum, times the Gelu of the second."""
    return "s = Add (i0, i1)\na, b = Split <axis = -1, num_outputs = 2> (s)\ng = Gelu (b)\no0 = Mul (a, g)"


@definition("BiasAdd")
def bias_add(call: Call) -> str:
    return "s = Add (i0, i1)\no0 = Add (s, i2)"
