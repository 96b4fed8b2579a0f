"""Kernel forms of powers, remainders, shifts, casts and tests."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from webdnn.dialects.dnn import arithmetic as dnn
from webdnn.dialects.element import compute_type, element_attribute, element_type
from webdnn.dialects.kernel.builder import is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars, pointwise, unsigned
from webdnn.support.element_type import ElementType, Kind


def integer_power(s: Scalars, base: SSAValue, exponent: SSAValue) -> SSAValue:
    """By squaring, a step for each bit of the exponent; see `dnn.pow` for negative ones."""
    zero, one = s.number(0, base), s.number(1, base)
    result, square, rest = one, base, exponent
    bits = 64 if base.type == i64 else 32
    for step in range(bits if unsigned(s.element) else min(bits, s.element.bits) - 1):
        if step:
            square, rest = s.times(square, square), s.add(arith.ShRUIOp(rest, one))
        taken = s.compare(s.add(arith.AndIOp(rest, one)), one, "eq")
        result = s.select(taken, s.times(result, square), result)
    if s.element.kind is Kind.UNSIGNED:
        return result
    even = s.compare(s.add(arith.AndIOp(exponent, one)), zero, "eq")
    unit = s.compare(s.absolute(base), one, "eq")
    fraction = s.select(unit, s.select(even, one, base), zero)
    return s.select(s.compare(exponent, zero, "lt"), fraction, result)


@lowers(dnn.PowOp)
def power(op: dnn.PowOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, x: Sequence[SSAValue]) -> SSAValue:
        return s.of(math.PowFOp, *x) if is_float(x[0]) else integer_power(s, *x)

    return pointwise(op, low, value)


def float_remainder(s: Scalars, a: SSAValue, b: SSAValue) -> SSAValue:
    """With the sign of a: a - b * trunc(a / b), one divisor further where the quotient was rounded up."""
    zero = s.number(0, a)
    whole = s.of(math.TruncOp, s.divide(a, b))
    rest = s.select(s.compare(whole, zero, "eq"), a, s.minus(a, s.times(b, whole)))  # an infinite b is no factor
    beyond = s.compare(s.times(rest, s.of(math.CopySignOp, s.number(1, a), a)), zero, "lt")
    return s.select(beyond, s.plus(rest, s.of(math.CopySignOp, b, a)), rest)


@lowers(dnn.ModOp)
def remainder(op: dnn.ModOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, x: Sequence[SSAValue]) -> SSAValue:
        a, b = x
        if unsigned(s.element):
            return s.add(arith.RemUIOp(a, b))
        rest = float_remainder(s, a, b) if is_float(a) else s.add(arith.RemSIOp(a, b))
        if op.truncated.value.data or s.element.kind is Kind.UNSIGNED:
            return rest
        zero = s.number(0, a)
        opposite = s.add(arith.XOrIOp(s.compare(rest, zero, "lt"), s.compare(b, zero, "lt")))
        none = s.of(math.CopySignOp, zero, b) if is_float(a) else zero
        return s.select(s.compare(rest, zero, "eq"), none, s.select(opposite, s.plus(rest, b), rest))

    return pointwise(op, low, value)


@lowers(dnn.BitShiftOp)
def bit_shift(op: dnn.BitShiftOp, low: Lowering) -> Sequence[SSAValue]:
    def value(s: Scalars, x: Sequence[SSAValue]) -> SSAValue:
        number, amount = x
        zero = s.number(0, number)
        inside = s.add(arith.CmpiOp(amount, s.number(s.element.bits, amount), "ult"))  # negative ones are large
        if s.element.kind is Kind.SIGNED and not op.left.value.data:
            return s.add(arith.ShRSIOp(number, s.select(inside, amount, s.number(s.element.bits - 1, amount))))
        shift = arith.ShLIOp if op.left.value.data else arith.ShRUIOp
        return s.select(inside, s.add(shift(number, s.select(inside, amount, zero))), zero)

    return pointwise(op, low, value)


def converted(s: Scalars, x: SSAValue, source: ElementType, to: ElementType) -> SSAValue:
    """A scalar of the compute type of `source` in that of `to`."""
    if to.kind is Kind.BOOL:
        return x if source.kind is Kind.BOOL else nonzero(s, x)
    type = compute_type(element_attribute(to.name))
    return x if x.type == type else s.add(cast_op(x.type, type, source, to).create(operands=[x], result_types=[type]))


def cast_op(before: Attribute, after: Attribute, source: ElementType, to: ElementType) -> type[Operation]:
    """The cast between two compute types."""
    if to.is_float and source.is_float:
        return arith.ExtFOp if after == f64 else arith.TruncFOp
    if to.is_float:
        return arith.UIToFPOp if source.kind is Kind.BOOL or unsigned(source) else arith.SIToFPOp
    if source.is_float:
        return arith.FPToUIOp if unsigned(to) else arith.FPToSIOp
    if before == i64:
        return arith.TruncIOp
    return arith.ExtUIOp if source.kind is Kind.BOOL or unsigned(source) else arith.ExtSIOp


def nonzero(s: Scalars, x: SSAValue) -> SSAValue:
    """NaN is not zero."""
    zero = s.number(0, x)
    return s.add(arith.CmpfOp(x, zero, "une") if is_float(x) else arith.CmpiOp(x, zero, "ne"))


@lowers(dnn.CastOp)
def cast(op: dnn.CastOp, low: Lowering) -> Sequence[SSAValue]:
    source, to = element_type(op.input.type), element_type(op.to)
    return pointwise(op, low, lambda s, x: converted(s, x[0], source, to))


@lowers(dnn.IsNanOp)
def is_nan(op: dnn.IsNanOp, low: Lowering) -> Sequence[SSAValue]:
    return pointwise(op, low, lambda s, x: s.add(arith.CmpfOp(x[0], x[0], "uno")))


@lowers(dnn.IsInfOp)
def is_inf(op: dnn.IsInfOp, low: Lowering) -> Sequence[SSAValue]:
    signs = [sign for sign, asked in ((inf, op.positive), (-inf, op.negative)) if asked.value.data]

    def value(s: Scalars, x: Sequence[SSAValue]) -> SSAValue:
        found = [s.compare(x[0], s.number(sign, x[0]), "eq") for sign in signs] or [s.constant(0, i1)]
        return found[0] if len(found) == 1 else s.of(arith.OrIOp, *found)

    return pointwise(op, low, value)


@lowers(dnn.BitCastOp)
def bit_cast(op: dnn.BitCastOp, low: Lowering) -> Sequence[SSAValue]:
    to = compute_type(op.to)
    return pointwise(op, low, lambda s, x: s.add(arith.BitcastOp(x[0], to)))
