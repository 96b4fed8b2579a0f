"""Kernel forms of poolings: a reduction over the taps of a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn.pooling import AveragePoolOp, LpPoolOp, MaxPoolOp, MaxPoolWithIndicesOp, PoolOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.dialects.tensor_layout import layout_of
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.window import places, read_or, tap_names
from webdnn.support.element_type import Kind
from webdnn.support.index import Index, linearize, stays_inside


class Window:
    """The window of a pooling, read through a lowering."""

    def __init__(self, op: PoolOp, low: Lowering) -> None:
        self.op, self.low = op, low
        self.kernel, self.strides, self.pads, self.dilations = (
            a.get_values() for a in (op.kernel, op.strides, op.pads, op.dilations)
        )
        self.spatial = shape_of(op.input)[2:]
        self.rank = len(self.spatial)
        self.scalar: Attribute = low.scalar(op.input)
        element = element_type(op.input.type)
        self.lowest = -inf if element.is_float else -(1 << (element.bits - 1)) if element.kind is Kind.SIGNED else 0

    def place(self, at: Sequence[Index], tap: Sequence[Index]) -> list[Index]:
        return places(at, tap, self.strides, self.dilations, self.pads)

    def read(self, body: Body, at: Sequence[Index], tap: Sequence[Index], outside: float) -> SSAValue:
        """What a tap sees; `at` are all axes of the result."""
        n, c, *window = at
        value = body.constant(outside, self.scalar)
        return read_or(self.low, body, self.op.input, [n, c, *self.place(window, tap)], value, range(2, 2 + self.rank))

    def reduce(
        self, body: Body, kind: ReduceKind, value: Callable[..., SSAValue], init: float, type: Attribute | None = None
    ) -> SSAValue:
        """`value(body, *tap)` over all taps."""
        scalar = type or self.scalar
        names = " ".join(tap_names(self.rank))
        return body.reduce(kind, self.kernel, value, names=names, init=body.constant(init, scalar), type=scalar)

    def largest(self, body: Body, at: Sequence[Index]) -> SSAValue:
        def value(inner: Body, *tap: Index) -> SSAValue:
            return self.read(inner, at, tap, self.lowest)

        return self.reduce(body, ReduceKind.MAX, value, self.lowest)

    def covered(self, body: Body, axis: int, at: Index, include_pad: bool) -> SSAValue | int:
        """How many taps of an axis count, at least one; a plain number where that is every tap of every window."""
        low_pad, high_pad = self.pads[axis], self.pads[axis + self.rank]
        shift = low_pad if include_pad else 0
        extent = self.spatial[axis] + (low_pad + high_pad if include_pad else 0)
        count = shape_of(self.op.output)[axis + 2]
        last = (count - 1) * self.strides[axis] + (self.kernel[axis] - 1) * self.dilations[axis] - low_pad + shift
        if low_pad <= shift and last < extent:
            return self.kernel[axis]

        def counts(inner: Body, tap: Index) -> SSAValue:
            place = at * self.strides[axis] + tap * self.dilations[axis] + (shift - low_pad)
            yes, no = inner.constant(1, self.scalar), inner.constant(0, self.scalar)
            return inner.select(inner.inside([place], [extent]), yes, no)

        found = body.reduce(ReduceKind.ADD, [self.kernel[axis]], counts, names="k", type=self.scalar)
        starts = np.arange(count) * self.strides[axis] + (shift - low_pad)
        places = starts[:, None] + np.arange(self.kernel[axis]) * self.dilations[axis]
        empty = ~((places >= 0) & (places < extent)).any(1)
        return body.maximum(found, body.constant(1, self.scalar)) if empty.any() else found


@lowers(MaxPoolOp)
def max_pool(op: MaxPoolOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, p] = max(k) x[n, c, p·stride + k·dilation - pad]"""
    window = Window(op, low)

    def point(body: Body, *at: Index) -> SSAValue:
        return window.largest(body, at)

    return low.compute([op.output], point)


