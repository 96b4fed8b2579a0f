"""Numpy meanings of the operators that read at computed indices."""

import numpy as np
from numpy.typing import NDArray

from webdnn.dialects.dnn.gather import GatherElementsOp, GatherNdOp, GatherOp, ReverseSequenceOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.registry import meaning

Indices = NDArray[np.int64]


def wrapped(indices: Array, extent: int) -> Indices:
    """Negative indices count from the end; what is still outside is clamped."""
    whole = indices.astype(np.int64)
    return np.clip(np.where(whole < 0, whole + extent, whole), 0, extent - 1)


@meaning(GatherOp)
def gather(op: GatherOp, x: Array, indices: Array) -> Array:
    axis = op.axis.value.data
    return np.take(x, wrapped(indices, x.shape[axis]), axis=axis)


@meaning(GatherElementsOp)
def gather_elements(op: GatherElementsOp, x: Array, indices: Array) -> Array:
    axis = op.axis.value.data
    return x[element_places(wrapped(indices, x.shape[axis]), axis)]


def element_places(indices: Indices, axis: int) -> tuple[Indices, ...]:
    """For each element of `indices` its own place, but along `axis` the index that it holds."""
    places = [np.asarray(p) for p in np.indices(indices.shape, dtype=np.int64)]
    places[axis] = indices
    return tuple(places)


@meaning(GatherNdOp)
def gather_nd(op: GatherNdOp, x: Array, indices: Array) -> Array:
    batch = op.batch_dims.value.data
    outer = np.indices(indices.shape[:-1], dtype=np.int64)[:batch]
    coordinates = [wrapped(indices[..., i], x.shape[batch + i]) for i in range(indices.shape[-1])]
    return x[(*outer, *coordinates)]


@meaning(ReverseSequenceOp)
def reverse_sequence(op: ReverseSequenceOp, x: Array, lengths: Array) -> Array:
    time, batch = op.time_axis.value.data, op.batch_axis.value.data
    places = [np.asarray(p) for p in np.indices(x.shape, dtype=np.int64)]
    length = lengths.astype(np.int64)[places[batch]]
    places[time] = np.clip(
        np.where(places[time] < length, length - 1 - places[time], places[time]), 0, x.shape[time] - 1
    )
    return x[tuple(places)]
