"""Random nodes that sum: reductions, products of matrices, convolutions, pooling, normalisations, recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from random_graphs.elementwise import Draw
from random_graphs.graph import FLOATS, NUMBERS, Attribute, Graph, Node, UnfitError, Value

REDUCTIONS = ("ReduceSum", "ReduceProd", "ReduceL1", "ReduceSumSquare", "ReduceMean", "ReduceMax", "ReduceMin")
ROOTS = ("ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
"""Reductions that are not those of integers"""

OF_NOTHING = REDUCTIONS[:4]
"""Reductions that have a result for no elements"""


def reduction(op: str) -> Draw:
    def draw(graph: Graph) -> Node:
        value = graph.any(FLOATS if op in ROOTS else (*FLOATS, "int32", "int64"))
        if 0 in value.shape and op not in OF_NOTHING:
            raise UnfitError
        attributes: dict[str, Attribute] = {"keepdims": graph.whole(0, 1)}
        moves = op in ("ReduceMax", "ReduceMin") or value.type not in FLOATS
        if graph.chance(0.2):
            attributes["noop_with_empty_axes"] = graph.whole(0, 1)
            return Node(op, [value], attributes, moves=moves)
        return Node(op, [value, graph.known(graph.axes(value.rank))], attributes, moves=moves)

    return draw


def extremum(graph: Graph) -> Node:
    value = graph.any(NUMBERS, low=1)
    attributes: dict[str, Attribute] = {"axis": graph.axis(value.rank), "keepdims": graph.whole(0, 1)}
    attributes["select_last_index"] = graph.whole(0, 1)
    return Node(graph.word("ArgMax", "ArgMin"), [value], attributes, moves=True)


def softmax(graph: Graph) -> Node:
    value = graph.any(FLOATS, low=1)
    return Node(graph.word("Softmax", "Softmax", "LogSoftmax"), [value], {"axis": graph.axis(value.rank)})


def hardmax(graph: Graph) -> Node:
    value = graph.any(("float32",), low=1)
    return Node("Hardmax", [value], {"axis": graph.axis(value.rank)}, moves=True)


def running_sum(graph: Graph) -> Node:
    value = graph.any(("float32", "float64", "int32", "int64"), low=1)
    attributes: dict[str, Attribute] = {"exclusive": graph.whole(0, 1), "reverse": graph.whole(0, 1)}
    axis = graph.known(np.array(graph.axis(value.rank)))
    return Node("CumSum", [value, axis], attributes, moves=value.type not in FLOATS)


def matmul(graph: Graph) -> Node:
    first = graph.any(("float32", "float32", "float64", "int32", "float16"), low=1)
    columns, inner = graph.whole(1, 7), first.shape[-1]
    batch = first.shape[:-2] if graph.chance(0.5) else first.shape[:-2][graph.whole(0, 2) :]
    batch = tuple(1 if graph.chance(0.2) else n for n in batch)
    shape = [inner] if graph.chance(0.15) else [*batch, inner, columns]

    def fits(found: tuple[int, ...]) -> bool:
        return len(found) in (1, 2) and found[0] == inner

    return Node("MatMul", [first, graph.like(first.type, fits, shape)], moves=first.type == "int32")


def gemm(graph: Graph) -> Node:
    first = graph.any(("float32", "float64", "float16"), 2, 2)
    across, down = graph.whole(0, 1), graph.whole(0, 1)
    rows, inner = first.shape[::-1] if across else first.shape
    columns = graph.whole(1, 7)
    other = graph.like(
        first.type, lambda s: len(s) == 2 and s[down] == inner, [columns, inner] if down else [inner, columns]
    )
    columns = other.shape[1 - down]
    attributes: dict[str, Attribute] = {"transA": across, "transB": down}
    if graph.chance(0.4):
        attributes |= {"alpha": graph.number(0.3, 1.5), "beta": graph.number(0.3, 1.5)}
    shapes: list[list[int]] = [[columns], [rows, columns], [1, columns], [rows, 1], [1], []]
    bias = [graph.parameter(first.type, shapes[graph.whole(0, 5)])] if graph.chance(0.7) else []
    return Node("Gemm", [first, other, *bias], attributes)


def image(graph: Graph, dims: int) -> Value:
    """[batch, channels, space…] in f32 mostly."""
    shape = [graph.whole(1, 2), graph.one(1, 2, 3, 4, 6), *graph.shape(dims)]
    type = "float32" if graph.chance(0.93) else "float64"
    return graph.like(type, lambda s: len(s) == dims + 2 and min(s) >= 1, shape)


def window(graph: Graph, dims: int, dilated: bool = True) -> dict[str, Attribute]:
    """The attributes of a window that moves."""
    attributes: dict[str, Attribute] = {}
    if graph.chance(0.5):
        attributes["strides"] = [graph.whole(1, 3) for _ in range(dims)]
    if dilated and graph.chance(0.3):
        attributes["dilations"] = [graph.whole(1, 2) for _ in range(dims)]
    if graph.chance(0.5):
        attributes["pads"] = [graph.whole(0, 2) for _ in range(2 * dims)]
    elif graph.chance(0.3) and "dilations" not in attributes:
        attributes["auto_pad"] = graph.word("SAME_UPPER", "SAME_LOWER", "VALID")
    return attributes


def fitting(value: Value, kernel: Sequence[int], attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """The attributes of a window, if it fits on the value at least once."""
    dims = len(kernel)
    pads, dilations = attributes.get("pads", [0] * 2 * dims), attributes.get("dilations", [1] * dims)
    assert isinstance(pads, list)
    assert isinstance(dilations, list)
    same = str(attributes.get("auto_pad", "")).startswith("SAME")
    for i, (extent, taps) in enumerate(zip(value.shape[2:], kernel, strict=True)):
        if (taps - 1) * int(dilations[i]) + 1 > extent + int(pads[i]) + int(pads[i + dims]) and not same:
            raise UnfitError
    return attributes


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def conv(graph: Graph) -> Node:
    dims = graph.one(1, 2, 2, 2, 3)
    value = image(graph, dims)
    group, kernel = graph.one(1, 1, *divisors(value.shape[1])), [graph.whole(1, 3) for _ in range(dims)]
    out = group * graph.whole(1, 4)
    weight = graph.parameter(value.type, [out, value.shape[1] // group, *kernel])
    bias = [graph.parameter(value.type, [out])] if graph.chance(0.6) else []
    return Node(
        "Conv",
        [value, weight, *bias],
        {"group": group, "kernel_shape": kernel, **fitting(value, kernel, window(graph, dims))},
    )


def conv_transpose(graph: Graph) -> Node:
    dims = graph.one(1, 2, 2, 2, 3)
    value = image(graph, dims)
    group, kernel = graph.one(1, 1, *divisors(value.shape[1])), [graph.whole(1, 3) for _ in range(dims)]
    out = graph.whole(1, 4)
    weight = graph.parameter(value.type, [value.shape[1], out, *kernel])
    bias = [graph.parameter(value.type, [out * group])] if graph.chance(0.6) else []
    attributes: dict[str, Attribute] = {"group": group, "kernel_shape": kernel, **window(graph, dims)}
    strides = attributes.get("strides")
    if isinstance(strides, list) and max(map(int, strides)) > min(kernel) and "auto_pad" in attributes:
        raise UnfitError  # SAME would have to leave out elements, of which ONNX and onnxruntime think differently
    if isinstance(strides, list) and graph.chance(0.3):
        attributes["output_padding"] = [graph.whole(0, int(s) - 1) for s in strides]
    return Node("ConvTranspose", [value, weight, *bias], attributes)


def pool(graph: Graph) -> Node:
    dims = graph.one(1, 2, 2, 2, 3)
    value = image(graph, dims)
    op = graph.word("MaxPool", "MaxPool", "AveragePool", "AveragePool", "LpPool")
    kernel = [graph.whole(1, 3) for _ in range(dims)]
    attributes: dict[str, Attribute] = {"kernel_shape": kernel, **window(graph, dims)}
    pads = attributes.get("pads")
    if isinstance(pads, list):
        attributes["pads"] = [min(int(p), k - 1) for p, k in zip(pads, kernel * 2, strict=True)]
    fitting(value, kernel, attributes)
    if op == "AveragePool":
        attributes["count_include_pad"] = graph.whole(0, 1)
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = graph.one(0, 0, 1)
    if op == "LpPool":
        attributes["p"] = graph.whole(1, 3)
    outputs = 2 if op == "MaxPool" and graph.chance(0.2) else 1
    return Node(op, [value], attributes, outputs=outputs, moves=op == "MaxPool")


def global_pool(graph: Graph) -> Node:
    op = graph.word("GlobalAveragePool", "GlobalMaxPool")
    return Node(op, [image(graph, graph.one(1, 2, 3))], moves=op == "GlobalMaxPool")


def per_channel(graph: Graph, value: Value, count: int) -> list[Value]:
    return [graph.parameter(value.type, [value.shape[1]]) for _ in range(count)]


def batch_normalization(graph: Graph) -> Node:
    value = image(graph, graph.one(0, 1, 2, 2, 3))
    variance = graph.new(graph.random.uniform(0.3, 2, value.shape[1]).astype(value.type), known=0.75)
    return Node("BatchNormalization", [value, *per_channel(graph, value, 3), variance])


def instance_normalization(graph: Graph) -> Node:
    value = image(graph, graph.one(1, 2, 3))
    return Node("InstanceNormalization", [value, *per_channel(graph, value, 2)])


def group_normalization(graph: Graph) -> Node:
    value = image(graph, graph.one(1, 2, 3))
    groups = graph.one(*divisors(value.shape[1]))
    return Node("GroupNormalization", [value, *per_channel(graph, value, 2)], {"num_groups": groups})


def layer_normalization(graph: Graph) -> Node:
    value = graph.any(("float32", "float64"), low=1)
    axis = graph.axis(value.rank)
    shape = value.shape[axis:]
    scale = graph.parameter(value.type, shape)
    bias = [graph.parameter(value.type, shape)] if graph.chance(0.7) else []
    return Node("LayerNormalization", [value, scale, *bias], {"axis": axis, "epsilon": graph.number(0.01, 0.1)})


def normalization(graph: Graph) -> Node:
    value = graph.any(("float32",), low=1)
    return Node("LpNormalization", [value], {"axis": graph.axis(value.rank), "p": graph.whole(1, 2)})


def local_response(graph: Graph) -> Node:
    return Node("LRN", [image(graph, 2)], {"size": graph.one(1, 3, 5), "alpha": graph.number(0.01, 0.5)})


def mean_variance(graph: Graph) -> Node:
    value = image(graph, 2)
    return Node("MeanVarianceNormalization", [value], {"axes": sorted({a % 4 for a in graph.axes(4, 1)})})


EQUATIONS = ("ij,jk->ik", "bij,bjk->bik", "ij->ji", "bij->b", "ii->i", "i,j->ij", "bij,bkj->bik", "bhid,bhjd->bhij")


def einsum(graph: Graph) -> Node:
    equation = graph.word(*EQUATIONS)
    extents: dict[str, int] = {}
    operands: list[Value] = []
    for term in equation.split("->")[0].split(","):
        first = not operands
        shape = [extents.setdefault(c, graph.whole(1, 5)) for c in term]
        if first and len(set(term)) == len(term):
            value = graph.any(("float32",), len(term), len(term))
            extents |= dict(zip(term, value.shape, strict=True))
        else:
            value = graph.like("float32", lambda s, wanted=tuple(shape): s == wanted, shape)
        operands.append(value)
    return Node("Einsum", operands, {"equation": equation})


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(graph: Graph) -> Node:
    op = graph.word(*GATES)
    direction = graph.word("forward", "reverse", "bidirectional")
    value = graph.any(("float32",), 3, 3)
    ways, hidden, gates = 1 + (direction == "bidirectional"), graph.whole(1, 4), GATES[op]
    steps, batch, width = value.shape
    operands: list[Value | None] = [value]
    operands += [graph.parameter("float32", [ways, gates * hidden, n]) for n in (width, hidden)]
    operands.append(graph.parameter("float32", [ways, 2 * gates * hidden]) if graph.chance(0.6) else None)
    lengths = graph.random.integers(1, max(steps, 1) + 1, batch).astype(np.int32)
    operands.append(graph.new(lengths, known=0.3) if graph.chance(0.3) else None)
    operands.append(graph.parameter("float32", [ways, batch, hidden]) if graph.chance(0.4) else None)
    attributes: dict[str, Attribute] = {"hidden_size": hidden, "direction": direction}
    if op == "GRU":
        attributes["linear_before_reset"] = graph.whole(0, 1)
    return Node(op, operands, attributes, outputs=3 if op == "LSTM" else 2)


def resize(graph: Graph) -> Node:
    value = image(graph, graph.one(1, 2, 2))
    mode = graph.word("nearest", "linear", "linear", "cubic") if value.rank == 4 else graph.word("nearest", "linear")
    attributes: dict[str, Attribute] = {"mode": mode}
    attributes["coordinate_transformation_mode"] = graph.word("half_pixel", "asymmetric", "align_corners")
    if mode == "nearest":
        attributes["nearest_mode"] = graph.word("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if graph.chance(0.5):
        sizes = [*value.shape[:2], *(graph.whole(1, 9) for _ in value.shape[2:])]
        return Node("Resize", [value, None, None, graph.known(sizes)], attributes, moves=mode == "nearest")
    scales = np.array([1, 1, *(graph.one(1, 2, 3) * graph.random.choice([0.5, 1.0]) for _ in value.shape[2:])])
    return Node("Resize", [value, None, graph.known(scales, "float32")], attributes, moves=mode == "nearest")


def zero_point(graph: Graph, type: str, shape: Sequence[int]) -> Value:
    low, high = (-5, 6) if type == "int8" else (100, 140)
    return graph.new(graph.random.integers(low, high, shape).astype(type), known=0.8)


def quantize(graph: Graph) -> Node:
    value = graph.any(("float32",))
    per_axis = value.rank > 0 and graph.chance(0.4)
    axis = graph.axis(value.rank) if per_axis else 0
    shape = [value.shape[axis]] if per_axis else []
    scale = graph.new(2.0 ** graph.random.integers(-5, 0, shape).astype(np.float32), known=0.8)
    operands = [value, scale, zero_point(graph, graph.word("int8", "uint8"), shape)]
    return Node("QuantizeLinear", operands, {"axis": axis} if per_axis else {}, moves=True)


def dequantize(graph: Graph) -> Node:
    value = graph.any(("int8", "uint8"))
    per_axis = value.rank > 0 and graph.chance(0.4)
    axis = graph.axis(value.rank) if per_axis else 0
    shape = [value.shape[axis]] if per_axis else []
    scale = graph.new(graph.random.uniform(0.01, 0.3, shape).astype(np.float32), known=0.8)
    operands = [value, scale, *([zero_point(graph, value.type, shape)] if graph.chance(0.7) else [])]
    return Node("DequantizeLinear", operands, {"axis": axis} if per_axis else {})


def integer_product(graph: Graph) -> Node:
    first = graph.any(("uint8", "int8"), 2, 3)
    inner = first.shape[-1]
    if not inner:
        raise UnfitError
    other = graph.like(graph.word("int8", "uint8"), lambda s: len(s) == 2 and s[0] == inner, [inner, graph.whole(1, 6)])
    points = [zero_point(graph, v.type, []) for v in (first, other)] if graph.chance(0.5) else []
    return Node("MatMulInteger", [first, other, *points], moves=True)


LAYERS: Sequence[Draw] = (
    *(reduction(op) for op in (*REDUCTIONS, *ROOTS)),
    extremum, softmax, softmax, hardmax, running_sum, matmul, matmul, matmul, gemm, gemm, conv, conv, conv, conv,
    conv_transpose, conv_transpose, pool, pool, global_pool, batch_normalization, instance_normalization,
    group_normalization, layer_normalization, normalization, local_response, mean_variance, einsum, recurrent,
    recurrent, resize, resize, quantize, dequantize, integer_product,
)  # fmt: skip
