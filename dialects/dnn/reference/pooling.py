"""Numpy meanings of poolings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from webdnn.dialects.dnn.pooling import AveragePoolOp, LpPoolOp, MaxPoolOp, MaxPoolWithIndicesOp, PoolOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.support.shapes import window_extent


def taps(op: PoolOp, x: Array, fill: float, padding: float) -> Iterator[Array]:
    """What each tap of the window sees, in row-major order: `padding` in the padding, `fill` beyond its end."""
    rank = x.ndim - 2
    kernel, strides, pads, dilations = (a.get_values() for a in (op.kernel, op.strides, op.pads, op.dilations))
    windows = op.infer()[0].get_shape()[2:]
    own = [(0, 0), (0, 0), *((pads[i], pads[i + rank]) for i in range(rank))]
    padded = np.pad(x, own, constant_values=padding)
    reach = [(windows[i] - 1) * strides[i] + window_extent(kernel[i], dilations[i]) for i in range(rank)]
    beyond = [(0, 0), (0, 0), *((0, max(0, reach[i] - padded.shape[i + 2])) for i in range(rank))]
    padded = np.pad(padded, beyond, constant_values=fill)
    for tap in np.ndindex(*kernel):
        starts = [t * d for t, d in zip(tap, dilations, strict=True)]
        spans = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, windows, strides, strict=True)]
        yield padded[(slice(None), slice(None), *spans)]


def lowest(x: Array) -> float:
    """The value that is no larger than any of this type."""
    return -np.inf if x.dtype.kind in "fV" else int(np.iinfo(x.dtype.name).min)


@meaning(MaxPoolOp)
def max_pool(op: MaxPoolOp, x: Array) -> Array:
    x = wide(x)
    return np.max(np.stack(list(taps(op, x, lowest(x), lowest(x)))), axis=0)


@meaning(MaxPoolWithIndicesOp)
def max_pool_with_indices(op: MaxPoolWithIndicesOp, x: Array) -> tuple[Array, Array]:
    x = wide(x)
    values = np.stack(list(taps(op, x, lowest(x), lowest(x))))
    positions = np.arange(x.size).reshape(x.shape)
    if op.column_major.value.data:
        spatial = x.shape[2:]
        runs_first = np.arange(int(np.prod(spatial))).reshape(spatial[::-1]).T
        positions = positions[(..., *[slice(0, 1)] * len(spatial))] + runs_first
    seen = np.stack(list(taps(op, positions.astype(np.float64), -1, -1)))
    # The padding is never the place of the largest element, even where that is the lowest value of all.
    first = np.argmax(np.where(seen < 0, -1.0, np.where(np.isnan(values), 2.0, values == values.max(axis=0))), axis=0)
    return np.max(values, axis=0), np.take_along_axis(seen, first[np.newaxis], axis=0)[0]


@meaning(AveragePoolOp)
def average_pool(op: AveragePoolOp, x: Array) -> Array:
    x = wide(x)
    covered = sum(taps(op, np.ones((1, 1, *x.shape[2:]), x.dtype), 0, float(bool(op.count_include_pad.value.data))))
    return np.asarray(sum(taps(op, x, 0, 0)) / np.maximum(covered, 1))


@meaning(LpPoolOp)
def lp_pool(op: LpPoolOp, x: Array) -> Array:
    p = op.p.value.data
    total = sum(np.abs(tap) ** p for tap in taps(op, wide(x), 0, 0))
    return np.asarray(total ** (1 / p))
