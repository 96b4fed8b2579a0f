"""Kernel forms of quantization."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64, i32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizationOp, QuantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index, floordiv, mod


def limits(element: ElementType) -> tuple[int, int]:
    """The least and the greatest integer of a type."""
    if element.kind is Kind.UNSIGNED:
        return 0, (1 << element.bits) - 1
    return -(1 << (element.bits - 1)), (1 << (element.bits - 1)) - 1


def parameter_indices(op: QuantizationOp, at: Sequence[Index]) -> list[Index]:
    """Where the scale and the zero point of an element lie."""
    axis, block = op.axis.value.data, op.block_size.value.data
    if not shape_of(op.scale):
        return []
    if not block:
        return [at[axis]]
    return [*at[:axis], floordiv(at[axis], block, range_of), *at[axis + 1 :]]


def as_float(body: Body, value: SSAValue, like: SSAValue) -> SSAValue:
    """An integer as a float of the type of `like`."""
    return body.add(arith.SIToFPOp(value, f64 if like.type == f64 else f32))


@lowers(QuantizeLinearOp)
def quantize_linear(op: QuantizeLinearOp, low: Lowering) -> Sequence[SSAValue]:
    """q = clamp(round(x / scale), lowest - zero, highest - zero) + zero

    Clamped as a float, where no quotient is too large; the limits are exact there.
    """
    lowest, highest = limits(element_type(op.output.type))

    def point(body: Body, *at: Index) -> SSAValue:
        where = parameter_indices(op, at)
        scale, x = low.read(body, op.scale, where), low.read(body, op.input, at)
        if not is_float(x):
            x = as_float(body, x, scale)
        quotient = body.add(math.RoundEvenOp(body.divide(x, scale)))
        low_end, high_end = body.constant(lowest, scale.type), body.constant(highest, scale.type)
        zero = low.read(body, op.zero_point, where) if op.zero_point else None
        if zero:
            shift = as_float(body, zero, scale)
            low_end, high_end = body.minus(low_end, shift), body.minus(high_end, shift)
        clamped = body.minimum(body.maximum(quotient, low_end), high_end)
        whole = body.add(arith.FPToSIOp(clamped, i32))
        return body.plus(whole, zero) if zero else whole

    return low.compute([op.output], point)


@lowers(DequantizeLinearOp)
def dequantize_linear(op: DequantizeLinearOp, low: Lowering) -> Sequence[SSAValue]:
    """x = (q - zero) · scale"""

    def point(body: Body, *at: Index) -> SSAValue:
        where = parameter_indices(op, at)
        scale, q = low.read(body, op.scale, where), low.read(body, op.input, at)
        if op.zero_point:
            q = body.minus(q, low.read(body, op.zero_point, where))
        return body.times(as_float(body, q, scale), scale)

    return low.compute([op.output], point)


@lowers(UnpackNibblesOp)
def unpack_nibbles(op: UnpackNibblesOp, low: Lowering) -> Sequence[SSAValue]:
    """y = (half of the byte) - 8, by division, which every target has: those with shifts and masks use them."""
    axis = op.axis.value.data

    def point(body: Body, *at: Index) -> SSAValue:
        byte = low.read(body, op.input, [*at[:axis], floordiv(at[axis], 2, range_of), *at[axis + 1 :]])
        sixteen = body.constant(16, i32)
        first = body.inside([mod(at[axis], 2, range_of)], [1])
        halves = body.add(arith.RemUIOp(byte, sixteen)), body.add(arith.DivUIOp(byte, sixteen))
        return body.minus(body.select(first, *halves), body.constant(8, i32))

    return low.compute([op.output], point)
