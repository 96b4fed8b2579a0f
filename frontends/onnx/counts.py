"""Counted axes: a tensor is as long as it can become, and a number that is computed says how many places are filled.

ONNX has operators whose results are as long as what they find, and dimensions of inputs whose size is open. Here every
shape is known when a model is compiled: the axis has the most places that there can be, the filled ones lie first, and
what lies behind them means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_type, shape_of
from webdnn.frontends.onnx.count_bounds import COMPARISONS, Bounds, bounds_of
from webdnn.frontends.onnx.value_numbers import ValueNumbers, is_few
from webdnn.support.polynomial import Polynomial
from webdnn.support.weights import numpy_dtype

Counts: TypeAlias = Mapping[int, SSAValue]
"""Axis → how many of its places are filled (i32, no axes)"""


@dataclass
class Counting:
    """What an import knows of counted axes.

    `ranges` holds the counts that are found or given rather than computed from others, with the least and the most that
    each can be; `zeros` the values, each with an axis, that are known to be zero behind what is filled. Operators that
    are added while `aware` is not set must not take counted values: their meaning would be another one.
    """

    counts: dict[SSAValue, Counts] = field(default_factory=dict[SSAValue, Counts])
    ranges: dict[SSAValue, tuple[int, int]] = field(default_factory=dict[SSAValue, tuple[int, int]])
    zeros: set[tuple[SSAValue, int]] = field(default_factory=set[tuple[SSAValue, int]])
    aware: bool = False
    numbers: ValueNumbers = field(default_factory=ValueNumbers)

    def of(self, value: SSAValue | None) -> Counts:
        """The counted axes of a value."""
        return {} if value is None else self.counts.get(value, {})

    def note(self, count: SSAValue, least: int, most: int) -> None:
        """A count that is found or given is from `least` to `most`."""
        self.ranges[count] = least, most
        self.numbers.ranges[self.numbers.element(count).simplest] = least, most

    def clashes(self, operands: Iterable[SSAValue]) -> bool:
        """Would an operator that knows nothing of counts take a counted value?"""
        return not self.aware and any(operand in self.counts for operand in operands)

    def bounds(self, value: SSAValue) -> Bounds | None:
        """The least and the greatest of a value that depends on counts and constants alone; None for any other."""
        order, done = self.made_of_counts(value), dict[SSAValue, Bounds]()
        for count, (least, most) in self.ranges.items():
            done[count] = as_array(np.array(least, np.int32)), as_array(np.array(most, np.int32))

        def look_up(operand: SSAValue) -> Bounds | None:
            array = known(operand)
            return done.get(operand) if array is None else (array, array)

        for op in order or ():
            operands = [look_up(operand) for operand in op.operands]
            given = [bounds for bounds in operands if bounds is not None]
            found = bounds_of(op, given) if len(given) == len(operands) else None
            if found is None:
                return None
            done[op.results[0]] = found
        return None if order is None else look_up(value)

    def decided(self, op: DnnOp) -> Array | None:
        """What a comparison of few integers gives for all counts that there can be; None for any other operator."""
        if type(op) not in COMPARISONS or not all(is_few(operand) for operand in op.operands):
            return None
        bounds = self.bounds(op.results[0])
        return bounds[0] if bounds is not None and np.array_equal(*bounds) else None

    def integers(self, value: SSAValue) -> list[tuple[int, int, SSAValue | None]] | None:
        """Of each integer of such a value the least, the greatest, and the found or given count that it is, if any."""
        self.numbers.number(value)
        given = {self.numbers.element(count).simplest: count for count in self.ranges}
        elements = self.numbers.elements.get(value, ()) if is_few(value) else ()
        known = [bounds for e in elements if (bounds := self.numbers.bounds(Polynomial.of(e))) is not None]
        if known and len(known) == len(elements):
            return [(*bounds, given.get(element)) for bounds, element in zip(known, elements, strict=True)]
        bounds = self.bounds(value)
        return None if bounds is None else [(int(a), int(b), None) for a, b in zip(*map(np.ravel, bounds), strict=True)]

    def fixed(self, value: SSAValue) -> Array | None:
        """A few integers that are the same whatever is counted, such as one extent of several; None for others."""
        found = self.integers(value) if is_few(value) else None
        if found is None or any(least != most for least, most, _ in found):
            return None
        integers = np.array([least for least, _, _ in found], numpy_dtype(element_type(value.type)))
        return as_array(integers.reshape(shape_of(value)))

    def settled(self, count: SSAValue) -> tuple[int, int, SSAValue | None] | None:
        """The same of a count of an axis, whose range is known from now on to all that is computed of it."""
        found = self.integers(count)
        if found is None:
            return None
        ((least, most, given),) = found
        element = self.numbers.element(count).simplest
        if least >= 0 and not isinstance(element, int | Polynomial):
            self.numbers.ranges.setdefault(element, (least, most))
        return least, most, given

    def made_of_counts(self, value: SSAValue) -> list[DnnOp] | None:
        """The operators that make a value of counts and constants, in order; None where it depends on more."""
        order, pending, met = list[DnnOp](), [(value, False)], set[SSAValue]()
        while pending:
            top, operands_done = pending.pop()
            op = top.owner
            if operands_done and isinstance(op, DnnOp):
                order.append(op)
            if top in met or top in self.ranges or known(top) is not None:
                continue
            met.add(top)
            if not isinstance(op, DnnOp) or len(op.results) != 1 or not op.operands:
                return None
            pending += [(top, True), *((operand, False) for operand in op.operands)]
        return order
