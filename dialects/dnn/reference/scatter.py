"""Numpy meanings of the operators that replace elements at computed indices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.gather import Indices, element_places, wrapped
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.scatter import ScatterElementsOp, ScatterNdOp

COMBINE: dict[str, Callable[[Array, Array], Array]] = {
    "none": lambda element, update: update,
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def scattered(x: Array, places: tuple[Indices, ...], updates: Array, reduction: str) -> Array:
    """Updates applied one after another, in row-major order, in the precision of f32 at least."""
    result = wide(x).copy()
    flat, values = [p.reshape(-1) for p in places], wide(updates).reshape(-1)
    for i in range(values.size):
        at = tuple(p[i] for p in flat)
        result[at] = COMBINE[reduction](result[at], values[i])
    return result


@meaning(ScatterElementsOp)
def scatter_elements(op: ScatterElementsOp, x: Array, indices: Array, updates: Array) -> Array:
    axis = op.axis.value.data
    places = element_places(wrapped(indices, x.shape[axis]), axis)
    return scattered(x, places, updates, op.reduction.data)


@meaning(ScatterNdOp)
def scatter_nd(op: ScatterNdOp, x: Array, indices: Array, updates: Array) -> Array:
    depth, outer = indices.shape[-1], indices.ndim - 1
    inner = [np.asarray(p) for p in np.indices(updates.shape, dtype=np.int64)[outer:]]
    spread = [1] * (updates.ndim - outer)
    coordinates = [
        np.broadcast_to(wrapped(indices[..., i], x.shape[i]).reshape(*indices.shape[:-1], *spread), updates.shape)
        for i in range(depth)
    ]
    return scattered(x, (*coordinates, *inner), updates, op.reduction.data)
