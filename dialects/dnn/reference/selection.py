"""Numpy meanings of the operators that find the greatest or least elements."""

from collections.abc import Sequence

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.selection import ArgMaxOp, ArgMinOp, ArgOp, NonMaxSuppressionOp, SearchSortedOp, TopKOp


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


@meaning(SearchSortedOp)
def search_sorted(op: SearchSortedOp, ascending: Array, values: Array) -> Array:
    return as_array(np.searchsorted(ascending, values, side="right"))


@meaning(NonMaxSuppressionOp)
def non_max_suppression(op: NonMaxSuppressionOp, boxes: Array, scores: Array) -> Array:
    """One box after another; what is taken or removed has the score -∞ from then on."""
    images, classes, _ = scores.shape
    overlap, least = np.float32(op.overlap.value.data), np.float32(op.least.value.data if op.least else -np.inf)
    found = np.full((images, classes, op.most.value.data), -1, np.int64)
    for image in range(images):
        for kind in range(classes):
            left = scores[image, kind].astype(np.float32)
            for step in range(op.most.value.data):
                best = int(np.argmax(left))
                if not left[best] > least:
                    break
                found[image, kind, step] = best
                left[shared(boxes[image], boxes[image, best]) > overlap] = -np.inf
                left[best] = -np.inf
    return as_array(found)


def shared(boxes: Array, box: Array) -> Array:
    """The area of each intersection with a box as a part of the union; 0 where either box has no area."""
    sides = np.maximum(np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]), 0)
    areas = [np.prod(b[..., 2:] - b[..., :2], -1) for b in (boxes, box)]
    common = np.prod(sides, -1)
    union = areas[0] + areas[1] - common
    filled = (areas[0] > 0) & (areas[1] > 0) & (union > 0)
    return as_array(np.where(filled, common / np.where(filled, union, 1), np.float32(0)))
