"""Rules for operators that reduce, scan or multiply along axes of which only the first places are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import inf, prod
from operator import mul

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.elementwise import SqrtOp
from webdnn.dialects.dnn.reduction import ReduceSumOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.element import element_type, shape_of
from webdnn.frontends.onnx.converters.einsum import spelled_out
from webdnn.frontends.onnx.filled import (
    counts,
    highest,
    lowest,
    masked,
    merged,
    refuse_counted,
    replaced,
    same,
    without_rest,
)
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rule import Rule
from webdnn.frontends.onnx.term import Term
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.shapes import normalize_axes, normalize_axis
from webdnn.support.weights import numpy_dtype

NEUTRAL: Mapping[str, float] = {
    "ArgMax": -inf,
    "ArgMin": inf,
    "GlobalAveragePool": 0,
    "GlobalMaxPool": -inf,
    "Hardmax": -inf,
    "LogSoftmax": -inf,
    "LpNormalization": 0,
    "ReduceL1": 0,
    "ReduceL2": 0,
    "ReduceLogSum": 0,
    "ReduceLogSumExp": -inf,
    "ReduceMax": -inf,
    "ReduceMean": 0,
    "ReduceMin": inf,
    "ReduceProd": 1,
    "ReduceSum": 0,
    "ReduceSumSquare": 0,
    "Softmax": -inf,
}
"""Operators along axes, and what stands in for places that are not filled"""

SHAPED = ("Hardmax", "LogSoftmax", "LpNormalization", "Softmax")
"""Those whose results have the shape of the operand"""


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The axes that an operator works along."""
    rank = len(node.shape(0))
    match node.op_type:
        case "ArgMax" | "ArgMin":
            return (normalize_axis(node.integer("axis", 0), rank),)
        case "GlobalAveragePool" | "GlobalMaxPool":
            return tuple(range(2, rank))
        case "LpNormalization":
            return (normalize_axis(node.integer("axis", -1), rank),)
        case kind if kind in SHAPED:
            axis = normalize_axis(node.integer("axis", -1 if node.opset >= 13 else 1), rank)
            return (axis,) if node.opset >= 13 else tuple(range(axis, rank))
        case _:
            axes = normalize_axes(node.axes_given() or (), rank)
            return axes or (() if node.integer("noop_with_empty_axes", 0) else tuple(range(rank)))


def neutral_behind(node: Node) -> Node:
    """The node, with neutral elements at all places of its first operand that are not filled."""
    x, other = Term.operand(node, 0), NEUTRAL[node.op_type]
    other = {-inf: lowest(x), inf: highest(x)}.get(other, other)
    return replaced(node, {0: without_rest(node, 0, reduced_axes(node), other)})


