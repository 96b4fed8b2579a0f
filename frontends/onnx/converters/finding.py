"""Converters of what finds as many elements as there are: known at import, since every shape has to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.support.shapes import normalize_axis


@converter("NonZero")
def non_zero(node: Node) -> SSAValue:
    return node.constant_value(as_array(np.array(np.nonzero(node.constant(0))).astype(np.int64)))


@converter("Unique")
def unique(node: Node) -> Sequence[SSAValue]:
    """Along an axis or of all elements: the distinct ones, where each is first, where each is now, and how often."""
    x = node.constant(0)
    axis = normalize_axis(node.integer("axis"), x.ndim) if node.has("axis") else None
    keys = x.astype(np.float32) if x.dtype.kind == "V" else x  # bfloat16 has no order of its own
    _, first, inverse, counts = np.unique(keys, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not node.integer("sorted", 1):
        order = np.argsort(first)
        first, counts, inverse = first[order], counts[order], np.argsort(order)[inverse]
    distinct = np.take(x.reshape(-1) if axis is None else x, first, 0 if axis is None else axis)
    return [node.constant_value(as_array(distinct)), *(integers(node, a) for a in (first, inverse, counts))]


def integers(node: Node, array: NDArray[np.int64]) -> SSAValue:
    return node.constant_value(as_array(array.astype(np.int64)))


@converter("NonMaxSuppression")
def non_max_suppression(node: Node) -> SSAValue:
    """For each class of each image the boxes by score, without those that overlap one already taken."""
    boxes, scores = node.constant(0), node.constant(1)
    most = int(node.constant_or(2, as_array(np.zeros(1, np.int64))).reshape(-1)[0])
    overlap = float(node.constant_or(3, as_array(np.zeros(1, np.float32))).reshape(-1)[0])
    least = None if node.optional(4) is None else float(node.constant(4).reshape(-1)[0])
    corners = corner_boxes(boxes, bool(node.integer("center_point_box", 0)))
    found: list[tuple[int, int, int]] = []
    for image in range(scores.shape[0]):
        for kind in range(scores.shape[1]):
            taken: list[int] = []
            order = np.argsort(-scores[image, kind], kind="stable")
            for box in (int(i) for i in order if least is None or scores[image, kind, i] > least):
                if len(taken) >= most:
                    break
                if all(shared(corners[image, box], corners[image, other]) <= overlap for other in taken):
                    taken.append(box)
            found += [(image, kind, box) for box in taken]
    return integers(node, np.array(found, np.int64).reshape(-1, 3))


def corner_boxes(boxes: Array, centred: bool) -> Array:
    """Boxes as two corners in order: [image, box, corner, axis]."""
    pairs = boxes.reshape(*boxes.shape[:-1], 2, 2)
    if centred:
        middle, half = pairs[..., 0, :], pairs[..., 1, :] / 2
        return np.stack([middle - half, middle + half], -2)
    return np.sort(pairs, axis=-2)


def shared(a: Array, b: Array) -> float:
    """The area that two boxes share as a part of what they cover together; 0 where one is empty."""
    sides = np.maximum(0, np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]))
    common = float(sides[0] * sides[1])
    areas = [float((box[1, 0] - box[0, 0]) * (box[1, 1] - box[0, 1])) for box in (a, b)]
    together = sum(areas) - common
    return common / together if common > 0 and min(*areas, together) > 0 else 0.0
