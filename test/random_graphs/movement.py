"""Random nodes that move elements: transpositions, slices, joins, gathers, and what is found at run time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from random_graphs.elementwise import Draw
from random_graphs.graph import NUMBERS, Attribute, Graph, Node, UnfitError, Value


def transpose(graph: Graph) -> Node:
    value = graph.any()
    attributes: dict[str, Attribute] = {"perm": [int(i) for i in graph.random.permutation(value.rank)]}
    return Node("Transpose", [value], attributes if value.rank and graph.chance(0.85) else {}, moves=True)


def reshape(graph: Graph) -> Node:
    """The same elements in extents that are products of the old ones' prime factors."""
    value = graph.any()
    left, shape = int(np.prod(value.shape)), list[int]()
    while left > 1 and len(shape) < 4:
        divisor = int(graph.random.choice([d for d in range(1, left + 1) if left % d == 0]))
        shape.append(divisor)
        left //= divisor
    shape = [*shape, left] if left > 1 or graph.chance(0.2) else shape
    if shape and 0 not in value.shape and graph.chance(0.4):
        shape[graph.whole(0, len(shape) - 1)] = -1
    return Node("Reshape", [value, graph.known(shape)], moves=True)


def flatten(graph: Graph) -> Node:
    value = graph.any(low=1)
    return Node("Flatten", [value], {"axis": graph.whole(-value.rank, value.rank)}, moves=True)


def squeeze(graph: Graph) -> Node:
    value = graph.any()
    ones = [i for i, n in enumerate(value.shape) if n == 1]
    if not ones or graph.chance(0.3):
        return Node("Squeeze", [value], moves=True)
    return Node("Squeeze", [value, graph.known(ones[: graph.whole(1, len(ones))])], moves=True)


def unsqueeze(graph: Graph) -> Node:
    value = graph.any(high=4)
    count = graph.whole(1, 5 - value.rank)
    axes = [int(a) for a in graph.random.permutation(value.rank + count)[:count]]
    if graph.chance(0.3):
        axes = [a - value.rank - count for a in axes]
    return Node("Unsqueeze", [value, graph.known(axes)], moves=True)


def expand(graph: Graph) -> Node:
    value = graph.any()
    shape = [graph.whole(1, 4) if n == 1 else graph.one(1, n) for n in value.shape]
    front = [graph.whole(1, 3)] if value.rank < 5 and graph.chance(0.4) else []
    return Node("Expand", [value, graph.known([*front, *shape])], moves=True)


def tile(graph: Graph) -> Node:
    value = graph.any(low=1)
    return Node("Tile", [value, graph.known([graph.one(1, 1, 2, 3) for _ in value.shape])], moves=True)


def take_slice(graph: Graph) -> Node:
    value = graph.any(low=1)
    axes = graph.axes(value.rank, 1)
    steps = [graph.one(1, 1, 2, 3, -1, -2) for _ in axes]
    starts, ends = list[int](), list[int]()
    for axis, step in zip(axes, steps, strict=True):
        low, high = sorted((graph.whole(0, value.shape[axis]), graph.whole(0, value.shape[axis])))
        high += low == high
        if graph.chance(0.2):
            low, high = 0, 1000
        start, end = (low, high) if step > 0 else (high - 1, low - 1 if low else -1000)
        starts.append(start - value.shape[axis] if 0 < start < value.shape[axis] and graph.chance(0.3) else start)
        ends.append(end)
    return Node("Slice", [value, *(graph.known(n) for n in (starts, ends, axes, steps))], moves=True)


def split(graph: Graph) -> Node:
    value = graph.any(low=1)
    axis = graph.axis(value.rank)
    extent = value.shape[axis]
    if extent < 2:
        raise UnfitError
    if graph.chance(0.5):
        return Node("Split", [value], {"axis": axis, "num_outputs": 2}, outputs=2, moves=True)
    first = graph.whole(1, extent - 1)
    return Node("Split", [value, graph.known([first, extent - first])], {"axis": axis}, outputs=2, moves=True)


