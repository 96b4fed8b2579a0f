"""The kernel form of resizing: a sum over taps, whose places and weights come from tables made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32, f64, i32, i64
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.dnn.reference.resize import tables
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import unsigned
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index, constant, floordiv
from webdnn.support.interpolation import Taps, as_affine


@dataclass(frozen=True)
class Table:
    """The interpolation of one axis, as constants of the module; no `places` where it is affine, `(o·p + c) / q`."""

    count: int
    extent: int
    affine: tuple[int, int, int] | None
    places: SSAValue | None
    weights: SSAValue | None
    outside: SSAValue | None

    def place(self, body: Body, low: Lowering, o: Index, k: Index) -> Index:
        """Where tap `k` of the result element `o` lies."""
        if self.affine:
            p, c, q = self.affine
            return floordiv(o * p + c, q, range_of)
        assert self.places is not None
        return body.clamped(low.read(body, self.places, [o, k]), self.extent)


def tabled(low: Lowering, taps: Taps, extent: int) -> Table:
    """Put what an axis needs to know into constants."""

    def known(values: object) -> SSAValue:
        op = constant_of(as_array(values))
        low.ops.append(op)
        return op.output

    affine = as_affine(taps.first, extent) if taps.count == 1 else None
    return Table(
        taps.count,
        extent,
        affine,
        None if affine else known(taps.places(extent)),
        known(taps.weights) if taps.count > 1 else None,
        known(taps.outside) if taps.outside.any() else None,
    )


@lowers(ResizeOp)
def resize(op: ResizeOp, low: Lowering) -> Sequence[SSAValue]:
    """y[o] = sum(k) weight[o, k] · x[clamp(first[o] + k)], over the taps of all axes that are resized"""
    element, shape = element_type(op.input.type), shape_of(op.input)
    axes = {axis: tabled(low, taps, shape[axis]) for axis, taps in tables(op).items()}
    summed = [axis for axis, table in axes.items() if table.count > 1]
    scalar = f64 if element.bits == 64 else f32

    def point(body: Body, *at: Index) -> SSAValue:
        def read(inner: Body, tap: dict[int, Index]) -> SSAValue:
            place = [
                axes[axis].place(inner, low, o, tap.get(axis, constant(0))) if axis in axes else o
                for axis, o in enumerate(at)
            ]
            return low.read(inner, op.input, place)

        def product(inner: Body, *k: Index) -> SSAValue:
            tap = dict(zip(summed, k, strict=True))
            value = to_float(inner, read(inner, tap), element, scalar)
            for axis, index in tap.items():
                weights = axes[axis].weights
                assert weights is not None
                weight = low.read(inner, weights, [at[axis], index])
                value = inner.times(value, weight if scalar == f32 else inner.add(arith.ExtFOp(weight, f64)))
            return value

        if not summed:
            return extrapolated(body, low, op, axes, at, read(body, {}))
        total = body.reduce(ReduceKind.ADD, [axes[axis].count for axis in summed], product, type=scalar)
        return from_float(body, extrapolated(body, low, op, axes, at, total), element)

    return low.compute([op.output], point)


def extrapolated(
    body: Body, low: Lowering, op: ResizeOp, axes: dict[int, Table], at: Sequence[Index], value: SSAValue
) -> SSAValue:
    """The value, or the one given for places outside of the input."""
    number = op.extrapolation.value.data
    for axis, table in axes.items():
        if table.outside is not None:
            given = body.constant(number if is_float(value) else int(number), value.type)
            value = body.select(low.read(body, table.outside, [at[axis]]), given, value)
    return value


def to_float(body: Body, value: SSAValue, element: ElementType, scalar: Attribute) -> SSAValue:
    """A value as a float; integers are interpolated in floats."""
    if is_float(value):
        return value
    target = f64 if scalar == f64 else f32
    return body.add(arith.UIToFPOp(value, target) if unsigned(element) else arith.SIToFPOp(value, target))


def from_float(body: Body, value: SSAValue, element: ElementType) -> SSAValue:
    """A float as a value of the element type; integers saturate, and round towards zero."""
    if element.is_float:
        return value
    signed = element.kind is Kind.SIGNED
    low = -(1 << (element.bits - 1)) if signed else 0
    high = (1 << (element.bits - int(signed))) - 1
    limited = body.minimum(body.maximum(value, body.constant(low, value.type)), body.constant(high, value.type))
    target = i64 if element.bits == 64 else i32
    return body.add(arith.FPToUIOp(limited, target) if unsigned(element) else arith.FPToSIOp(limited, target))
