"""Numpy meanings of the casts of `arith`: what changes the type of a scalar.

Floats that leave the range of an integer saturate and NaN becomes 0, as WebAssembly's `trunc_sat` has it; an i1 taken
as a signed number is 0 or -1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Attribute, Operation

from webdnn.dialects.element import element_of, element_type
from webdnn.support.weights import Array, numpy_dtype

DType = np.dtype[np.generic]

Numbers = NDArray[np.int64]
"""An array of any element type: meanings are generic, which numpy's annotations cannot say of arithmetic."""


def dtype_of(type: Attribute) -> DType:
    """The dtype of a scalar, or of the elements of a tensor or vector; an index has 64 bits."""
    element = element_of(type)
    return np.dtype(np.int64) if element == IndexType() else numpy_dtype(element_type(element))


def unsigned(value: Numbers) -> Numbers:
    """The same bits without a sign."""
    return value.view(np.dtype(f"u{value.dtype.itemsize}"))


def signed(value: Numbers) -> Array:
    """A number of one bit is 0 or -1."""
    return -value.astype(np.int8) if value.dtype.kind == "b" else value


def rounded(value: Array, dtype: DType) -> Array:
    return value.astype(dtype, copy=False)


def wrapped(value: Numbers, dtype: DType) -> Array:
    """The low bits of an integer."""
    return (value & 1 if dtype.kind == "b" else signed(value)).astype(dtype)


def saturated(value: Numbers, dtype: DType) -> Array:
    """The nearest integer towards zero that the type has; 0 of NaN."""
    limits = np.iinfo(dtype.name)
    wide = np.trunc(np.nan_to_num(value.astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf))
    low, high = wide <= float(limits.min), wide >= float(limits.max)
    inner = np.where(low | high, 0.0, wide).astype(dtype)
    return np.where(high, limits.max, np.where(low, limits.min, inner)).astype(dtype)


def float_to_signed(value: Numbers, dtype: DType) -> Array:
    return value <= -1 if dtype.kind == "b" else saturated(value, dtype)


def float_to_unsigned(value: Numbers, dtype: DType) -> Array:
    """The bits of the unsigned number in a type without sign."""
    return value >= 1 if dtype.kind == "b" else saturated(value, np.dtype(f"u{dtype.itemsize}")).view(dtype)


def unsigned_cast(value: Numbers, dtype: DType) -> Array:
    return unsigned(value).astype(dtype)


def signed_cast(value: Numbers, dtype: DType) -> Array:
    return signed(value).astype(dtype)


def same_bits(value: Array, dtype: DType) -> Array:
    return value.view(dtype)


Cast = Callable[[Numbers, DType], Array]

CASTS: dict[type[Operation], Cast] = {
    arith.IndexCastOp: wrapped,
    arith.TruncIOp: wrapped,
    arith.ExtSIOp: signed_cast,
    arith.ExtUIOp: unsigned_cast,
    arith.ExtFOp: rounded,
    arith.TruncFOp: rounded,
    arith.SIToFPOp: signed_cast,
    arith.UIToFPOp: unsigned_cast,
    arith.FPToSIOp: float_to_signed,
    arith.FPToUIOp: float_to_unsigned,
    arith.BitcastOp: same_bits,
}
"""(operand, dtype of the result) -> the result"""
