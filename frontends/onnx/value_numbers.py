"""Which values are computed alike: equal numbers for equal operators on equal values, counts followed through shapes.

A count goes through tensors of shapes on its way: it is cast, joined with other extents, and cut out again. The
elements of such small tensors are followed one by one, so that what comes out is known to be the count that went in.
Sums and products of counts are polynomials, which are equal however they were computed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ConcatOp, ReshapeOp, SliceOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.polynomial import Polynomial

FEW = 64
"""The most elements of a tensor that are followed"""

Elements = Sequence[Hashable]
"""What each element of a tensor of integers is: a constant, a key of how it is computed, or a polynomial of keys"""

ARITHMETIC: Mapping[type[Operation], Callable[[Polynomial, Polynomial], Polynomial | None]] = {
    dnn.AddOp: Polynomial.__add__,
    dnn.DivOp: Polynomial.divided_by,
    dnn.MulOp: Polynomial.__mul__,
    dnn.SubOp: Polynomial.__sub__,
}
"""What is computed of extents, as polynomials"""

EXTREMES = (dnn.MaxOp, dnn.MinOp)
"""What else is computed of extents"""

FOLLOWED = (*ARITHMETIC, *EXTREMES)


@dataclass
class ValueNumbers:
    """The numbers of the values of one import.

    `ranges` says of keys of elements how small and how large they can be, which none below zero can.
    """

    numbers: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    elements: dict[SSAValue, Elements] = field(default_factory=dict[SSAValue, Elements])
    keys: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    ranges: dict[Hashable, tuple[int, int]] = field(default_factory=dict[Hashable, tuple[int, int]])

    def same(self, a: SSAValue, b: SSAValue) -> bool:
        """Are two values computed alike from the same values?"""
        return a is b or self.number(a) == self.number(b)

    def number(self, value: SSAValue) -> int:
        """The number of a value; what it is computed from is numbered first."""
        pending = [value]
        while pending:
            top = pending[-1]
            unknown = [o for o in operands_of(top) if o not in self.numbers]
            if unknown and top not in self.numbers:
                pending += unknown
                continue
            pending.pop()
            if top not in self.numbers:
                self.enter(top)
        return self.numbers[value]

    def enter(self, value: SSAValue) -> None:
        """Number a value whose operands have their numbers."""
        if (elements := self.followed(value)) is None:
            number = self.numbers[value] = self.interned(self.described(value))
            if not is_few(value):
                return
            elements = [(number, i) for i in range(prod(shape_of(value)))]
        self.elements[value] = elements
        self.numbers[value] = self.interned((shape_of(value), tuple(elements)))

    def described(self, value: SSAValue) -> Hashable:
        """How a value is computed, from numbers of values."""
        owner = value.owner
        if not isinstance(owner, Operation):
            return value
        operands = tuple(self.numbers[o] for o in owner.operands)
        properties = tuple(sorted((name, str(p)) for name, p in owner.properties.items()))
        return owner.name, properties, tuple(owner.result_types), operands, owner.results.index(value)

    def interned(self, key: Hashable) -> int:
        return self.keys.setdefault(key, len(self.keys))

    def followed(self, value: SSAValue) -> Elements | None:
        """The elements of a few integers that are only moved, or of which sums and the like are computed."""
        if not is_few(value):
            return None
        if (array := known(value)) is not None:
            return [int(v) for v in array.reshape(-1).tolist()]
        op = value.owner
        if not isinstance(op, Operation):
            return None
        chosen = known(op.condition) if isinstance(op, dnn.WhereOp) else None
        parts = [self.elements.get(operand) for operand in (op.operands if chosen is None else op.operands[1:])]
        given = [part for part in parts if part is not None]
        if len(given) < len(parts):
            return None
        match op:
            case CastOp() | ReshapeOp():
                return given[0]
            case ConcatOp() if len(shape_of(value)) == 1:
                return [element for part in given for element in part]
            case SliceOp() if len(shape_of(value)) == 1:
                (start,), (size,), (step,) = (a.get_values() for a in (op.starts, op.sizes, op.steps))
                return [given[0][start + step * i] for i in range(size)]
            case GatherOp() if len(shape_of(op.input)) == 1 and (places := known(op.indices)) is not None:
                return [given[0][int(place)] for place in places.reshape(-1)]
            case dnn.WhereOp() if chosen is not None and chosen.shape == shape_of(value):
                yes, no = (repeated(part, prod(shape_of(value))) for part in given)
                return [a if c else b for c, a, b in zip(chosen.reshape(-1), yes, no, strict=True)]
            case _ if isinstance(op, FOLLOWED) and {len(part) for part in given} <= {1, prod(shape_of(value))}:
                pairs = zip(*(repeated(part, prod(shape_of(value))) for part in given), strict=True)
                return [self.computed(type(op), a, b) for a, b in pairs]
            case _:
                return None

    def computed(self, kind: type[Operation], a: Hashable, b: Hashable) -> Hashable:
        """What an operator gives on two elements."""
        if kind in EXTREMES:
            least, most = self.bounds(Polynomial.of(a) - Polynomial.of(b)) or (-1, 1)
            if least >= 0 or most <= 0:
                return a if (least >= 0) == (kind is dnn.MaxOp) else b
            return self.interned((kind.name, *sorted((a, b), key=repr))), 0
        found = ARITHMETIC[kind](Polynomial.of(a), Polynomial.of(b))
        return (self.interned((kind.name, a, b)), 0) if found is None else found.simplest

    def bounds(self, size: Polynomial) -> tuple[int, int] | None:
        """The least and the greatest that it can be, where the ranges of all unknowns are known."""
        return size.bounds(self.ranges.__getitem__) if size.unknowns <= self.ranges.keys() else None

    def element(self, value: SSAValue) -> Polynomial:
        """The only element of an integer that is followed."""
        self.number(value)
        (element,) = self.elements[value]
        return Polynomial.of(element)


def operands_of(value: SSAValue) -> Sequence[SSAValue]:
    return () if isinstance(value.owner, Block) else value.owner.operands


def is_few(value: SSAValue) -> bool:
    """Is it a tensor of integers with elements that are worth following?"""
    return element_type(value.type).is_integer and 0 < prod(shape_of(value)) <= FEW


def repeated(elements: Elements, count: int) -> Elements:
    return [*elements] * (count // len(elements))