def along_axes(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes that are worked along are not counted any more, or go; where they stay whole, they are what they were."""
    if node.op_type in SHAPED:
        return counts(node, 0)
    axes, shape = reduced_axes(node), node.shape(0)
    kept = {axis: count for axis, count in counts(node, 0).items() if axis not in axes}
    if len(shape_of(result)) == len(shape):
        return kept
    return {axis - sum(a < axis for a in axes): count for axis, count in kept.items()}


def rescaled(node: Node, results: Sequence[SSAValue]) -> list[SSAValue]:
    """The mean of all places, of which those that are not filled are zero, as the mean of those that are."""
    (result,) = results
    kind = element_type(result.type)
    for axis in set(reduced_axes(node)) & counts(node, 0).keys():
        if not kind.is_float:
            refuse_counted(node, "rounds a mean of as many integers as vary", hint="convert them to floats")
        count = counts(node, 0)[axis].cast(kind.name)
        result = (Term(node, result) * (float(node.shape(0)[axis]) / count)).value
    return [result]


def zeros_noted(node: Node, results: Sequence[SSAValue]) -> Sequence[SSAValue]:
    """The results, of which places that are not filled are known to be zero, unless none may be: a sum is zero then."""
    settled = {axis: node.emitter.counting.settled(count.value) for axis, count in counts(node, 0).items()}
    axes = [axis for axis in reduced_axes(node) if (bounds := settled.get(axis)) and bounds[0] > 0]
    node.emitter.counting.zeros |= {(result, axis) for result in results for axis in axes}
    return results


def matmul(node: Node, result: SSAValue) -> dict[int, Term]:
    """Rows of the first and columns of the second factor, and axes of batches."""
    shapes, rank = (node.shape(0), node.shape(1)), len(shape_of(result))
    vectors = [len(shape) == 1 for shape in shapes]
    parts: list[tuple[int, Term]] = []
    for i, summed in enumerate(summed_axes(node)):
        for axis, count in counts(node, i).items():
            if axis != summed:
                # A vector has neither rows nor columns: what stands before them in the other factor moves back.
                moved = vectors[1 - i] and axis < summed
                parts.append((axis + rank + moved - len(shapes[i]), count))
    found = merged(node, parts)
    for i, shape in enumerate(shapes):
        for at in [at for at in found if at < rank - 2 and not any(vectors)]:
            axis = at - rank + len(shape)
            if axis >= 0 and shape[axis] != 1 and axis not in counts(node, i):
                refuse_counted(node, f"has {shape[axis]} factors for fewer", hint="let both have the same size")
            if axis >= 0 and shape[axis] == 1 and axis in counts(node, i):
                refuse_counted(node, "repeats an axis that may have one place", hint="select after this operator")
    return found


def summed_axes(node: Node) -> tuple[int, int]:
    """The axis of each factor that a product sums over."""
    if node.op_type == "Gemm":
        return 1 - bool(node.integer("transA", 0)), int(bool(node.integer("transB", 0)))
    ranks = len(node.shape(0)), len(node.shape(1))
    return ranks[0] - 1, max(0, ranks[1] - 2)


def zeros_between(node: Node) -> Node:
    """The node, with zeros at all places that are summed over and not filled, in both factors."""
    axes = summed_axes(node)
    found = [counts(node, i).get(axis) for i, axis in enumerate(axes)]
    if found == [None, None]:
        return node
    merged(node, [(0, count) for count in found if count is not None])
    if None in found:
        refuse_counted(node, "sums over an axis that varies in one factor alone", hint="cut the other to the same size")
    return replaced(node, {i: without_rest(node, i, [axis], 0) for i, axis in enumerate(axes)})


def gemm(node: Node, result: SSAValue) -> dict[int, Term]:
    """Rows and columns; the third operand is added."""
    places = [(0, 0), (1, 1)]
    parts = [(at, c) for (i, at), s in zip(places, summed_axes(node), strict=True) if (c := counts(node, i).get(1 - s))]
    found = dict(parts)
    for axis, extent in enumerate(node.shape(2) if node.optional(2) is not None else ()):
        at, count = axis + 2 - len(node.shape(2)), counts(node, 2).get(axis)
        if (at in found) != (count is not None) and extent != 1:
            refuse_counted(node, "adds to an axis that may have fewer places", hint="cut both to the same size")
        parts += [] if count is None else [(at, count)]
    return merged(node, parts)


def einsum_zeros(node: Node) -> Node:
    """The node, with zeros at all places that are summed over and not filled."""
    terms, result = spelled_out(node, [node.operand(i) for i in range(len(node.operands))])
    einsum_counts(node, terms)
    found = {i: [axis for axis, letter in enumerate(term) if letter not in result] for i, term in enumerate(terms)}
    return replaced(node, {i: without_rest(node, i, axes, 0) for i, axes in found.items()})


def einsum_counts(node: Node, terms: Sequence[str]) -> dict[str, Term]:
    """The letters that are counted. Refuses one that has all places in another operand."""
    letters = sorted(set("".join(terms)))
    pairs = [(term[axis], c) for i, term in enumerate(terms) for axis, c in counts(node, i).items()]
    found = {letters[at]: c for at, c in merged(node, [(letters.index(x), c) for x, c in pairs]).items()}
    for i, term in enumerate(terms):
        for axis, letter in enumerate(term):
            if letter in found and axis not in counts(node, i):
                refuse_counted(node, f"has all places along '{letter}' in one operand alone", hint="cut it as well")
    return found


def einsum(node: Node, result: SSAValue) -> dict[int, Term]:
    """Letters of the result that are counted in operands."""
    terms, kept = spelled_out(node, [node.operand(i) for i in range(len(node.operands))])
    found = einsum_counts(node, terms)
    return {axis: found[letter] for axis, letter in enumerate(kept) if letter in found}


def before_axis(node: Node, result: SSAValue) -> dict[int, Term]:
    """Of a normalization: axes before those that it works along."""
    axis = normalize_axis(node.integer("axis", -1), len(node.shape(0)))
    if any(a >= axis for a in counts(node, 0)) or any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "normalizes along an axis whose size varies", hint="let other axes vary")
    return counts(node, 0)


def but_channels(node: Node, result: SSAValue) -> dict[int, Term]:
    """Of a normalization with given statistics: all axes but that of channels."""
    given = 1 in counts(node, 0) or any(counts(node, i) for i in range(1, len(node.operands)))
    if given or node.integer("training_mode", 0) or not node.integer("spatial", 1):
        refuse_counted(node, "takes statistics of an axis whose size varies", hint="export it for inference")
    return counts(node, 0)


def grouped_norm(node: Node) -> SSAValue:
    """Each group of channels less its mean, over its deviation; mean and variance are of what is filled."""
    x, epsilon = without_rest(node, 0, range(2, len(node.shape(0))), 0), node.number("epsilon", 1e-5)
    batch, channels, *spatial = x.shape
    groups = channels if node.op_type == "InstanceNormalization" else node.integer("num_groups")
    varying = {axis: count for axis, count in counts(node, 0).items() if axis > 1}
    kind = node.element(0).name
    places = reduce(mul, (c.cast(kind) for c in varying.values()), Term.known(node, one(kind)))
    places = places * float(channels // groups * prod(n for a, n in enumerate(spatial, 2) if a not in varying))
    x = x.reshaped(batch, groups, channels // groups, *spatial)
    axes = range(2, len(x.shape))
    centred = x - (x.reduced(ReduceSumOp, axes, keepdims=True) / places)
    for axis, count in varying.items():
        centred = masked(centred, axis + 1, count, 0)
    variance = (centred * centred).reduced(ReduceSumOp, axes, keepdims=True) / places
    normal = (centred / (variance + epsilon).apply(SqrtOp)).reshaped(batch, channels, *spatial)
    scale, bias = (Term.operand(node, i).reshaped(channels, *[1] * len(spatial)) for i in (1, 2))
    return (normal * scale + bias).value


def one(kind: str) -> Array:
    return as_array(np.ones((), numpy_dtype(ELEMENT_TYPES[kind])))


def but_given_channels(node: Node, result: SSAValue) -> dict[int, Term]:
    """Of a normalization of each place of the first axis: all axes but that of channels."""
    if 1 in counts(node, 0) or any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "has channels whose number varies", hint="let other axes vary")
    return counts(node, 0)


def prefix_zeros(node: Node) -> Node:
    """The node, with nothing to add or multiply behind what is filled, for sums from the end."""
    if not node.integer("reverse", 0):
        return node
    (axis,) = node.constant_integers(1)
    other = {"CumSum": 0, "CumProd": 1}[node.op_type]
    return replaced(node, {0: without_rest(node, 0, [normalize_axis(axis, len(node.shape(0)))], other)})


def of_first(node: Node, result: SSAValue) -> dict[int, Term]:
    return counts(node, 0)


def with_lengths(node: Node) -> Node:
    """A recurrent layer that is told how many steps there are, where that varies."""
    steps = counts(node, 0).get(1 if node.integer("layout", 0) else 0)
    if steps is None or node.optional(4) is not None:
        return node
    batch = node.shape(0)[0 if node.integer("layout", 0) else 1]
    operands = [*node.operands, *[None] * (5 - len(node.operands))]
    operands[4] = steps.reshaped(1).expanded(batch).value
    return replace(node, operands=operands)


def recurrent(node: Node, result: SSAValue) -> dict[int, Term]:
    """Y (T, D, B, H) and states (D, B, H); batches first where the model has it."""
    first = bool(node.integer("layout", 0))
    time, batch = (1, 0) if first else (0, 1)
    found, whole = counts(node, 0), len(shape_of(result)) == 4
    if any(axis not in (time, batch) for axis in found) or any(counts(node, i) for i in range(1, 4)):
        refuse_counted(node, "has features or weights whose size varies", hint="let steps or batches vary")
    for i in (i for i in (4, 5, 6) if node.optional(i) is not None):
        own = counts(node, i).get(0 if first or i == 4 else 1)
        if (own is None) != (batch not in found) or (own is not None and not same(own, found[batch])):
            refuse_counted(node, "has states or lengths of another batch", hint="let both have the same size")
    places = {time: 1 if first else 0, batch: 0 if first else 2} if whole else {batch: 0 if first else 1}
    return {places[axis]: count for axis, count in found.items() if axis in places}


SUMS: Mapping[str, Rule] = {
    **{name: Rule(along_axes, neutral_behind) for name in NEUTRAL},
    **{name: Rule(along_axes, neutral_behind, rescaled) for name in ("ReduceMean", "GlobalAveragePool")},
    "BatchNormalization": Rule(but_channels),
    "CumProd": Rule(of_first, prefix_zeros),
    "CumSum": Rule(of_first, prefix_zeros),
    "Einsum": Rule(einsum, einsum_zeros),
    "GRU": Rule(recurrent, with_lengths),
    "Gemm": Rule(gemm, zeros_between),
    "GroupNormalization": Rule(but_given_channels, convert=grouped_norm),
    "InstanceNormalization": Rule(but_given_channels, convert=grouped_norm),
    "LSTM": Rule(recurrent, with_lengths),
    "LayerNormalization": Rule(before_axis),
    "MatMul": Rule(matmul, zeros_between),
    "RMSNormalization": Rule(before_axis),
    "RNN": Rule(recurrent, with_lengths),
    "Softmax": Rule(along_axes, neutral_behind, zeros_noted),
}
"""Operators that work along axes"""
