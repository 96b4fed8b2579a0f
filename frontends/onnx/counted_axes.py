"""Which axes of an operator's results are counted, given those of its operands: a rule for each kind of operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, prod

from xdsl.ir import SSAValue

from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.elementwise import BINARY, UNARY, VARIADIC
from webdnn.frontends.onnx.filled import counted, counts, highest, lowest, masked, merged
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import COUNTING, Converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axes, normalize_axis

Rule = Callable[[Node, SSAValue], Mapping[int, Term]]
"""(node, one of its results) -> the counted axes of that result"""

ELEMENTWISE = frozenset(
    {*UNARY, *BINARY, *VARIADIC}
    | set(
        "BitShift Cast CastLike Celu Clip Elu Gelu HardSigmoid Identity IsInf IsNaN LeakyRelu Mean Mod PRelu Pow Selu "
        "Shrink Swish ThresholdedRelu Where".split()
    )
)
"""Operators that compute each element from those at the same place"""

BATCHED = frozenset(
    "AveragePool BatchNormalization Conv ConvTranspose Gemm GlobalAveragePool GlobalMaxPool GroupNormalization "
    "InstanceNormalization LayerNormalization MaxPool RMSNormalization".split()
)
"""Operators that do the same for each place of the first axis"""

NEUTRAL: Mapping[str, float] = {
    "ArgMax": -inf,
    "ArgMin": inf,
    "LogSoftmax": -inf,
    "ReduceL1": 0,
    "ReduceL2": 0,
    "ReduceLogSum": 0,
    "ReduceLogSumExp": -inf,
    "ReduceMax": -inf,
    "ReduceMin": inf,
    "ReduceProd": 1,
    "ReduceSum": 0,
    "ReduceSumSquare": 0,
    "Softmax": -inf,
}
"""Operators along axes, and what stands in for places that are not filled"""


def convert_counted(node: Node, convert: Converter) -> list[SSAValue]:
    """What a converter gives for counted operands, its results counted too. Refuses an operator without a rule."""
    rule = None if node.op_type in COUNTING else rule_of(node)
    found = convert(without_rest(node) if node.op_type in NEUTRAL else node)
    results = [found] if isinstance(found, SSAValue) else list(found)
    return results if rule is None else [counted(node, r, rule(node, r)) for r in results]


def rule_of(node: Node) -> Rule:
    """The rule of a node's operator. Refuses one that has none."""
    if node.op_type in ELEMENTWISE:
        return elementwise
    if node.op_type in NEUTRAL:
        return along_axes
    if node.op_type in BATCHED:
        return batched
    if node.op_type in RULES:
        return RULES[node.op_type]
    node.refuse(
        "takes what is found at run time, and has no rule for that",
        hint="export the model with a fixed number of elements, or write a rule in frontends/onnx/counted_axes.py",
    )


