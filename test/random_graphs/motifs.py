"""Small groups of nodes that passes look for, and that nodes drawn one by one seldom make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto, helper

from random_graphs.graph import Graph, Node, Value

Motif = Callable[[Graph], None]

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def add(graph: Graph, op: str, operands: Sequence[Value], moves: bool = False, **attributes: int | list[int]) -> Value:
    """One node more; its result. Raises UnfitError."""
    graph.add(lambda _: Node(op, operands, attributes, moves=moves), operands)
    return graph.values[-1]


def floats(graph: Graph, *shape: int, scale: float = 0.5) -> Value:
    """An input."""
    return graph.new((graph.random.standard_normal(shape) * scale).astype(np.float32))


def weight(graph: Graph, *shape: int, scale: float = 0.5) -> Value:
    return graph.known((graph.random.standard_normal(shape) * scale).astype(np.float32), "float32")


def constant_part(graph: Graph) -> None:
    """An operator on weights alone, and one that reads it."""
    a, b = weight(graph, 3, 4), weight(graph, 4)
    made = add(graph, graph.word("Add", "Mul", "Sub", "Max"), [a, b])
    if graph.chance(0.5):
        made = add(graph, "Transpose", [made], moves=True, perm=[1, 0])
        add(graph, "MatMul", [floats(graph, 2, 4), made])
    else:
        add(graph, "Mul", [floats(graph, 2, 3, 4), made])


def identity(graph: Graph) -> None:
    """What changes nothing: one as a factor, zero as a summand, an axis that is moved nowhere, the same shape."""
    value = graph.any(("float32",), low=1)
    one = graph.known(np.ones([1] * graph.whole(0, value.rank)), "float32")
    zero = graph.known(np.zeros([1] * graph.whole(0, value.rank)), "float32")
    for op, other in (("Mul", one), ("Add", zero), ("Div", one), ("Sub", zero)):
        if graph.chance(0.4):
            value = add(graph, op, [value, other])
    order = list(range(value.rank))
    value = add(graph, "Transpose", [value], moves=True, perm=order)
    if graph.chance(0.5):
        value = add(graph, "Reshape", [value, graph.known(list(value.shape))], moves=True)
    add(graph, "Relu", [value], moves=True)


def norm(graph: Graph) -> None:
    """A convolution or a product, and the normalisation of its channels by known numbers."""
    channels = graph.whole(1, 6)
    if graph.chance(0.6):
        kernel = graph.one(1, 3)
        x, w = floats(graph, 1, 3, 5, 6), weight(graph, channels, 3, kernel, kernel)
        made = add(graph, "Conv", [x, w, *([weight(graph, channels)] if graph.chance(0.5) else [])])
    elif graph.chance(0.5):
        x, w = floats(graph, 1, 3, 3, 4), weight(graph, 3, channels, 2, 2)
        made = add(graph, "ConvTranspose", [x, w], strides=[2, 2])
    else:
        made = add(graph, "MatMul", [floats(graph, 5, 4), weight(graph, 4, channels)])
    variance = graph.known(graph.random.random(channels) + 0.5, "float32")
    add(graph, "BatchNormalization", [made, *(weight(graph, channels) for _ in range(3)), variance])
    if graph.chance(0.5):
        add(graph, "Relu", [graph.values[-1]], moves=True)


def nothing(graph: Graph) -> None:
    """A tensor without elements, and what is made of it."""
    value = graph.any(("float32",), low=1, high=3)
    axis = graph.whole(0, value.rank - 1)
    ends = [graph.known([0]), graph.known([0]), graph.known([axis])]
    empty = add(graph, "Slice", [value, *ends], moves=True)
    kind = graph.whole(0, 2)
    if kind == 0:
        add(graph, "Concat", [empty, value], moves=True, axis=axis)
    elif kind == 1:
        add(graph, "ReduceSum", [empty, graph.known([axis])])
    else:
        add(graph, "Relu", [empty], moves=True)


def convolution(graph: Graph) -> None:
    """A window with padding, of a map that blocks may span the rows of; perhaps two in a row."""
    channels, side = graph.one(4, 8), graph.one(5, 7)
    value = floats(graph, 1, channels, side, side)
    for _ in range(graph.whole(1, 2)):
        out = graph.one(4, 8)
        w = weight(graph, out, channels, 3, 3, scale=0.2)
        value = add(graph, "Relu", [add(graph, "Conv", [value, w], pads=[1, 1, 1, 1])], moves=True)
        channels = out


def tiles(graph: Graph) -> None:
    """A convolution that is worth computing in tiles of results."""
    w = weight(graph, 16, 16, 3, 3, scale=0.2)
    add(graph, "Conv", [floats(graph, 1, 16, 8, 8), w], pads=[1, 1, 1, 1])


def enlarged(graph: Graph) -> None:
    """A transposed convolution, whose results depend on their places modulo the stride."""
    kernel = graph.one(2, 4)
    x, w = floats(graph, 1, 4, 3, 4), weight(graph, 4, graph.whole(1, 5), kernel, kernel)
    made = add(graph, "ConvTranspose", [x, w], strides=[2, 2], pads=[kernel // 2 - 1] * 4)
    add(graph, "Relu", [made], moves=True)


def joined(graph: Graph) -> None:
    """Results side by side, of which one is read alone too."""
    x, width = floats(graph, 2, 3, 4), graph.whole(1, 5)
    first = add(graph, graph.word("Exp", "Tanh", "Sigmoid"), [x])
    second = add(graph, "MatMul", [x, weight(graph, 4, 4)])
    third = floats(graph, 2, width, 4)
    both = add(graph, "Concat", [first, third, second], moves=True, axis=1)
    if graph.chance(0.5):
        add(graph, "Mul", [first, second])
    add(graph, "MatMul", [both, weight(graph, 4, 3)])


def scaled_product(graph: Graph) -> None:
    """A row times a matrix whose columns are scaled by known numbers."""
    depth, columns = graph.whole(3, 9), graph.one(4, 6, 8)
    scaled = add(graph, "Mul", [floats(graph, depth, columns), weight(graph, columns)])
    add(graph, "MatMul", [floats(graph, 1, depth), scaled])


def attention(graph: Graph) -> None:
    """Scores of queries and keys, their softmax, and the context."""
    heads, rows, width, keys = graph.whole(1, 2), graph.whole(3, 9), graph.one(2, 4, 8), graph.one(8, 16)
    x = floats(graph, heads, rows, width)
    k, v = floats(graph, heads, keys, width), floats(graph, heads, keys, width)
    if graph.chance(0.5):
        k = add(graph, "MatMul", [k, weight(graph, width, width)])
    turned = add(graph, "Transpose", [k], moves=True, perm=[0, 2, 1])
    scores = add(graph, "MatMul", [x, turned])
    add(graph, "MatMul", [add(graph, "Softmax", [scores], axis=-1), v])


def product(graph: Graph) -> None:
    """A matrix product with a weight of whole panels, and what follows it."""
    depth, columns = graph.one(4, 8, 16), graph.one(8, 16, 24)
    w = weight(graph, depth, columns, scale=0.3)
    made = add(graph, "MatMul", [floats(graph, graph.one(1, 7, 12), depth), w])
    if graph.chance(0.5):
        made = add(graph, "Add", [made, weight(graph, columns)])
    if graph.chance(0.5):
        add(graph, "MatMul", [made, weight(graph, columns, 8, scale=0.3)])


def panels(graph: Graph) -> None:
    """A product with several panels of a weight, each of which several blocks of rows use."""
    x, w = floats(graph, graph.one(24, 30), 16), weight(graph, 16, graph.one(32, 48), scale=0.3)
    add(graph, "MatMul", [x, w])


def wide_product(graph: Graph) -> None:
    """A product of two computed factors, the second with long rows."""
    x, y = floats(graph, 3, 4), add(graph, "MatMul", [floats(graph, 4, 3), weight(graph, 3, 128)])
    add(graph, "MatMul", [x, y])


def recurrent(graph: Graph) -> None:
    """Rows that are stacked step by step."""
    width, hidden, (op, gates) = graph.whole(1, 3), graph.one(2, 4), (("LSTM", 4), ("GRU", 3))[graph.whole(0, 1)]
    x, w = floats(graph, graph.whole(1, 4), 1, width), weight(graph, 1, gates * hidden, width)
    add(graph, op, [x, w, weight(graph, 1, gates * hidden, hidden)], hidden_size=hidden)


def looped(graph: Graph) -> None:
    """Steps that hand a state on and read a row each, and end after those that are said, or on what they find."""
    width, steps, early = graph.one(1, 3, 4), graph.one(50, 61), graph.chance(0.4)
    going = ("Less", ["most", "limit"]) if early else ("Identity", ["c"])
    nodes = [
        helper.make_node("Gather", ["x", "i"], ["u"]),
        helper.make_node("Tanh", ["s"], ["alike"]),
        helper.make_node("Mul", ["h", "alike"], ["p"]),
        helper.make_node(graph.word("Add", "Sub", "Max"), ["p", "u"], ["q"]),
        helper.make_node(graph.word("Tanh", "Relu", "Sigmoid"), ["q"], ["g"]),
        helper.make_node("ReduceMax", ["q"], ["most"], keepdims=0),
        helper.make_node(going[0], going[1], ["d"]),
        *(helper.make_node("Identity", [name], [f"same_{name}"]) for name in ("s", "limit", "x")),
    ]
    shapes = {"h": [width], "s": [width], "limit": [], "x": [steps, width]}
    inputs = [helper.make_tensor_value_info(n, kind, []) for n, kind in (("i", INT64), ("c", BOOL))]
    inputs += [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()]
    states = ["g", "same_s", "same_limit", "same_x", *([] if early else ["q"])]
    outputs = [helper.make_tensor_value_info("d", BOOL, [])]
    outputs += [helper.make_tensor_value_info(name, FLOAT, None) for name in states]
    body = helper.make_graph(nodes, "step", inputs, outputs)
    most, on = graph.known(np.array(steps - 1), "int64"), graph.known(np.array(True), "bool")
    limit = graph.known(np.array(2.5), "float32")
    operands = [most, on, floats(graph, width), floats(graph, width), limit, floats(graph, steps, width)]
    graph.add(lambda _: Node("Loop", operands, {"body": body}, outputs=len(states)), operands)


MOTIFS: Sequence[Motif] = (
    constant_part, identity, norm, norm, nothing, convolution, tiles, enlarged, joined, scaled_product, attention,
    product, panels, wide_product, recurrent, looped,
)  # fmt: skip
