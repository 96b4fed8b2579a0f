"""Converters of what takes or names places from a start to an end, which may both be known at run time alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.filled import (
    bounded,
    counted,
    counts,
    extents_of,
    number,
    numbers,
    refuse_counted,
    replaced,
    same,
)
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import part_of, sliced
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, total
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
        (count,) = node.shape(1)
        axes, steps = node.constant_integers(3, range(count)), node.constant_integers(4, (1,) * count)
        starts, ends = (places_of(node, i, forwards=min(steps, default=1) > 0) for i in (1, 2))
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
        value, filled = between(value, at, found.get(at), start, end, step)
        found[at] = bounded(filled, value.shape[at])
    return counted(node, value.value, found)


def places_of(node: Node, i: int, forwards: bool) -> list[Place]:
    """Starts or ends. Going forwards, they may be any numbers that a run computes, since no place is beyond all."""
    value, counting = node.operand(i), node.emitter.counting
    if not forwards or known(value) is not None or counting.integers(value) is not None:
        return [Place(*found) for found in extents_of(node, i)]
    counting.numbers.number(value)
    near = Term(node, value).at_least(-LARGEST).at_most(LARGEST).cast("i32")
    elements = counting.numbers.elements.get(value, [None] * near.shape[0])
    return [Place(e) if isinstance(e, int) else Place(LARGEST, near.at(0, k)) for k, e in enumerate(elements)]


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


@converter("Split", counting=True)
def split(node: Node) -> Sequence[SSAValue]:
    """In the given sizes; else in equal ones, from opset 18 on the last one smaller."""
    axis, found = normalize_axis(node.integer("axis", 0), len(node.shape(0))), counts(node, 0)
    extent, count = node.shape(0)[axis], node.integer("num_outputs", len(node.outputs))
    sizes: Sequence[tuple[int, Term | None]] = [(n, None) for n in node.integers("split", ())]
    if not sizes and node.optional(1) is not None:
        sizes = extents_of(node, 1)
    count = len(sizes) or count
    if count != len(node.outputs):
        node.refuse(f"cuts {len(node.outputs)} parts of {count} sizes", hint="check the model with onnx.checker")
    if axis in found or any(term is not None for _, term in sizes):
        whole = found.get(axis, number(node, extent))
        return cut_apart(node, axis, given_parts(whole, sizes) if sizes else equal_parts(whole, count))
    if not sizes:
        chunk = -(-extent // count)
        sizes = [(min(chunk, extent - i * chunk), None) for i in range(count)]
        if node.opset < 18 and extent % count:
            node.refuse(f"cuts {extent} elements in {count} equal parts", hint="give the sizes of the parts")
    return [counted(node, part, found) for part in cut(node, axis, [n for n, _ in sizes])]


def equal_parts(whole: Term, count: int) -> list[Term]:
    """How many places each part of so many has; the last ones may have fewer."""
    chunk = (whole + (count - 1)) / count
    return [(whole - chunk * i).at_least(0).at_most(chunk) for i in range(count)]


def given_parts(whole: Term, sizes: Sequence[tuple[int, Term | None]]) -> list[Term]:
    """The sizes of the parts. Refuses those of which it is not known that they add up to the whole."""
    node = whole.node
    parts = [number(node, n) if term is None else term for n, term in sizes]
    if not same(total(parts), whole):
        problem = "cuts an axis whose size varies in parts that may not add up to it"
        refuse_counted(node, problem, hint="split along another axis, or in equal parts")
    return parts


def cut_apart(node: Node, axis: int, parts: Sequence[Term]) -> list[SSAValue]:
    """The first operand in parts, one behind the other, of as many places as are computed."""
    x, found, start = Term.operand(node, 0), counts(node, 0), number(node, 0)
    results, extent = list[SSAValue](), node.shape(0)[axis]
    for count in parts:
        places = (numbers(node, greatest(count, extent)) + start).at_most(extent - 1)
        results.append(counted(node, x.gathered(places, axis).value, {**found, axis: count}))
        start = start + count
    return results


def cut(node: Node, axis: int, sizes: Sequence[int]) -> list[SSAValue]:
    """The first operand in parts of these sizes."""
    extent = node.shape(0)[axis]
    if sum(sizes) != extent or min(sizes, default=0) < 0:
        node.refuse(f"cuts {extent} elements in parts of {list(sizes)}", hint="the parts must add up to the axis")
    ends = list(accumulate(sizes))
    return [part_of(node, node.operand(0), axis, range(end - n, end)) for end, n in zip(ends, sizes, strict=True)]


def of_integers(node: Node) -> Node:
    """The node on integers, where its floats are known to be whole or were integers."""
    given: dict[int, Term] = {}
    for i in range(3):
        value, array = node.operand(i), known(node.operand(i))
        if array is not None and np.array_equal(array, np.rint(array)):
            given[i] = Term.known(node, as_array(array.astype(np.int64)))
        elif isinstance(value.owner, CastOp) and element_type(value.owner.input.type).is_integer:
            given[i] = Term(node, value.owner.input).cast("i64")
        else:
            return node
    return replaced(node, given)


@converter("Range", counting=True)
def range_(node: Node) -> SSAValue:
    """As many integers as are computed, from a start that may be computed too; of floats the number must be known."""
    delta = node.constant(2).reshape(())
    if not delta:
        node.refuse("counts by zero", hint="give a delta that is not zero")
    whole = of_integers(node)
    if whole.element(1).is_integer and delta > 0:
        ((first, start),), ((last, limit),) = extents_of(whole, 0), extents_of(whole, 1)
        if start is not None or limit is not None:
            begin, end = (number(node, n) if term is None else term for n, term in ((first, start), (last, limit)))
            step = int(delta)
            filled = (end - begin + (step - 1)).at_least(0)
            filled = filled / step if step > 1 else filled
            most = greatest(filled, last)
            values = numbers(node, most) * step + begin
            return counted(node, values.cast(node.element(1).name).value, {0: filled})
    start, limit = whole.constant(0).reshape(()), whole.constant(1).reshape(())
    if start.dtype.kind in "iu":
        count = -((int(start) - int(limit)) // int(delta))
    else:
        count = ceil((float(limit) - float(start)) / float(delta))
    dtype = delta.dtype
    values = np.arange(max(0, count)).astype(dtype) * delta + start.astype(dtype)
    return node.constant_value(as_array(values.astype(dtype)))