def elementwise(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes count from the last one. A counted axis must not be repeated."""
    parts: list[tuple[int, Term]] = []
    for i, operand in enumerate(node.operands):
        for axis, count in counts(node, i).items():
            assert operand is not None
            behind = len(shape_of(operand)) - axis
            at = len(shape_of(result)) - behind
            if shape_of(operand)[axis] != shape_of(result)[at]:
                node.refuse("repeats what is found at run time", hint="select after this operator")
            parts.append((at, count))
    return merged(node, parts)


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The axes that an operator works along."""
    rank = len(node.shape(0))
    if node.op_type in ("ArgMax", "ArgMin"):
        return (normalize_axis(node.integer("axis", 0), rank),)
    if node.op_type in ("Softmax", "LogSoftmax"):
        axis = normalize_axis(node.integer("axis", -1 if node.opset >= 13 else 1), rank)
        return (axis,) if node.opset >= 13 else tuple(range(axis, rank))
    axes = normalize_axes(node.axes_given() or (), rank)
    return axes or (() if node.integer("noop_with_empty_axes", 0) else tuple(range(rank)))


def without_rest(node: Node) -> Node:
    """The node, with neutral elements at all places of its first operand that are not filled."""
    value = Term.operand(node, 0)
    for axis in set(reduced_axes(node)) & counts(node, 0).keys():
        other = {-inf: lowest(value), inf: highest(value)}.get(NEUTRAL[node.op_type], NEUTRAL[node.op_type])
        value = masked(value, axis, counts(node, 0)[axis], other)
    return replace(node, operands=[value.value, *node.operands[1:]])


def along_axes(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes that are worked along are not counted any more, or go; where they stay whole, they are what they were."""
    axes, shape = reduced_axes(node), node.shape(0)
    if node.op_type in ("Softmax", "LogSoftmax"):
        return counts(node, 0)
    kept = {axis: count for axis, count in counts(node, 0).items() if axis not in axes}
    if len(shape_of(result)) == len(shape):
        return kept
    return {axis - sum(a < axis for a in axes): count for axis, count in kept.items()}


def batched(node: Node, result: SSAValue) -> dict[int, Term]:
    """The first axis of the first operand alone may be counted."""
    rest = [axis for i in range(len(node.operands)) for axis in counts(node, i) if (i, axis) != (0, 0)]
    if rest or (node.op_type == "Gemm" and node.integer("transA", 0)):
        node.refuse("sums up over what is found at run time", hint="select after this operator")
    return counts(node, 0)


def transpose(node: Node, result: SSAValue) -> dict[int, Term]:
    permutation = node.integers("perm", [*reversed(range(len(node.shape(0))))])
    return {permutation.index(axis): count for axis, count in counts(node, 0).items()}


def squeeze(node: Node, result: SSAValue) -> dict[int, Term]:
    shape, given = node.shape(0), node.axes_given()
    gone = normalize_axes(given, len(shape)) if given else [axis for axis, extent in enumerate(shape) if extent == 1]
    if set(gone) & counts(node, 0).keys():
        node.refuse("removes an axis of what is found at run time", hint="take an element of it instead")
    return {axis - sum(a < axis for a in gone): count for axis, count in counts(node, 0).items()}


def unsqueeze(node: Node, result: SSAValue) -> dict[int, Term]:
    new = normalize_axes(node.axes_given() or (), len(shape_of(result)))
    old = [axis for axis in range(len(shape_of(result))) if axis not in new]
    return {old[axis]: count for axis, count in counts(node, 0).items()}


def reshape(node: Node, result: SSAValue) -> dict[int, Term]:
    """An axis stays one of its own, or what is filled stays the first part of all elements."""
    shape, new = node.shape(0), shape_of(result)
    found: dict[int, Term] = {}
    for axis, count in counts(node, 0).items():
        before = prod(shape[:axis])
        places = [b for b in range(len(new)) if prod(new[:b]) == before]
        whole = [b for b in places if new[b] == shape[axis] and b not in found]
        if whole:
            found[whole[-1]] = count
        elif before == 1 and places and not found:
            found[places[-1]] = scaled(count, new[places[-1]], shape[axis])
        else:
            node.refuse(f"takes apart {list(shape)}, of which axis {axis} is found at run time", hint="keep that axis")
    return found


def scaled(count: Term, extent: int, old: int) -> Term:
    """A count of places, as one of larger or smaller places."""
    if extent % old == 0:
        return count * (extent // old)
    return count / (old // extent)


def gather(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes of the indices stand where the axis was that they look up, which is counted no more."""
    axis, rank = normalize_axis(node.integer("axis", 0), len(node.shape(0))), len(node.shape(1))
    parts = [(axis + a, count) for a, count in counts(node, 1).items()]
    for a, count in counts(node, 0).items():
        if a != axis:
            parts.append((a if a < axis else a + rank - 1, count))
    return merged(node, parts)


def gather_elements(node: Node, result: SSAValue) -> dict[int, Term]:
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    looked_up = [(a, count) for a, count in counts(node, 0).items() if a != axis]
    return merged(node, [*counts(node, 1).items(), *looked_up])


def gather_nd(node: Node, result: SSAValue) -> dict[int, Term]:
    """The axes of the indices but the last come first."""
    depth, behind = node.shape(1)[-1], len(node.shape(1)) - 1
    if len(node.shape(1)) - 1 in counts(node, 1) or node.integer("batch_dims", 0):
        node.refuse("looks up as many axes as are found at run time", hint="give it one row for each element")
    rest = [(behind + axis - depth, count) for axis, count in counts(node, 0).items() if axis >= depth]
    return merged(node, [*counts(node, 1).items(), *rest])


def matmul(node: Node, result: SSAValue) -> dict[int, Term]:
    """Rows of the first and columns of the second factor, and axes of batches."""
    parts: list[tuple[int, Term]] = []
    ranks, rank = (len(node.shape(0)), len(node.shape(1))), len(shape_of(result))
    for i, summed in ((0, ranks[0] - 1), (1, max(0, ranks[1] - 2))):
        for axis, count in counts(node, i).items():
            if axis == summed or min(ranks) == 1:
                node.refuse("sums up over what is found at run time", hint="select after this operator")
            parts.append((axis + rank - ranks[i], count))
    return merged(node, parts)


def roi_align(node: Node, result: SSAValue) -> dict[int, Term]:
    """A map for each region."""
    if counts(node, 0):
        node.refuse("takes maps that are found at run time", hint="select regions instead")
    return merged(node, [*counts(node, 1).items(), *counts(node, 2).items()])


def split(node: Node, result: SSAValue) -> dict[int, Term]:
    if normalize_axis(node.integer("axis", 0), len(node.shape(0))) in counts(node, 0):
        node.refuse("cuts what is found at run time", hint="split along another axis")
    return counts(node, 0)


RULES: Mapping[str, Rule] = {
    "Flatten": reshape,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "MatMul": matmul,
    "Reshape": reshape,
    "RoiAlign": roi_align,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
