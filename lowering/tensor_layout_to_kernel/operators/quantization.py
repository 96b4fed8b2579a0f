"""Kernel forms of quantization."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64, i32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizationOp, QuantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.dnn.reference.constants import array_of
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.support.index import Index, floordiv, mod


def parameter_indices(op: QuantizationOp, at: Sequence[Index]) -> list[Index]:
    """Where the scale and the zero point of an element lie."""
    axis, block = op.axis.value.data, op.block_size.value.data
    if not shape_of(op.scale):
        return []
    if not block:
        return [at[axis]]
    return [*at[:axis], floordiv(at[axis], block, range_of), *at[axis + 1 :]]


def number_of(value: SSAValue | None) -> int | float | None:
    """The one number that a scale or a zero point is, zero where there is none; None where it is no single constant."""
    if value is None:
        return 0
    constant = value.owner
    if shape_of(value) or not isinstance(constant, ConstantOp):
        return None
    return array_of(constant).item()


def as_float(body: Body, value: SSAValue, like: SSAValue) -> SSAValue:
    """An integer as a float of the type of `like`."""
    return body.add(arith.SIToFPOp(value, f64 if like.type == f64 else f32))


@lowers(QuantizeLinearOp)
def quantize_linear(op: QuantizeLinearOp, low: Lowering) -> Sequence[SSAValue]:
    """q = clamp(round(x / scale), lowest - zero, highest - zero) + zero

    Clamped as a float, where no quotient is too large; the limits are exact there. What is known of constants is
    computed now.
    """
    lowest, highest = op.limits
    zero, unit = number_of(op.zero_point), number_of(op.scale) == 1

    def point(body: Body, *at: Index) -> SSAValue:
        where = parameter_indices(op, at)
        scale, x = low.read(body, op.scale, where), low.read(body, op.input, at)
        if not is_float(x):
            x = as_float(body, x, scale)
        quotient = body.add(math.RoundEvenOp(x if unit and x.type == scale.type else body.divide(x, scale)))
        if zero is not None:
            ends = [body.constant(end - zero, scale.type) for end in (lowest, highest)]
            whole = body.add(arith.FPToSIOp(body.minimum(body.maximum(quotient, ends[0]), ends[1]), i32))
            return body.plus(whole, body.constant(zero, i32)) if zero else whole
        assert op.zero_point is not None
        point = low.read(body, op.zero_point, where)
        shift = as_float(body, point, scale)
        ends = [body.minus(body.constant(end, scale.type), shift) for end in (lowest, highest)]
        whole = body.add(arith.FPToSIOp(body.minimum(body.maximum(quotient, ends[0]), ends[1]), i32))
        return body.plus(whole, point)

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
