"""Converters of reductions, prefix sums, and of what finds the greatest elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import flag, integer, ints
from webdnn.dialects.dnn.elementwise import AbsOp, LogOp, MulOp, SqrtOp
from webdnn.dialects.dnn.reduction import (
    CumProdOp,
    CumSumOp,
    PrefixOp,
    ReduceLogSumExpOp,
    ReduceMaxOp,
    ReduceMeanOp,
    ReduceMinOp,
    ReduceProdOp,
    ReduceSumOp,
    ReductionOp,
)
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.selection import ArgMaxOp, ArgMinOp, ArgOp, TopKOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.filled import bounded, counted, counts, extents_of, highest, lowest, masked, number
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axes, normalize_axis

REDUCTIONS: dict[str, type[ReductionOp]] = {
    "ReduceSum": ReduceSumOp,
    "ReduceMean": ReduceMeanOp,
    "ReduceMax": ReduceMaxOp,
    "ReduceMin": ReduceMinOp,
    "ReduceProd": ReduceProdOp,
}

PREFIXES: dict[str, type[PrefixOp]] = {"CumSum": CumSumOp, "CumProd": CumProdOp}

ARGS: dict[str, type[ArgOp]] = {"ArgMax": ArgMaxOp, "ArgMin": ArgMinOp}


def reduced(node: Node, kind: type[ReductionOp], value: SSAValue) -> SSAValue:
    """A value reduced along the node's axes: all of them where none are given, unless it says otherwise."""
    rank = len(shape_of(value))
    axes = normalize_axes(node.axes_given() or (), rank)
    if not axes and not node.integer("noop_with_empty_axes", 0):
        axes = tuple(range(rank))
    if not axes:
        return value
    return node.add(kind.of(value, axes=ints(axes), keepdims=flag(bool(node.integer("keepdims", 1)))))


@converter(*REDUCTIONS)
def reduction(node: Node) -> SSAValue:
    return reduced(node, REDUCTIONS[node.op_type], node.operand(0))


@converter("ReduceL1")
def reduce_l1(node: Node) -> SSAValue:
    return reduced(node, ReduceSumOp, node.add(AbsOp(node.operand(0))))


def sum_of_squares(node: Node, x: SSAValue) -> SSAValue:
    return reduced(node, ReduceSumOp, node.add(MulOp(x, x)))


@converter("ReduceSumSquare")
def reduce_sum_square(node: Node) -> SSAValue:
    return sum_of_squares(node, node.operand(0))


def in_floats(node: Node, compute: Callable[[SSAValue], SSAValue]) -> SSAValue:
    """What is computed of the operand as floats, in the operand's type."""
    x, element = node.operand(0), node.element(0)
    if element.is_float:
        return compute(x)
    widened = node.add(CastOp.of(x, to=f64 if element.bits == 64 else f32))
    return node.add(CastOp.of(compute(widened), to=node.element_attribute(0)))


@converter("ReduceL2")
def reduce_l2(node: Node) -> SSAValue:
    return in_floats(node, lambda x: node.add(SqrtOp(sum_of_squares(node, x))))


@converter("ReduceLogSum")
def reduce_log_sum(node: Node) -> SSAValue:
    return in_floats(node, lambda x: node.add(LogOp(reduced(node, ReduceSumOp, x))))


@converter("ReduceLogSumExp")
def reduce_log_sum_exp(node: Node) -> SSAValue:
    """Without axes to reduce the logarithm undoes the exponential."""
    return in_floats(node, lambda x: reduced(node, ReduceLogSumExpOp, x))


@converter(*PREFIXES)
def prefix(node: Node) -> SSAValue:
    (axis,) = node.constant_integers(1)
    return node.add(
        PREFIXES[node.op_type].of(
            node.operand(0),
            axis=integer(normalize_axis(axis, len(node.shape(0)))),
            exclusive=flag(bool(node.integer("exclusive", 0))),
            reverse=flag(bool(node.integer("reverse", 0))),
        )
    )


@converter(*ARGS)
def arg_extreme(node: Node) -> SSAValue:
    return node.add(
        ARGS[node.op_type].of(
            node.operand(0),
            axis=integer(normalize_axis(node.integer("axis", 0), len(node.shape(0)))),
            keepdims=flag(bool(node.integer("keepdims", 1))),
            select_last=flag(bool(node.integer("select_last_index", 0))),
        )
    )


def how_many(node: Node, extent: int) -> tuple[int, Term | None]:
    """The most elements that are asked for, and how many where that is computed: not more than there are."""
    value = node.operand(1)
    if known(value) is not None or node.emitter.counting.integers(value) is not None:
        return extents_of(node, 1)[0]
    return extent, bounded(Term(node, value).reshaped().at_least(0).at_most(extent).cast("i32"), extent)


@converter("TopK", counting=True)
def top_k(node: Node) -> Sequence[SSAValue]:
    """Results that need no order are in order too. Of what is found at run time, there may be fewer than `k`."""
    axis = normalize_axis(node.integer("axis", -1), len(node.shape(0)))
    extent, largest, found = node.shape(0)[axis], bool(node.integer("largest", 1)), counts(node, 0)
    most, wanted = (node.integer("k"), None) if node.opset < 10 else how_many(node, extent)
    x = Term.operand(node, 0)
    if axis in found:
        x = masked(x, axis, found[axis], lowest(x) if largest else highest(x))
    k = min(most, extent) if axis in found or wanted is not None else most
    options = {"k": integer(k), "axis": integer(axis), "largest": flag(largest)}
    limits = [count for count in (found.get(axis), wanted) if count is not None]
    if limits:
        found[axis] = reduce(Term.at_most, limits, number(node, k))
    return [counted(node, result, found) for result in node.add_all(TopKOp.of(x.value, **options))]