def concat(graph: Graph) -> Node:
    value = graph.any(low=1)
    axis = graph.axis(value.rank)

    def other() -> Value:
        shape = list(value.shape)
        shape[axis] = graph.whole(1, 4)

        def fits(found: tuple[int, ...]) -> bool:
            rest = [n for i, n in enumerate(found) if i != axis % value.rank]
            return len(found) == value.rank and rest == [n for i, n in enumerate(shape) if i != axis % value.rank]

        return graph.like(value.type, fits, shape)

    others = [other() for _ in range(graph.whole(0, 3))]
    operands = [*others, value] if graph.chance(0.5) else [value, *others]
    return Node("Concat", operands, {"axis": axis}, moves=True)


def pad(graph: Graph) -> Node:
    value = graph.any(low=1)
    mode = graph.word("constant", "constant", "reflect", "edge", "wrap")
    least = [-1 if mode == "constant" and n > 3 and graph.chance(0.3) else 0 for n in value.shape]
    widest = [min(3, n - 1) if mode in ("reflect", "wrap") else 3 for n in value.shape]
    amounts = [graph.whole(a, max(a, b)) for a, b in [*zip(least, widest, strict=True)] * 2]
    operands: list[Value | None] = [value, graph.known(amounts)]
    if mode == "constant" and graph.chance(0.6):
        operands.append(graph.new(graph.numbers(value.type, []), known=0.7))
    return Node("Pad", operands, {"mode": mode}, moves=True)


def indices(graph: Graph, shape: Sequence[int], extent: int) -> Value:
    """Indices of an axis, from its front or its back."""
    found = graph.random.integers(-extent if graph.chance(0.4) else 0, extent, shape)
    return graph.new(found.astype(graph.word("int64", "int32")), known=0.5)


def gather(graph: Graph) -> Node:
    value = graph.any(low=1)
    axis = graph.axis(value.rank)
    if not value.shape[axis]:
        raise UnfitError
    operands = [value, indices(graph, graph.shape(graph.whole(0, 2)), value.shape[axis])]
    return Node("Gather", operands, {"axis": axis}, moves=True)


def gather_elements(graph: Graph) -> Node:
    value = graph.any(low=1)
    axis = graph.axis(value.rank)
    if not value.shape[axis]:
        raise UnfitError
    shape = [graph.whole(1, n) if n else 0 for n in value.shape]
    shape[axis] = graph.whole(1, 5)
    return Node("GatherElements", [value, indices(graph, shape, value.shape[axis])], {"axis": axis}, moves=True)


def tuples(graph: Graph, extents: Sequence[int], count: Sequence[int], distinct: bool) -> Value:
    """[*count, len(extents)]: indices of elements or of slices, no two the same where that is asked."""
    total, wanted = int(np.prod(extents)), int(np.prod(count))
    if not total or (distinct and wanted > total):
        raise UnfitError
    flat = graph.random.permutation(total)[:wanted] if distinct else graph.random.integers(0, total, wanted)
    found = np.stack(np.unravel_index(flat, tuple(extents)), -1).reshape(*count, len(extents))
    return graph.new(found.astype(np.int64), known=0.5)


def gather_nd(graph: Graph) -> Node:
    value = graph.any(low=1, high=4)
    batch = graph.one(0, 0, 1) if value.rank > 1 else 0
    depth = graph.whole(1, value.rank - batch)
    count = [*value.shape[:batch], *graph.shape(graph.whole(1, 2))]
    operands = [value, tuples(graph, value.shape[batch : batch + depth], count, distinct=False)]
    return Node("GatherND", operands, {"batch_dims": batch}, moves=True)


def scatter_nd(graph: Graph) -> Node:
    value = graph.any(low=1, high=4)
    depth, reduction = graph.whole(1, value.rank), graph.word("none", "none", "add", "mul", "max", "min")
    count = [graph.whole(1, 4)]
    places = tuples(graph, value.shape[:depth], count, distinct=reduction == "none")
    shape = (*count, *value.shape[depth:])
    updates = graph.like(value.type, lambda found: found == shape, shape)
    return Node("ScatterND", [value, places, updates], {"reduction": reduction}, moves=True)


def scatter_elements(graph: Graph) -> Node:
    value = graph.any(low=1, high=4)
    axis, reduction = graph.axis(value.rank), graph.word("none", "none", "add", "mul", "max", "min")
    extent = value.shape[axis]
    if 0 in value.shape:
        raise UnfitError
    shape = [graph.whole(1, n) for n in value.shape]
    order = np.argsort(graph.random.random((*value.shape[: axis % value.rank], extent, *value.shape[axis:][1:])), axis)
    places = order[tuple(slice(n) for n in shape)].astype(np.int64)
    if reduction != "none" and graph.chance(0.6):
        places = graph.random.integers(-extent, extent, shape)
    updates = graph.like(value.type, lambda found: found == tuple(shape), shape)
    attributes: dict[str, Attribute] = {"axis": axis, "reduction": reduction}
    return Node("ScatterElements", [value, graph.new(places, known=0.5), updates], attributes, moves=True)


