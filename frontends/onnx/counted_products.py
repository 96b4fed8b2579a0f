"""Rules for products of integers, and for what quantizes their factors, with axes of which the front is filled."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import SSAValue

from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.counted_sums import matmul, summed_axes
from webdnn.frontends.onnx.filled import counts, masked, merged, refuse_counted, replaced, without_rest
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rule import Rule
from webdnn.frontends.onnx.term import Term


def zeros_behind(node: Node) -> Node:
    """The node, with zeros at all places that are not filled: every range of elements has zero in it."""
    return replaced(node, {0: without_rest(node, 0, counts(node, 0), 0)})


def elements(node: Node, result: SSAValue) -> dict[int, Term]:
    """The quantized elements are as many as those of the operand; their scale and zero point are numbers."""
    return counts(node, 0) if len(shape_of(result)) == len(node.shape(0)) else {}


def nothing_between(node: Node) -> Node:
    """The node, with the zero point at all places of the first factor that are summed over and not filled."""
    if counts(node, 2) or counts(node, 3):
        refuse_counted(node, "has zero points whose number varies", hint="give one for all rows")
    axes = summed_axes(node)
    first, second = (counts(node, i).get(axis) for i, axis in enumerate(axes))
    if first is None and second is None:
        return node
    if first is None or second is None:
        refuse_counted(node, "sums over an axis that varies in one factor alone", hint="cut the other to the same size")
    merged(node, [(0, first), (0, second)])
    if node.optional(2) is None:
        return replaced(node, {0: masked(Term.operand(node, 0), axes[0], first, 0)})
    if node.shape(2) not in ((), (1,)):
        refuse_counted(node, "has a zero point for each row", hint="give one for all rows")
    return replaced(node, {0: masked(Term.operand(node, 0), axes[0], first, Term.operand(node, 2).reshaped())})


def rows(node: Node, result: SSAValue) -> dict[int, Term]:
    """Axes of the first factor but the last, where nothing else varies."""
    last = len(node.shape(0)) - 1
    if last in counts(node, 0) or any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "sums over an axis whose size varies", hint="let rows of the first factor alone vary")
    return {axis + len(shape_of(result)) - last - 1: count for axis, count in counts(node, 0).items()}


INTEGERS: Mapping[str, Rule] = {
    "DynamicQuantizeLinear": Rule(elements, zeros_behind),
    "MatMulInteger": Rule(matmul, nothing_between),
    "QLinearMatMul": Rule(rows),
}
"""Operators on quantized factors"""
