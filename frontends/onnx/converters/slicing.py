"""Converters of what takes or names places from a start to an end, which may both be known at run time alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.filled import counted, counts, extents_of, number, numbers, refuse_counted
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import sliced
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axis

LARGEST = 2**30
"""An end beyond all places, as i32 holds it with a size added"""


@dataclass(frozen=True)
class Place:
    """A start or an end: a number, and what it is where that is computed."""

    number: int
    term: Term | None = None

    def from_start(self, node: Node, whole: Term) -> Term:
        """The place among so many; a negative one counts from their end."""
        if self.term is not None:
            return self.term.less(0).where(self.term + whole, self.term).at_least(0).at_most(whole)
        place = whole + self.number if self.number < 0 else number(node, min(self.number, LARGEST))
        return place.at_least(0).at_most(whole)


@converter("Slice", counting=True)
def slice_(node: Node) -> SSAValue:
    shape = node.shape(0)
    if node.opset < 10:
        starts, ends = ([Place(n) for n in node.integers(name)] for name in ("starts", "ends"))
        axes, steps = node.integers("axes", range(len(starts))), (1,) * len(starts)
    else:
        starts, ends = ([Place(*found) for found in extents_of(node, i)] for i in (1, 2))
        axes = node.constant_integers(3, range(len(starts)))
        steps = node.constant_integers(4, (1,) * len(starts))
    parts, found = [range(extent) for extent in shape], counts(node, 0)
    varying = list[tuple[int, Place, Place, int]]()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        at = normalize_axis(axis, len(shape))
        if at in found or start.term is not None or end.term is not None:
            varying.append((at, start, end, step))
        else:
            parts[at] = range(shape[at])[slice(start.number, end.number, step)]
    value = Term(node, sliced(node, node.operand(0), parts))
    for at, start, end, step in varying:
        value, found[at] = between(value, at, found.get(at), start, end, step)
    return counted(node, value.value, found)


def between(value: Term, axis: int, count: Term | None, start: Place, end: Place, step: int) -> tuple[Term, Term]:
    """The places of an axis from a start to an end, and how many of them are filled."""
    node, extent = value.node, value.shape[axis]
    if step < 1:
        refuse_counted(node, "goes backwards along an axis whose size varies", hint="take elements forwards")
    whole = number(node, extent) if count is None else count
    first, last = start.from_start(node, whole), end.from_start(node, whole)
    filled = (last - first + (step - 1)).at_least(0) / step if step > 1 else (last - first).at_least(0)
    if start.term is None and start.number >= 0:
        stop = extent if end.number < 0 else end.number
        places = range(extent)[start.number : stop : step]
        return value.part(axis, places[: greatest(filled, extent)]), filled
    places = numbers(node, min(greatest(filled, extent), -(-extent // step))) * step
    return value.gathered((places + first).at_most(extent - 1), axis), filled


def greatest(count: Term, otherwise: int) -> int:
    """The most that a count can be."""
    found = count.node.emitter.counting.integers(count.value)
    return otherwise if found is None else found[0][1]


@converter("Range", counting=True)
def range_(node: Node) -> SSAValue:
    """As many integers as are computed, from a start that may be computed too; of floats the number must be known."""
    delta = node.constant(2).reshape(())
    if not delta:
        node.refuse("counts by zero", hint="give a delta that is not zero")
    if node.element(1).is_integer and delta > 0:
        ((first, start),), ((last, limit),) = extents_of(node, 0), extents_of(node, 1)
        if start is not None or limit is not None:
            begin, end = (number(node, n) if term is None else term for n, term in ((first, start), (last, limit)))
            step = int(delta)
            filled = (end - begin + (step - 1)).at_least(0)
            filled = filled / step if step > 1 else filled
            most = greatest(filled, last)
            values = numbers(node, most) * step + begin
            return counted(node, values.cast(node.element(1).name).value, {0: filled})
    start, limit = node.constant(0).reshape(()), node.constant(1).reshape(())
    if start.dtype.kind in "iu":
        count = -((int(start) - int(limit)) // int(delta))
    else:
        count = ceil((float(limit) - float(start)) / float(delta))
    values = np.arange(max(0, count)).astype(start.dtype) * delta + start
    return node.constant_value(as_array(values.astype(start.dtype)))