@lowers(MaxPoolWithIndicesOp)
def max_pool_with_indices(op: MaxPoolWithIndicesOp, low: Lowering) -> Sequence[SSAValue]:
    """The largest element m, then the least row-major position where x = m."""
    window = Window(op, low)
    channels, plane = shape_of(op.input)[1], prod(window.spatial)

    def point(body: Body, *at: Index) -> list[SSAValue]:
        largest = window.largest(body, at)

        def position(inner: Body, *tap: Index) -> SSAValue:
            place = window.place(at[2:], tap)
            x = window.read(inner, at, tap, window.lowest)
            found = inner.equal(x, largest)
            if is_float(x):
                found = inner.add(arith.OrIOp(found, inner.add(arith.CmpfOp(x, x, "uno"))))
            if not stays_inside(place, window.spatial, range_of):
                found = inner.add(arith.AndIOp(found, inner.inside(place, window.spatial)))
            here = inner.index(linearize(place, window.spatial), i32)
            return inner.select(found, here, inner.constant(plane, i32))

        first = window.reduce(body, ReduceKind.MIN, position, plane, i32)
        in_plane = column_major(body, first, window.spatial) if op.column_major.value.data else first
        offset = body.index((at[0] * channels + at[1]) * plane, i64)
        return [largest, body.plus(offset, body.add(arith.ExtSIOp(in_plane, i64)))]

    def value(body: Body, *at: Index) -> SSAValue:
        return point(body, *at)[0]

    def index(body: Body, *at: Index) -> SSAValue:
        return point(body, *at)[1]

    if layout_of(op.output.type) == layout_of(op.indices.type):
        return low.compute([op.output, op.indices], point)
    return [*low.compute([op.output], value), *low.compute([op.indices], index)]


def column_major(body: Body, position: SSAValue, extents: Sequence[int]) -> SSAValue:
    """A row-major position as one where the first axis runs fastest."""
    result, rest, stride = body.constant(0, i32), position, prod(extents)
    for extent in reversed(extents):
        whole = body.constant(extent, i32)
        stride //= extent
        index = body.add(arith.RemSIOp(rest, whole))
        result = body.plus(result, body.times(index, body.constant(stride, i32)))
        rest = body.divide(rest, whole)
    return result


@lowers(AveragePoolOp)
def average_pool(op: AveragePoolOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, p] = sum(k) x[n, c, p·stride + k·dilation - pad] / the number of taps that count"""
    window = Window(op, low)

    def point(body: Body, *at: Index) -> SSAValue:
        def element(inner: Body, *tap: Index) -> SSAValue:
            return window.read(inner, at, tap, 0)

        total = window.reduce(body, ReduceKind.ADD, element, 0)
        counts = [window.covered(body, i, p, bool(op.count_include_pad.value.data)) for i, p in enumerate(at[2:])]
        divisor = body.constant(prod(c for c in counts if isinstance(c, int)), window.scalar)
        for count in counts:
            divisor = divisor if isinstance(count, int) else body.times(divisor, count)
        return body.divide(total, divisor)

    return low.compute([op.output], point)


@lowers(LpPoolOp)
def lp_pool(op: LpPoolOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, p] = (sum(k) |x[n, c, p·stride + k·dilation - pad]|^p)^(1/p)"""
    window, order = Window(op, low), op.p.value.data

    def point(body: Body, *at: Index) -> SSAValue:
        def power(inner: Body, *tap: Index) -> SSAValue:
            x = window.read(inner, at, tap, 0)
            if order == 2:
                return inner.times(x, x)
            magnitude = inner.add(math.AbsFOp(x))
            return magnitude if order == 1 else inner.add(math.PowFOp(magnitude, inner.constant(order, x.type)))

        total = window.reduce(body, ReduceKind.ADD, power, 0)
        if order == 1:
            return total
        return body.sqrt(total) if order == 2 else body.add(math.PowFOp(total, body.constant(1 / order, total.type)))

    return low.compute([op.output], point)
