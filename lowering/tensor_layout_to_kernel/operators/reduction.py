"""Kernel forms of reductions and prefix sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import TensorType, f64
from xdsl.ir import SSAValue

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
from webdnn.dialects.element import compute_type, element_attribute, element_type, shape_of, tensor_type
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, Point, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars, narrowed, unsigned
from webdnn.lowering.tensor_layout_to_kernel.operators.shape import read_or
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index

Value = Callable[..., SSAValue]
"""(body, *axes of the reduction) -> what is combined"""

LARGEST_FINITE = {32: 3.4028234663852886e38, 64: 1.7976931348623157e308}
"""The greatest finite float of each compute type, by its bits."""

RADIX = 16
"""Elements that one pass of a prefix sum adds up."""


OF_BOOLEANS = {
    ReduceKind.MAX: ReduceKind.OR,
    ReduceKind.ADD: ReduceKind.OR,
    ReduceKind.MIN: ReduceKind.AND,
    ReduceKind.MUL: ReduceKind.AND,
}
"""What combines booleans as the numbers 0 and 1 are combined"""


def combined(
    body: Body,
    kind: ReduceKind,
    sizes: Sequence[int],
    value: Value,
    element: ElementType,
    init: SSAValue | None = None,
) -> SSAValue:
    """A reduction of stored elements of any type. Reductions compare as signed numbers: others are mapped to those."""
    type = compute_type(element_attribute(element.name))
    if element.kind is Kind.BOOL:
        kind = OF_BOOLEANS[kind]
    if kind not in (ReduceKind.MAX, ReduceKind.MIN) or not unsigned(element):
        return body.reduce(kind, sizes, value, init=init, type=type)

    def flipped(at: Body, x: SSAValue) -> SSAValue:
        """The sign bit turned: the order of unsigned numbers becomes that of signed ones."""
        return at.add(arith.XOrIOp(x, at.constant(-(1 << (element.bits - 1)), type)))

    def signed(inner: Body, *k: Index) -> SSAValue:
        return flipped(inner, value(inner, *k))

    start = None if init is None else flipped(body, init)
    return flipped(body, body.reduce(kind, sizes, signed, init=start, type=type))


KINDS: dict[type[ReductionOp], ReduceKind] = {
    ReduceSumOp: ReduceKind.ADD,
    ReduceMeanOp: ReduceKind.ADD,
    ReduceProdOp: ReduceKind.MUL,
    ReduceMaxOp: ReduceKind.MAX,
    ReduceMinOp: ReduceKind.MIN,
}


def reduced_sizes(op: ReductionOp) -> list[int]:
    return [shape_of(op.input)[axis] for axis in op.axes.get_values()]


def operand_indices(op: ReductionOp, at: Sequence[Index], k: Sequence[Index]) -> list[Index]:
    """Where the operand is read for the result element `at`, at the point `k` of the reduction."""
    axes, rank = list(op.axes.get_values()), len(shape_of(op.input))
    kept = [axis for axis in range(rank) if axis not in axes]
    outer = [at[axis] for axis in kept] if op.keepdims.value.data else at
    place = dict(zip([*kept, *axes], [*outer, *k], strict=True))
    return [place[axis] for axis in range(rank)]


@lowers(*KINDS)
def reduction(op: ReductionOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = combine(k) x[i, k]; the mean divides by the count"""
    sizes, element = reduced_sizes(op), element_type(op.output.type)

    def point(body: Body, *at: Index) -> SSAValue:
        def value(inner: Body, *k: Index) -> SSAValue:
            return low.read(inner, op.input, operand_indices(op, at, k))

        result = combined(body, KINDS[type(op)], sizes, value, element)
        if isinstance(op, ReduceMeanOp):
            result = Scalars(body, element).quotient(result, body.constant(prod(sizes), result.type))
        return narrowed(body, result, element)

    return low.compute([op.output], point)


@lowers(ReduceLogSumExpOp)
def reduce_log_sum_exp(op: ReduceLogSumExpOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = log(sum(k) exp(x[i, k] - m)) + m, where m is the greatest element, or 0 if that is infinite"""
    sizes, scalar = reduced_sizes(op), low.scalar(op.output)

    def point(body: Body, *at: Index) -> SSAValue:
        def value(inner: Body, *k: Index) -> SSAValue:
            return low.read(inner, op.input, operand_indices(op, at, k))

        peak = body.reduce(ReduceKind.MAX, sizes, value, type=scalar)
        limit = body.constant(LARGEST_FINITE[64 if scalar == f64 else 32], scalar)
        finite = body.add(arith.CmpfOp(body.add(math.AbsFOp(peak)), limit, "ole"))
        shift = body.select(finite, peak, body.constant(0, scalar))

        def power(inner: Body, *k: Index) -> SSAValue:
            return inner.exp(inner.minus(value(inner, *k), shift))

        total = body.reduce(ReduceKind.ADD, sizes, power, type=scalar)
        return body.plus(body.add(math.LogOp(total)), shift)

    return low.compute([op.output], point)


@lowers(CumSumOp, CumProdOp)
def prefixes(op: PrefixOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = sum(k < 16) x[i - k · stride], with stride 1, 16, 256, …: each pass makes prefixes 16 times as long."""
    result, axis = tensor_type(op.output), op.axis.value.data
    extent = result.get_shape()[axis]
    partial = TensorType(low.scalar(op.output), result.get_shape(), result.encoding)
    source, stride, delay = op.input, 1, int(op.exclusive.value.data != 0)
    while stride * RADIX < extent:
        (source,) = low.compute([partial], prefix(op, low, source, stride, delay))
        stride, delay = stride * RADIX, 0
    return low.compute([op.output], prefix(op, low, source, stride, delay))


def prefix(op: PrefixOp, low: Lowering, source: SSAValue, stride: int, delay: int) -> Point:
    """Up to 16 elements behind (or before) each place combined, `stride` apart, the first one `delay` away."""
    shape, axis = shape_of(op.output), op.axis.value.data
    direction = 1 if op.reverse.value.data else -1
    taps = min(RADIX, -(-shape[axis] // stride))
    kind, neutral = (ReduceKind.MUL, 1) if isinstance(op, CumProdOp) else (ReduceKind.ADD, 0)

    def point(body: Body, *at: Index) -> SSAValue:
        def value(inner: Body, k: Index) -> SSAValue:
            moved = at[axis] + (k * stride + delay) * direction
            beyond = inner.constant(neutral, low.scalar(op.output))
            return read_or(low, inner, source, shape, [*at[:axis], moved, *at[axis + 1 :]], beyond)

        total = body.reduce(kind, [taps], value, type=low.scalar(op.output))
        return narrowed(body, total, element_type(op.output.type))

    return point
