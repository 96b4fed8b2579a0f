"""The numpy meaning of resizing, and the interpolation tables of its axes."""

from __future__ import annotations

from functools import reduce

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.element import shape_of
from webdnn.support.interpolation import Axis, Rule, Taps, taps


def tables(op: ResizeOp) -> dict[int, Taps]:
    """The interpolation of each axis that is resized."""
    shape, sizes, scales = shape_of(op.input), op.sizes.get_values(), op.scales.get_values()
    rank = len(shape)
    roi = op.roi.get_values() if op.roi else [0.0] * rank + [1.0] * rank
    rule = Rule(
        op.mode.data,
        op.coordinates.data,
        op.rounding.data,
        op.cubic_a.value.data,
        bool(op.exclude_outside.value.data),
        bool(op.antialias.value.data),
    )
    return {a: taps(rule, Axis(shape[a], sizes[a], scales[a], (roi[a], roi[a + rank]))) for a in op.resized_axes}


@meaning(ResizeOp)
def resize(op: ResizeOp, x: Array) -> Array:
    """One axis after another; integers are interpolated in floats, and rounded towards zero in the end."""
    result = x
    if op.mode.data != "nearest":
        result = as_array(x.astype(np.float64 if x.dtype.itemsize == 8 else np.float32))
    outside = np.zeros((), np.bool_)
    for axis, table in tables(op).items():
        result = along(result, axis, table)
        spread = [1] * x.ndim
        spread[axis] = -1
        outside = outside | table.outside.reshape(spread)
    if outside.any():
        result = as_array(np.where(outside, np.array(op.extrapolation.value.data).astype(result.dtype), result))
    return rounded(result, x.dtype)


def along(x: Array, axis: int, table: Taps) -> Array:
    """Interpolated along one axis."""
    last = x.shape[axis] - 1
    parts = [np.take(x, np.clip(table.first + k, 0, last), axis) for k in range(table.count)]
    if table.count == 1:
        return parts[0]
    spread = [1] * x.ndim
    spread[axis] = -1
    weights = table.weights.astype(x.dtype)
    return reduce(np.add, (part * weights[:, k].reshape(spread) for k, part in enumerate(parts)))


def rounded(x: Array, dtype: np.dtype[np.generic]) -> Array:
    """As elements of a type; integers saturate."""
    if dtype.kind in "iu" and x.dtype.kind == "f":
        limits, whole = np.iinfo(dtype.str), np.trunc(x.astype(np.float64))
        inside = np.clip(whole, limits.min, limits.max).astype(dtype)
        return as_array(np.where(whole >= limits.max, np.array(limits.max, dtype), inside))
    return x
