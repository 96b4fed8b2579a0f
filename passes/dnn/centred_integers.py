"""The integers behind dequantized tensors, their zero points taken away: what products sum up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects.builtin import i16
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp, integer
from webdnn.dialects.dnn.elementwise import SubOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizationOp, QuantizeLinearOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import TransposeOp
from webdnn.dialects.element import element_type
from webdnn.passes.dnn.rewriting import as_moved, fused_location
from webdnn.support.element_type import integer_limits

BITS = 8
"""Of the integers whose products are summed up in 32 bits"""


@dataclass(frozen=True)
class Step:
    """What one step of a quantized tensor is worth, and which integer stands for zero, where both are one constant."""

    scale: float
    zero: int


def step_of(op: QuantizationOp) -> Step | None:
    """The step of an operator; None where it differs from place to place, or is computed."""
    scale, zero = known(op.scale), 0 if op.zero_point is None else known(op.zero_point)
    if scale is None or zero is None or scale.ndim:
        return None
    return Step(float(scale), int(zero))


@dataclass(frozen=True)
class Centred:
    """A factor: `scale` times integers of at most `largest`, which are a constant `array` or the operand of `source`.

    The axes of the scale are those of the factor, each of its extent or 1; one number for all has none.
    """

    scale: Array
    largest: int
    array: Array | None = None
    source: DequantizeLinearOp | None = None


def factor_of(value: SSAValue) -> Centred | None:
    """What a product may take for an operand; None where it is not dequantized, or not by constants."""
    op = value.owner
    if isinstance(op, TransposeOp):
        inner = factor_of(op.input)
        if inner is None or inner.array is None:
            return None
        scale = as_moved(op, inner.scale) if inner.scale.ndim else inner.scale
        return Centred(scale, inner.largest, array=as_moved(op, inner.array))
    if not isinstance(op, DequantizeLinearOp) or element_type(op.input.type).bits != BITS:
        return None
    integers = known(op.input)
    return activation(op) if integers is None else weight(op, integers)


def activation(op: DequantizeLinearOp) -> Centred | None:
    step = step_of(op)
    if step is None:
        return None
    low, high = integer_limits(element_type(op.input.type))
    largest = max(high - step.zero, step.zero - low)
    return Centred(as_array(np.array(step.scale, np.float32)), largest, source=op)


def weight(op: DequantizeLinearOp, integers: Array) -> Centred | None:
    """Constants may have a scale and a zero point for each place of an axis."""
    scale = known(op.scale)
    zero = as_array(np.zeros((), np.int8)) if op.zero_point is None else known(op.zero_point)
    if scale is None or zero is None or op.block_size.value.data:
        return None
    if scale.ndim:
        axes = [-1 if axis == op.axis.value.data else 1 for axis in range(integers.ndim)]
        scale, zero = as_array(scale.reshape(axes)), as_array(zero.reshape([*axes][: integers.ndim * (zero.ndim > 0)]))
    array = integers.astype(np.int32) - zero.astype(np.int32)
    largest = int(np.abs(array).max(initial=0))
    narrow = array.size == 0 or (array.min() >= -128 and array.max() <= 127)
    return Centred(scale, largest, array=as_array(array.astype(np.int8 if narrow else np.int16)))


@dataclass
class Centring:
    """The factors' integers as values: constants, and one tensor of i16 for all that read the same integers."""

    made: dict[tuple[SSAValue, int], SSAValue] = field(default_factory=dict[tuple[SSAValue, int], SSAValue])

    def value(self, factor: Centred, made: list[DnnOp]) -> SSAValue:
        """The integers of a factor; constants are appended to `made`."""
        if factor.array is not None:
            constant = constant_of(factor.array)
            made.append(constant)
            return constant.output
        assert factor.source is not None
        return self.centred(factor.source)

    def centred(self, op: DequantizeLinearOp) -> SSAValue:
        """The integers that an operator dequantizes, without their zero point."""
        step = step_of(op)
        assert step is not None
        key = op.input, step.zero
        if key not in self.made:
            owner = op.input.owner
            ops = quantized_centred(owner, step) if isinstance(owner, QuantizeLinearOp) else shifted(op.input, step)
            for new in ops:
                new.location = fused_location(op)
            at = InsertPoint.at_start(owner) if isinstance(owner, Block) else InsertPoint.after(owner)
            Rewriter.insert_op(ops, at)
            self.made[key] = ops[-1].results[0]
        return self.made[key]


def shifted(integers: SSAValue, step: Step) -> list[DnnOp]:
    """q - z"""
    ops: list[DnnOp] = [CastOp.of(integers, to=i16)]
    if step.zero:
        zero = constant_of(as_array(np.array(step.zero, np.int16)))
        ops += [zero, SubOp(ops[0].results[0], zero.output)]
    return ops


def quantized_centred(op: QuantizeLinearOp, step: Step) -> list[DnnOp]:
    """quantize(x, s, z) - z -> clamp(round(x / s)) to limits that are lower by z"""
    own = 0 if op.zero_point is None else known(op.zero_point)
    if own is None or np.ndim(own) or own != step.zero:
        return shifted(op.output, step)
    low, high = (integer(end - step.zero) for end in op.limits)
    named = {"axis": op.axis, "block_size": op.block_size, "to": i16, "low": low, "high": high}
    return [QuantizeLinearOp.of(op.input, op.scale, None, **named)]
