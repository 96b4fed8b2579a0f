"""Which axes of an operator's results are counted, given those of its operands: a rule for each kind of operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.elementwise import BINARY, UNARY, VARIADIC
from webdnn.frontends.onnx.counted_products import INTEGERS
from webdnn.frontends.onnx.counted_scatters import SCATTERS
from webdnn.frontends.onnx.counted_sums import SUMS
from webdnn.frontends.onnx.counted_windows import WINDOWS
from webdnn.frontends.onnx.filled import counted, counts, merged, refuse_counted, replaced
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import COUNTING, Converter
from webdnn.frontends.onnx.rule import Rule
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axes, normalize_axis

ELEMENTWISE = frozenset(
    {*UNARY, *BINARY, *VARIADIC}
    | set(
        "BitShift Cast Celu Clip DequantizeLinear Dropout Elu Gelu HardSigmoid Identity IsInf IsNaN LeakyRelu "
        "Mean Mod PRelu Pow QuantizeLinear Selu Shrink Swish ThresholdedRelu Where".split()
    )
)
"""Operators that compute each element from those at the same place"""

BATCHED = frozenset("ConvInteger DepthToSpace GridSample LRN QLinearConv SpaceToDepth".split())
"""Operators that do the same for each place of the first axis"""


def convert_counted(node: Node, convert: Converter) -> list[SSAValue]:
    """What a converter gives for counted operands, its results counted too. Refuses an operator without a rule."""
    rule = None if node.op_type in COUNTING else rule_of(node)
    if rule is None:
        return listed(convert(node))
    results = rule.finish(node, listed((rule.convert or convert)(rule.prepare(node))))
    return [counted(node, result, rule.counts(node, result)) for result in results]


def listed(found: SSAValue | Sequence[SSAValue]) -> list[SSAValue]:
    return [found] if isinstance(found, SSAValue) else list(found)


def rule_of(node: Node) -> Rule:
    """The rule of a node's operator. Refuses one that has none."""
    if node.op_type in ELEMENTWISE:
        return Rule(elementwise)
    if node.op_type in BATCHED:
        return Rule(batched)
    for rules in (MOVEMENT, SCATTERS, SUMS, INTEGERS, WINDOWS):
        if node.op_type in rules:
            return rules[node.op_type]
    refuse_counted(
        node,
        "takes an axis whose size is known at run time alone, and has no rule for that",
        hint="export the model with a fixed size, or write a rule in frontends/onnx/counted_axes.py",
    )


def elementwise(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes count from the last one. A counted axis must not be repeated, nor meet one that always has all places."""
    parts: list[tuple[int, Term]] = []
    for i, operand in enumerate(node.operands):
        for axis, count in counts(node, i).items():
            assert operand is not None
            behind = len(shape_of(operand)) - axis
            at = len(shape_of(result)) - behind
            if shape_of(operand)[axis] != shape_of(result)[at]:
                refuse_counted(node, "repeats an axis that may have one place", hint="select after this operator")
            parts.append((at, count))
    found = merged(node, parts)
    for i, operand in enumerate(node.operands):
        for at in found:
            axis = at if operand is None else at - len(shape_of(result)) + len(shape_of(operand))
            if operand is not None and axis >= 0 and shape_of(operand)[axis] != 1 and axis not in counts(node, i):
                problem = f"combines {shape_of(operand)[axis]} places with an axis that may have fewer"
                refuse_counted(node, problem, hint="cut the operand to the same size")
    return found


def batched(node: Node, result: SSAValue) -> dict[int, Term]:
    """The first axis of the first operand alone may be counted."""
    if [(i, axis) for i in range(len(node.operands)) for axis in counts(node, i)] != [(0, 0)]:
        refuse_counted(node, "computes across an axis whose size varies", hint="let the first axis alone vary")
    return counts(node, 0)


def cast_like(node: Node, result: SSAValue) -> dict[int, Term]:
    """The second operand gives its element type alone."""
    return counts(node, 0)


def transpose(node: Node, result: SSAValue) -> dict[int, Term]:
    permutation = node.integers("perm", [*reversed(range(len(node.shape(0))))])
    return {permutation.index(axis): count for axis, count in counts(node, 0).items()}


def squeeze(node: Node, result: SSAValue) -> dict[int, Term]:
    shape, given = node.shape(0), node.axes_given()
    gone = normalize_axes(given, len(shape)) if given else [axis for axis, extent in enumerate(shape) if extent == 1]
    if set(gone) & counts(node, 0).keys():
        refuse_counted(node, "removes an axis whose size varies", hint="take an element of it instead")
    return {axis - sum(a < axis for a in gone): count for axis, count in counts(node, 0).items()}


def unsqueeze(node: Node, result: SSAValue) -> dict[int, Term]:
    new = normalize_axes(node.axes_given() or (), len(shape_of(result)))
    old = [axis for axis in range(len(shape_of(result))) if axis not in new]
    return {old[axis]: count for axis, count in counts(node, 0).items()}


def from_start(node: Node) -> Node:
    """The node, with places of a counted axis named from its start, where they may be named from its end."""
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    array = known(node.operand(1))
    if axis not in counts(node, 0) or (array is not None and (array.astype(int) >= 0).all()):
        return node
    indices = Term.operand(node, 1)
    whole = counts(node, 0)[axis].cast(node.element(1).name)
    return replaced(node, {1: indices.less(0).where(indices + whole, indices)})


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
        refuse_counted(node, "looks up as many axes as are counted", hint="give it one row for each element")
    rest = [(behind + axis - depth, count) for axis, count in counts(node, 0).items() if axis >= depth]
    return merged(node, [*counts(node, 1).items(), *rest])


def one_hot(node: Node, result: SSAValue) -> dict[int, Term]:
    """The new axis has all of its places."""
    new = normalize_axis(node.integer("axis", -1), len(shape_of(result)))
    return {axis + (axis >= new): count for axis, count in counts(node, 0).items()}


def roi_align(node: Node, result: SSAValue) -> dict[int, Term]:
    """A map for each region."""
    if counts(node, 0):
        refuse_counted(node, "takes maps whose number varies", hint="select regions instead")
    return merged(node, [*counts(node, 1).items(), *counts(node, 2).items()])


def tile(node: Node, result: SSAValue) -> dict[int, Term]:
    if any(shape_of(result)[axis] != node.shape(0)[axis] for axis in counts(node, 0)):
        refuse_counted(node, "repeats an axis whose size varies", hint="repeat other axes")
    return counts(node, 0)


def of_first(node: Node, result: SSAValue) -> dict[int, Term]:
    """The axes of the first operand."""
    if any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "has an option whose size varies", hint="give it a fixed size")
    return counts(node, 0)


MOVEMENT: Mapping[str, Rule] = {
    "CastLike": Rule(cast_like),
    "Gather": Rule(gather, from_start),
    "GatherElements": Rule(gather_elements, from_start),
    "GatherND": Rule(gather_nd),
    "OneHot": Rule(one_hot),
    "RandomNormalLike": Rule(of_first),
    "RandomUniformLike": Rule(of_first),
    "RoiAlign": Rule(roi_align),
    "Squeeze": Rule(squeeze),
    "Tile": Rule(tile),
    "Transpose": Rule(transpose),
    "Trilu": Rule(of_first),
    "Unsqueeze": Rule(unsqueeze),
}
"""Operators that move elements"""
