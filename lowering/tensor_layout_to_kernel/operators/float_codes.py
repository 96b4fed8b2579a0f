"""The kernel form of floats of 8 and 4 bits: their codes, found by comparisons with powers of two.

No bits of floats are looked at, which not every target can do: exponents are counted, all steps but one are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp, inf

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.quantization import EncodeFloatOp
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars, pointwise
from webdnn.support.float_format import FloatFormat

STEPS = (16, 8, 4, 2, 1)
"""Shifts of exponents that add up to any up to 31"""

WIDE_STEPS = (64, *(32, *STEPS))


def shifted(s: Scalars, y: SSAValue, exponent: SSAValue, step: int, taken: SSAValue) -> tuple[SSAValue, SSAValue]:
    """(y / 2^step, exponent + step) where the step is taken"""
    scaled = s.times(y, s.number(2.0**-step, y))
    return s.select(taken, scaled, y), s.select(taken, s.plus(exponent, s.constant(step, i32)), exponent)


def magnitude_code(s: Scalars, x: SSAValue, format: FloatFormat, saturate: bool) -> SSAValue:
    """With |x| = y · 2^e · least, y in [1, 2) or e = 0: e · 2^m + round(y · 2^m), where a carry does what it should."""
    beyond = 2.0 ** frexp(format.value(format.largest))[1]
    y = s.times(s.minimum(s.absolute(x), s.number(beyond, x)), s.number(2.0 ** (format.bias - 1), x))
    exponent = s.constant(0, i32)
    for step in STEPS:
        y, exponent = shifted(s, y, exponent, step, s.compare(y, s.number(2.0**step, y), "ge"))
    scale = 1 << format.mantissa
    steps = s.of(math.RoundEvenOp, s.times(y, s.number(scale, y)))
    rounded = s.add(arith.FPToSIOp(s.maximum(s.minimum(steps, s.number(2 * scale, y)), s.number(0, y)), i32))
    code = s.plus(s.times(exponent, s.constant(scale, i32)), rounded)
    largest = s.constant(format.largest, i32)
    if saturate:
        return s.minimum(code, largest)
    above = format.not_a_number if format.infinity is None else format.infinity
    return s.select(s.less(largest, code), s.constant(above, i32), code)


def float_code(s: Scalars, x: SSAValue, format: FloatFormat, saturate: bool) -> SSAValue:
    """The code of the magnitude, with a sign; formats without a negative zero have NaN in its place."""
    code = magnitude_code(s, x, format, saturate)
    sign, not_a_number = s.constant(format.sign, i32), s.constant(format.not_a_number, i32)
    negative = s.compare(s.of(math.CopySignOp, s.number(1, x), x), s.number(0, x), "lt")
    negated = s.plus(code, sign)
    if not format.negative_zero:
        signless = s.add(arith.OrIOp(s.equal(code, s.constant(0, i32)), s.equal(code, not_a_number)))
        negated = s.select(signless, code, negated)
    signed = s.select(negative, negated, code)
    return s.select(s.add(arith.CmpfOp(x, x, "uno")), not_a_number, signed)


def power_code(s: Scalars, x: SSAValue, format: FloatFormat, saturate: bool) -> SSAValue:
    """With x = y · 2^e, y in [1, 2): e + 127, or one more where y > 1."""
    y, exponent = x, s.constant(0, i32)
    for step in WIDE_STEPS:
        y, exponent = shifted(s, y, exponent, step, s.compare(y, s.number(2.0**step, y), "ge"))
    for step in WIDE_STEPS:
        y, exponent = shifted(s, y, exponent, -step, s.compare(y, s.number(2.0 ** (1 - step), y), "lt"))
    zero, not_a_number = s.constant(0, i32), s.constant(format.not_a_number, i32)
    more = s.select(s.compare(y, s.number(1, y), "gt"), s.constant(1, i32), zero)
    code = s.plus(s.plus(exponent, s.constant(format.bias, i32)), more)
    code = s.select(s.compare(x, s.number(inf, x), "eq"), not_a_number, s.minimum(code, not_a_number))
    if saturate:
        code = s.minimum(code, s.constant(format.largest, i32))
    code = s.select(s.compare(x, s.number(0, x), "eq"), zero, code)
    return s.select(s.compare(x, s.number(0, x), "ge"), code, not_a_number)


@lowers(EncodeFloatOp)
def encode_float(op: EncodeFloatOp, low: Lowering) -> Sequence[SSAValue]:
    format, saturate = op.wanted, bool(op.saturate.value.data)
    code = power_code if format.power else float_code
    return pointwise(op, low, lambda s, x: code(s, x[0], format, saturate))
