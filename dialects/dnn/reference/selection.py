"""Numpy meanings of the operators that find the greatest or least elements."""

from collections.abc import Sequence

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.selection import ArgMaxOp, ArgMinOp, ArgOp, TopKOp


def extreme_index(op: ArgOp, x: Array, peak: Array) -> Array:
    """The first or last index along the axis where the element is the extreme one."""
    axis = op.axis.value.data
    found = np.flip(x == peak, axis) if op.select_last.value.data else x == peak
    index = np.argmax(found, axis, keepdims=bool(op.keepdims.value.data))
    return np.asarray(x.shape[axis] - 1 - index if op.select_last.value.data else index)


@meaning(ArgMaxOp)
def arg_max(op: ArgMaxOp, x: Array) -> Array:
    x = wide(x)
    return extreme_index(op, x, np.max(x, op.axis.value.data, keepdims=True))


@meaning(ArgMinOp)
def arg_min(op: ArgMinOp, x: Array) -> Array:
    x = wide(x)
    return extreme_index(op, x, np.min(x, op.axis.value.data, keepdims=True))


@meaning(TopKOp)
def top_k(op: TopKOp, x: Array) -> Sequence[Array]:
    """A stable sort; for the greatest of the elements in reverse, so that equal ones come out by index."""
    axis, k = op.axis.value.data, op.k.value.data
    if op.largest.value.data:
        order = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(wide(x), axis), axis, kind="stable"), axis)
    else:
        order = np.argsort(wide(x), axis, kind="stable")
    chosen = np.take(order, np.arange(k), axis)
    return [np.take_along_axis(x, chosen, axis), as_array(chosen)]