def depth_to_space(graph: Graph) -> Node:
    channels, block = graph.whole(1, 3), graph.one(2, 3)
    shape = [graph.whole(1, 2), channels * block**2, graph.whole(1, 4), graph.whole(1, 4)]
    value = graph.like("float32", lambda s: len(s) == 4 and s[1] % block**2 == 0, shape)
    return Node("DepthToSpace", [value], {"blocksize": block, "mode": graph.word("DCR", "CRD")}, moves=True)


def space_to_depth(graph: Graph) -> Node:
    block = graph.one(2, 3)
    shape = [graph.whole(1, 2), graph.whole(1, 3), block * graph.whole(1, 3), block * graph.whole(1, 3)]
    value = graph.like("float32", lambda s: len(s) == 4 and s[2] % block == 0 == s[3] % block, shape)
    return Node("SpaceToDepth", [value], {"blocksize": block}, moves=True)


def trilu(graph: Graph) -> Node:
    value = graph.any(low=2)
    operands = [value, graph.known(np.array(graph.whole(-4, 4)))] if graph.chance(0.7) else [value]
    return Node("Trilu", operands, {"upper": graph.whole(0, 1)}, moves=True)


def one_hot(graph: Graph) -> Node:
    depth = graph.whole(2, 6)
    places = graph.new(graph.random.integers(-depth, depth + 1, graph.shape(graph.whole(0, 2))), known=0.3)
    values = graph.new(graph.numbers(graph.word("float32", "int64"), [2]), known=0.7)
    operands = [places, graph.known(np.array(depth)), values]
    return Node("OneHot", operands, {"axis": graph.axis(places.rank + 1)}, moves=True)


def top_k(graph: Graph) -> Node:
    value = graph.any(NUMBERS, low=1)
    axis = graph.axis(value.rank)
    if not value.shape[axis]:
        raise UnfitError
    attributes: dict[str, Attribute] = {"axis": axis, "largest": graph.whole(0, 1), "sorted": 1}
    return Node("TopK", [value, graph.known([graph.whole(1, value.shape[axis])])], attributes, outputs=2, moves=True)


def nonzero(graph: Graph) -> Node:
    return Node("NonZero", [graph.any(("float32", "int32", "int64", "bool", "uint8"), low=1)], moves=True)


def compress(graph: Graph) -> Node:
    value = graph.any(low=1)
    axis = graph.axis(value.rank) if graph.chance(0.8) else None
    extent = value.array.size if axis is None else value.shape[axis]
    kept = graph.like("bool", lambda s: s == (extent,), [extent])
    return Node("Compress", [value, kept], {} if axis is None else {"axis": axis}, moves=True)


def shape_of(graph: Graph) -> Node:
    return Node(graph.word("Shape", "Size"), [graph.any()], moves=True)


def reverse_sequence(graph: Graph) -> Node:
    value = graph.any(("float32", "int64", "int32"), low=2)
    time = graph.whole(0, 1)
    steps, batch = value.shape[time], value.shape[1 - time]
    if not steps:
        raise UnfitError
    lengths = graph.new(graph.random.integers(1, steps + 1, [batch]), known=0.5)
    return Node("ReverseSequence", [value, lengths], {"time_axis": time, "batch_axis": 1 - time}, moves=True)


def eye_like(graph: Graph) -> Node:
    return Node("EyeLike", [graph.any(("float32", "int32", "int64"), 2, 2)], {"k": graph.whole(-2, 2)}, moves=True)


MOVEMENT: Sequence[Draw] = (
    transpose, transpose, reshape, reshape, flatten, squeeze, unsqueeze, expand, tile, take_slice, take_slice, split,
    concat, concat, pad, pad, gather, gather_elements, gather_nd, scatter_nd, scatter_elements, depth_to_space,
    space_to_depth, trilu, one_hot, top_k, nonzero, compress, shape_of, reverse_sequence, eye_like,
)  # fmt: skip
