"""Numpy meanings of powers, remainders, shifts, casts and tests."""

from __future__ import annotations

import numpy as np

from webdnn.dialects.dnn import arithmetic as dnn
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.element import element_type
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.weights import numpy_dtype


@meaning(dnn.PowOp)
def power(op: dnn.PowOp, a: Array, b: Array) -> Array:
    if element_type(op.lhs.type).is_float:
        return np.power(wide(a), wide(b))
    odd = np.where(b % 2 == 0, 1, a)
    fraction = np.where(np.abs(a) == 1, odd, 0)  # a real power between -1 and 1
    return np.where(b < 0, fraction, np.power(a, np.maximum(b, 0)))


@meaning(dnn.ModOp)
def remainder(op: dnn.ModOp, a: Array, b: Array) -> Array:
    kind = np.fmod if op.truncated.value.data else np.mod
    return kind(wide(a), wide(b))


@meaning(dnn.BitShiftOp)
def bit_shift(op: dnn.BitShiftOp, a: Array, b: Array) -> Array:
    bits = a.dtype.itemsize * 8
    inside = (b >= 0) & (b < bits)
    amount = np.where(inside, b, 0).astype(b.dtype)
    if op.left.value.data:
        return np.where(inside, np.left_shift(a, amount), 0)
    return np.where(inside, np.right_shift(a, amount), np.where(a < 0, -1, 0).astype(a.dtype))


@meaning(dnn.CastOp)
def cast(op: dnn.CastOp, x: Array) -> Array:
    to = element_type(op.to)
    if element_type(op.input.type).is_float and to.is_integer:
        x = saturated(x, to)
    elif to.kind is Kind.BOOL:
        x = x != 0
    return as_array(wide(x).astype(numpy_dtype(to)))


def saturated(x: Array, to: ElementType) -> Array:
    """The integers of 32 or 64 bits next to floats, towards zero; 0 of NaN."""
    signed = to.kind is Kind.SIGNED or to.bits < 32
    dtype = np.dtype(f"{'i' if signed else 'u'}{8 if to.bits == 64 else 4}")
    limits = np.iinfo(dtype.name)
    whole = np.trunc(np.where(np.isnan(x), 0, x).astype(np.float64))
    low, high = whole <= float(limits.min), whole >= float(limits.max)
    inside = np.where(low | high, 0, whole).astype(dtype)
    return as_array(np.where(high, limits.max, np.where(low, limits.min, inside)).astype(dtype))


@meaning(dnn.IsNanOp)
def is_nan(op: dnn.IsNanOp, x: Array) -> Array:
    return as_array(np.asarray(np.isnan(x)))


@meaning(dnn.IsInfOp)
def is_inf(op: dnn.IsInfOp, x: Array) -> Array:
    positive, negative = bool(op.positive.value.data), bool(op.negative.value.data)
    return as_array(np.asarray(np.isinf(x) & np.where(x > 0, positive, negative)))


@meaning(dnn.BitCastOp)
def bit_cast(op: dnn.BitCastOp, x: Array) -> Array:
    return as_array(x.view(numpy_dtype(element_type(op.to))))
