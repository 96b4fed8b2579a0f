"""Numpy meanings of quantization."""

from __future__ import annotations

import numpy as np

from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizationOp, QuantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.dnn.reference.constants import as_array
from webdnn.dialects.dnn.reference.registry import Array, meaning
from webdnn.dialects.element import element_type
from webdnn.support.quantization import unpack_nibbles as unpacked
from webdnn.support.weights import numpy_dtype


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
    limits = np.iinfo(numpy_dtype(element_type(op.to)).name)
    quotient = np.rint(computed(x) / spread(op, computed(scale), x.shape))
    zero = 0 if zero_point is None else spread(op, zero_point, x.shape).astype(np.int64)
    # Clamped before the sum, so that quotients beyond the integers saturate too.
    return as_array(np.clip(quotient, limits.min - zero, limits.max - zero).astype(np.int64) + zero)


@meaning(DequantizeLinearOp)
def dequantize_linear(op: DequantizeLinearOp, q: Array, scale: Array, zero_point: Array | None) -> Array:
    zero = 0 if zero_point is None else spread(op, zero_point, q.shape).astype(np.int32)
    difference = q.astype(np.int32) - zero
    return difference.astype(computed(scale).dtype) * spread(op, computed(scale), q.shape)


@meaning(UnpackNibblesOp)
def unpack_nibbles(op: UnpackNibblesOp, x: Array) -> Array:
    return as_array(unpacked(x.astype(np.uint8), op.axis.value.data))
