"""Index expressions as values: sums built up from the outermost loop inwards, each part made once, where it is known.

After this an expression is linear in its operands, or one division whose numerator is never negative: every language
spells those alike.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.affine import is_value, range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import FloorDiv, Index, Range, symbol


@dataclass(frozen=True)
class Place:
    """A position in a block that encloses the operation at work: new operations go before `anchor`."""

    block: Block
    anchor: Operation


def places(op: Operation) -> list[Place]:
    """The blocks around an operation, outermost first, up to the function's body."""
    found: list[Place] = []
    at: Operation | None = op
    while at is not None and at.parent is not None and at.name != "kernel.func":
        found.append(Place(at.parent, at))
        at = at.parent.parent_op()
    return found[::-1]


@dataclass
class IndexLowering:
    """The indices of one function. `made` holds the values that are there already, by block and meaning."""

    made: dict[Hashable, SSAValue] = field(default_factory=dict[Hashable, SSAValue])
    ranges: dict[SSAValue, Range] = field(default_factory=dict[SSAValue, Range])
    own: set[Operation] = field(default_factory=set[Operation])

    def range_of(self, value: Hashable) -> Range | None:
        if is_value(value) and value in self.ranges:
            return self.ranges[value]
        return range_of(value)

    def value(self, expr: Index, op: Operation) -> SSAValue:
        """The value of an expression, known before `op`."""
        around = places(op)
        total: SSAValue | None = None
        for depth, place in enumerate(around):
            here = Index(0, {a: c for a, c in expr.terms.items() if self.depth(a, around) == depth})
            if here.is_constant:
                continue
            part = Index(0, {self.atom(a, place): c for a, c in here.terms.items()})
            total = self.make(part + symbol(total) if total else part, place)
        if total is None:
            return self.constant(expr.constant, around[-1])
        return self.make(symbol(total) + expr.constant, around[-1])

    def depth(self, atom: Hashable, around: list[Place]) -> int:
        """The innermost of the blocks in which a symbol of the atom is defined."""
        symbols = atom.numerator.symbols if isinstance(atom, FloorDiv) else {atom}
        blocks = [place.block for place in around]
        return max(blocks.index(block_of(s)) for s in symbols)

    def atom(self, atom: Hashable, place: Place) -> SSAValue:
        if isinstance(atom, FloorDiv):
            return self.quotient(atom.numerator, atom.divisor, place)
        assert is_value(atom)
        return atom

    def quotient(self, numerator: Index, divisor: int, place: Place) -> SSAValue:
        """n floordiv d as (n + k·d) floordiv d - k, with k such that n + k·d >= 0; by signs where n has no bound."""
        span = numerator.bounds(self.range_of)
        if span is None:
            return self.signed_quotient(self.value(numerator, place.anchor), divisor, place)
        turns = max(0, -(span[0] // divisor))
        shifted = self.value(numerator + turns * divisor, place.anchor)
        self.ranges.setdefault(shifted, (span[0] + turns * divisor, span[1] + turns * divisor))
        result = self.make(Index(0, {FloorDiv(symbol(shifted), divisor): 1}), place)
        return self.make(symbol(result) - turns, place)

    def signed_quotient(self, numerator: SSAValue, divisor: int, place: Place) -> SSAValue:
        """The quotient towards zero, less one where the remainder is negative."""
        by, one, zero = (self.constant(v, place) for v in (divisor, 1, 0))
        quotient = self.insert(arith.DivSIOp(numerator, by), place)
        rest = self.insert(arith.SubiOp(numerator, self.insert(arith.MuliOp(quotient, by), place)), place)
        less = self.insert(arith.SubiOp(quotient, one), place)
        return self.insert(arith.SelectOp(self.insert(arith.CmpiOp(rest, zero, "slt"), place), less, quotient), place)

    def make(self, expr: Index, place: Place) -> SSAValue:
        if expr.constant == 0 and len(expr.terms) == 1:
            ((atom, coefficient),) = expr.terms.items()
            if coefficient == 1 and is_value(atom):
                return atom
        key = (place.block, expr)
        if key not in self.made:
            new = IndexOp(expr)
            self.own.add(new)
            self.made[key] = self.insert(new, place)
        return self.made[key]

    def constant(self, value: int, place: Place) -> SSAValue:
        key = (place.block, value)
        if key not in self.made:
            self.made[key] = self.insert(arith.ConstantOp(IntegerAttr(value, INDEX)), place)
        return self.made[key]

    @staticmethod
    def insert(op: Operation, place: Place) -> SSAValue:
        Rewriter.insert_op(op, InsertPoint.before(place.anchor))
        return op.results[0]


def block_of(value: Hashable) -> Block:
    assert is_value(value)
    if isinstance(value.owner, Block):
        return value.owner
    block = value.owner.parent
    assert block is not None
    return block
