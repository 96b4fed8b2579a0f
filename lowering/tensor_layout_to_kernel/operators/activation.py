"""Kernel forms of the activations with attributes: one scalar expression each."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt

from xdsl.dialects import math
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import activation as dnn
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars, pointwise


def where_negative(s: Scalars, x: SSAValue, value: SSAValue) -> SSAValue:
    """The value where x < 0, else x itself."""
    return s.select(s.compare(x, s.number(0, x), "lt"), value, x)


@lowers(dnn.LeakyReluOp)
def leaky_relu(op: dnn.LeakyReluOp, low: Lowering) -> Sequence[SSAValue]:
    alpha = op.alpha.value.data
    return pointwise(op, low, lambda s, x: where_negative(s, x[0], s.times(s.number(alpha, x[0]), x[0])))


@lowers(dnn.PReluOp)
def prelu(op: dnn.PReluOp, low: Lowering) -> Sequence[SSAValue]:
    return pointwise(op, low, lambda s, x: where_negative(s, x[0], s.times(x[1], x[0])))


@lowers(dnn.EluOp)
def elu(op: dnn.EluOp, low: Lowering) -> Sequence[SSAValue]:
    alpha, rate = op.alpha.value.data, op.rate.value.data

    def value(s: Scalars, operands: Sequence[SSAValue]) -> SSAValue:
        x = operands[0]
        scaled = x if rate == 1 else s.times(s.number(rate, x), x)
        curve = s.of(math.ExpM1Op, scaled)
        return where_negative(s, x, curve if alpha == 1 else s.times(s.number(alpha, x), curve))

    return pointwise(op, low, value)


@lowers(dnn.HardSigmoidOp)
def hard_sigmoid(op: dnn.HardSigmoidOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, operands: Sequence[SSAValue]) -> SSAValue:
        x = operands[0]
        line = s.plus(s.times(s.number(op.alpha.value.data, x), x), s.number(op.beta.value.data, x))
        return s.maximum(s.minimum(line, s.number(1, x)), s.number(0, x))

    return pointwise(op, low, value)


@lowers(dnn.GeluOp)
def gelu(op: dnn.GeluOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, operands: Sequence[SSAValue]) -> SSAValue:
        x = operands[0]
        if op.approximate.value.data:
            cubic = s.times(s.times(s.times(s.number(0.044715, x), x), x), x)
            curve = s.of(math.TanhOp, s.times(s.number(sqrt(2 / pi), x), s.plus(x, cubic)))
        else:
            curve = s.of(math.ErfOp, s.times(x, s.number(sqrt(0.5), x)))
        return s.times(s.times(s.number(0.5, x), x), s.plus(s.number(1, x), curve))

    return pointwise(op, low, value)


@lowers(dnn.ClipOp)
def clip(op: dnn.ClipOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, operands: Sequence[SSAValue]) -> SSAValue:
        x = operands[0]
        if op.low is not None:
            x = s.larger(x, s.number(op.low.value.data, x))
        return x if op.high is None else s.smaller(x, s.number(op.high.value.data, x))

    return pointwise(op, low, value)
