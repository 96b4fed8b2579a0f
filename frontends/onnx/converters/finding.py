"""Converters of what finds as many elements as there are: as many as there can be, and how many are found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer
from webdnn.dialects.dnn.base import number as float_attribute
from webdnn.dialects.dnn.elementwise import NotOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.selection import NonMaxSuppressionOp, SearchSortedOp, TopKOp
from webdnn.frontends.onnx.filled import counted, counts, first, highest, masked, number, numbers, running
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, joined, stacked
from webdnn.support.shapes import normalize_axis


@converter("NonZero", counting=True)
def non_zero(node: Node) -> SSAValue:
    """The indices of all elements that are not zero, a column for each; those of places that are not filled are."""
    x = Term.operand(node, 0)
    for axis, count in counts(node, 0).items():
        x = masked(x, axis, count, 0)
    shape = x.shape or (1,)
    flat = x.reshaped(int(np.prod(shape)))
    places, count = first(flat if node.element(0).name == "bool" else flat.cast("bool"))
    rows: list[Term] = []
    for axis, extent in enumerate(shape):
        behind = int(np.prod(shape[axis + 1 :]))
        row = places / behind if behind > 1 else places
        rows.append(row - (row / extent) * extent if axis else row)
    return counted(node, stacked([row.cast("i64") for row in rows[: len(x.shape) or 1]]).value, {1: count})


@converter("Unique", counting=True)
def unique(node: Node) -> Sequence[SSAValue]:
    """Along an axis or of all elements: the distinct ones, where each is first, where each is now, and how often."""
    whole = not node.has("axis") or len(node.shape(0)) == 1
    if counts(node, 0) or (whole and known(node.operand(0)) is None):
        return distinct(node)
    x = node.constant(0)
    axis = normalize_axis(node.integer("axis"), x.ndim) if node.has("axis") else None
    keys = x.astype(np.float32) if x.dtype.kind == "V" else x  # bfloat16 has no order of its own
    _, places, inverse, often = np.unique(keys, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not node.integer("sorted", 1):
        order = np.argsort(places)
        places, often, inverse = places[order], often[order], np.argsort(order)[inverse]
    found = np.take(x.reshape(-1) if axis is None else x, places, 0 if axis is None else axis)
    return [node.constant_value(as_array(found)), *(integers(node, a) for a in (places, inverse, often))]


def distinct(node: Node) -> Sequence[SSAValue]:
    """The same of elements that are computed: as many as there are in order, of which each differs from the one before.

    An element belongs to the group that ends with the last of the elements in order that are not greater.
    """
    x, filled_places, bits = Term.operand(node, 0), counts(node, 0), node.element(0).name == "bool"
    if len(x.shape) != 1 and filled_places:
        node.refuse("compares rows, or all elements, of as many as are found", hint="give it a vector")
    x = (x.cast("u8") if bits else x).reshaped(extent := int(np.prod(x.shape)))
    count = filled_places.get(0, number(node, extent))
    ordered, order = in_order(masked(x, 0, count, highest(x)) if filled_places else x)
    places = numbers(node, extent)
    new = ordered.equals(ordered.gathered((places - 1).at_least(0), 0)).apply(NotOp) | places.equals(0)
    begins, found = first(masked(new, 0, count, 0) if filled_places else new)
    upto = search(ordered, x) - 1
    inverse = (running(new) - 1).gathered(upto, 0)
    firsts = order.gathered(begins, 0)
    often = search(ordered, ordered.gathered(begins, 0)).at_most(count) - begins
    if not node.integer("sorted", 1):
        own = firsts.gathered(inverse, 0)
        new = own.equals(places)
        firsts, found = first(masked(new, 0, count, 0) if filled_places else new)
        often = often.gathered(inverse.gathered(firsts, 0), 0)
        inverse = (running(new) - 1).gathered(own, 0)
    values = x.gathered(firsts, 0)
    results = [values.cast("bool") if bits else values, *(t.cast("i64") for t in (firsts, inverse, often))]
    along = [{0: found}, {0: found}, filled_places, {0: found}]
    return [counted(node, result.value, counts) for result, counts in zip(results, along, strict=True)]


def in_order(x: Term) -> tuple[Term, Term]:
    """The elements of a vector from the least to the greatest, equal ones as they are, and their places (i32)."""
    options = {"k": integer(x.shape[0]), "axis": integer(0), "largest": flag(False)}
    values, order = (Term(x.node, v) for v in x.node.add_all(TopKOp.of(x.value, **options)))
    return values, order.cast("i32")


def search(ascending: Term, x: Term) -> Term:
    """How many elements are not greater than each (i32)."""
    return Term(x.node, x.node.add(SearchSortedOp.of(ascending.value, x.value)))


def integers(node: Node, array: NDArray[np.int64]) -> SSAValue:
    return node.constant_value(as_array(array.astype(np.int64)))


@converter("NonMaxSuppression", counting=True)
def non_max_suppression(node: Node) -> SSAValue:
    """For each class of each image the boxes by score, without those that overlap one already taken: image, class, box.

    Boxes that are not there, or of scores that are not, have the least score.
    """
    boxes, scores = Term.operand(node, 0), Term.operand(node, 1)
    images, classes, extent = scores.shape
    most = min(int(node.constant_integers(2, (0,))[0]), extent)
    if most < 1:
        return integers(node, np.zeros((0, 3), np.int64))
    for axis, count in counts(node, 1).items():
        scores = masked(scores, axis, count, -np.inf)
    if 1 in (inside := counts(node, 0)):
        scores = masked(scores, 2, inside[1], -np.inf)
    least = None if node.optional(4) is None else float_attribute(float(node.constant(4).reshape(-1)[0]))
    overlap = 0.0 if node.optional(3) is None else float(node.constant(3).reshape(-1)[0])
    corners = corner_boxes(boxes, bool(node.integer("center_point_box", 0)))
    options = {"most": integer(most), "overlap": float_attribute(overlap), "least": least}
    taken = Term(node, node.add(NonMaxSuppressionOp.of(corners.value, scores.value, **options))).cast("i32")
    places, count = first(taken.reshaped(images * classes * most).greater(-1))
    pair = places / most
    box = taken.reshaped(images * classes * most).gathered(places, 0)
    columns = [pair / classes, pair - (pair / classes) * classes, box]
    return counted(node, stacked([column.cast("i64") for column in columns], 1).value, {0: count})


def corner_boxes(boxes: Term, centred: bool) -> Term:
    """Boxes as their low and their high corner: [image, box, low y, low x, high y, high x]."""
    a, b = boxes.part(2, range(2)), boxes.part(2, range(2, 4))
    if centred:
        a, b = a - b * 0.5, a + b * 0.5
    return joined([a.at_most(b), a.at_least(b)], 2)
