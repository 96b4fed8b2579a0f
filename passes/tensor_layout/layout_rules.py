"""How an operator relates the layouts of its operands to those of its results.

Most operators leave axes where they are, so that one order of axes serves all of their tensors; transposes and
reshapes move nothing under the right pair of layouts; what has no rule wants row-major tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.normalization import LrnOp
from webdnn.dialects.dnn.pooling import PoolOp
from webdnn.dialects.dnn.reduction import ReductionOp
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.dnn.selection import ArgOp
from webdnn.dialects.dnn.shape import ReshapeOp, TransposeOp
from webdnn.dialects.dnn.traits import Elementwise, Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.reshaped_layout import reshaped

Moved = Callable[[AxisLayout], AxisLayout | None]
"""A layout of one value -> that of another under which the operator moves nothing, or keeps the order of axes."""

CONVOLUTIONS = (ConvOp, ConvTransposeOp)
"""Their vectors hold output channels, so they may read one layout and write another."""

CHANNEL_WISE = (*CONVOLUTIONS, PoolOp, ResizeOp, LrnOp)
"""Maps (N, C, spatial…) that are best stored with channels last: neighbours in memory are treated alike."""


def variables(op: Operation, values: Container[SSAValue]) -> list[int]:
    """The operands (by position) among the values that have a layout: constants, and what is made of them, take any."""
    return [i for i, value in enumerate(op.operands) if value in values]


def keeps_axes(op: Operation) -> bool:
    """Does the operator work in any one order of axes that its tensors share?"""
    return bool(op.get_traits_of_type(Elementwise) or op.get_traits_of_type(Tensorwise))


def tensorwise_axes(op: Operation) -> frozenset[int]:
    """The axes of the first result along which elements are treated alike."""
    for trait in op.get_traits_of_type(Tensorwise):
        return trait.axes(op)
    if op.get_traits_of_type(Elementwise):
        return frozenset(range(len(shape_of(op.results[0]))))
    return frozenset({1}) if isinstance(op, CONVOLUTIONS) else frozenset()


def places_of_axes(op: Operation, operand: SSAValue) -> list[int] | None:
    """The axis of the result that each axis of an operand becomes (-1: none); None where they are not related."""
    before, after = shape_of(operand), shape_of(op.results[0])
    if len(before) == len(after):
        return list(range(len(before)))
    keepdims = op.properties.get("keepdims")
    if operand is op.operands[0] and isinstance(keepdims, IntegerAttr) and not keepdims.value.data:
        gone = reduced_axes(op)
        kept = [axis for axis in range(len(before)) if axis not in gone]
        return [kept.index(axis) if axis in kept else -1 for axis in range(len(before))]
    return None


def reduced_axes(op: Operation) -> Sequence[int]:
    """The axes that a reduction without `keepdims` removes."""
    match op:
        case ReductionOp():
            return op.axes.get_values()
        case ArgOp():
            return [op.axis.value.data]
        case _:
            return []


def follows(op: Operation, operand: SSAValue, source: AxisLayout, result: AxisLayout) -> bool:
    """Do the axes that an operand and the result share lie in one order? Axes of extent 1 lie anywhere."""
    places = places_of_axes(op, operand)
    if places is None:
        return True  # it broadcasts
    before, after = shape_of(operand), shape_of(op.results[0])
    shared = [places[a] for a in source.order if places[a] >= 0 and before[a] > 1 and after[places[a]] > 1]
    return shared == [axis for axis in result.order if axis in shared]


def unchanged(layout: AxisLayout) -> AxisLayout:
    return layout


def links(op: Operation) -> list[tuple[SSAValue, SSAValue, Moved]]:
    """Pairs of values, and the layout of the second under which the operator is as good as under one of the first."""
    if isinstance(op, TransposeOp):
        permutation = op.permutation.get_values()
        inverse = [permutation.index(axis) for axis in range(len(permutation))]
        return [
            (op.input, op.output, lambda layout: layout.permuted(permutation)),
            (op.output, op.input, lambda layout: layout.permuted(inverse)),
        ]
    if isinstance(op, ReshapeOp):
        before, after = shape_of(op.input), shape_of(op.output)
        return [
            (op.input, op.output, lambda layout: reshaped(layout, before, after)),
            (op.output, op.input, lambda layout: reshaped(layout, after, before)),
        ]
    if not keeps_axes(op) and not isinstance(op, CONVOLUTIONS):
        return []
    found: list[tuple[SSAValue, SSAValue, Moved]] = []
    main = op.operands[:1] if isinstance(op, CONVOLUTIONS) else op.operands
    for result in op.results:
        for operand in main:
            if places_of_axes(op, operand) and len(shape_of(operand)) == len(shape_of(result)):
                found += [(operand, result, unchanged), (result, operand, unchanged)]
    return found
