"""Numpy meanings of quantization."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from webdnn.dialects.dnn.quantization import (
    DequantizeLinearOp,
    EncodeFloatOp,
    QuantizationOp,
    QuantizeLinearOp,
    UnpackNibblesOp,
)
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.support.quantization import unpack_nibbles as unpacked


def spread(op: QuantizationOp, values: Array, shape: tuple[int, ...]) -> Array:
    """Scales or zero points so that they broadcast to the input."""
    axis, block = op.axis.value.data, op.block_size.value.data
    if values.ndim == 0:
        return values
    if block:
        return np.repeat(values, block, axis=axis)[(*[slice(None)] * axis, slice(0, shape[axis]))]
    return values.reshape(-1, *[1] * (len(shape) - axis - 1))


def computed(x: Array) -> Array:
    """In f64 where the elements are, else in f32, as the targets do."""
    return x if x.dtype == np.float64 else as_array(x.astype(np.float32))


@meaning(QuantizeLinearOp)
def quantize_linear(op: QuantizeLinearOp, x: Array, scale: Array, zero_point: Array | None) -> Array:
    lowest, highest = op.limits
    quotient = np.rint(computed(x) / spread(op, computed(scale), x.shape))
    zero = 0 if zero_point is None else spread(op, zero_point, x.shape).astype(np.int64)
    # Clamped before the sum, so that quotients beyond the integers saturate too.
    return as_array(np.clip(quotient, lowest - zero, highest - zero).astype(np.int64) + zero)


@meaning(DequantizeLinearOp)
def dequantize_linear(op: DequantizeLinearOp, q: Array, scale: Array, zero_point: Array | None) -> Array:
    zero = 0 if zero_point is None else spread(op, zero_point, q.shape).astype(np.int32)
    difference = q.astype(np.int32) - zero
    return difference.astype(computed(scale).dtype) * spread(op, computed(scale), q.shape)


@meaning(EncodeFloatOp)
def encode_float(op: EncodeFloatOp, x: Array) -> Array:
    """Rounded by `ml_dtypes`, which knows no saturation; overflow is infinity, or NaN where there is none."""
    format, x = op.wanted, computed(x)
    if format.power:
        return power_codes(x, bool(op.saturate.value.data))
    largest = np.float32(format.value(format.largest))
    if op.saturate.value.data:
        x = np.clip(x, -largest, largest)
    dtype = np.dtype(getattr(ml_dtypes, format.ml_dtypes))
    codes = x.astype(dtype).view(np.uint8)
    return as_array(np.where(np.isnan(x), np.uint8(format.not_a_number), codes))


def power_codes(x: Array, saturate: bool) -> Array:
    """The exponents of the powers of two that are not smaller, plus 127."""
    fraction, exponent = np.frexp(x)
    code = exponent + 127 - (fraction == 0.5)
    code = np.where(x == 0, 0, np.where(np.isinf(x), 255, np.maximum(code, 0)))
    if saturate:
        code = np.minimum(code, 254)
    return as_array(np.where(np.isnan(x) | (x < 0), 255, np.minimum(code, 255)).astype(np.uint8))


@meaning(UnpackNibblesOp)
def unpack_nibbles(op: UnpackNibblesOp, x: Array) -> Array:
    return as_array(unpacked(x.astype(np.uint8), op.axis.value.data))
