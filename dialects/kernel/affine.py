"""Index expressions on operations: how `Index` values are stored as affine maps, and what is known of their symbols."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, IntAttr, IntegerAttr
from xdsl.ir import BlockArgument, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)
from xdsl.irdl import IRDLOperation
from xdsl.utils.exceptions import VerifyException

from webdnn.support.index import FloorDiv, Index, Range, constant, floordiv, mod, symbol


class AxesOp(IRDLOperation):
    """An operation whose body's first arguments are axes, from 0: as many as its shape has extents."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]: ...


class CountedOp(IRDLOperation):
    """An operation whose result is an index from 0 to a count, if that is known."""

    @property
    @abstractmethod
    def index_count(self) -> int | None: ...


class LoopOp(IRDLOperation):
    """An operation whose body runs again and again; the body's first argument counts from 0."""

    @property
    @abstractmethod
    def trip_count(self) -> int: ...


class BoundOp(IRDLOperation):
    """An operation whose result is an index that may bound a loop, as far as its range is known."""

    @property
    @abstractmethod
    def index_range(self) -> Range | None: ...


@dataclass(frozen=True)
class Lane:
    """The position inside a vector of `count` lanes, while its legality is being decided."""

    count: int


def from_affine(expr: AffineExpr, operands: Sequence[SSAValue], dims: int) -> Index:
    """The normal form of an affine expression whose dimensions and symbols are `operands`."""
    match expr:
        case AffineDimExpr():
            return symbol(operands[expr.position])
        case AffineConstantExpr():
            return constant(expr.value)
        case AffineSymExpr():  # what the parser makes of maps written inline
            return symbol(operands[dims + expr.position])
        case AffineBinaryOpExpr():
            return from_binary(expr, operands, dims)
        case _:
            raise VerifyException(f"the index expression {expr} is not affine")


def from_binary(expr: AffineBinaryOpExpr, operands: Sequence[SSAValue], dims: int) -> Index:
    left, right = from_affine(expr.lhs, operands, dims), from_affine(expr.rhs, operands, dims)
    match expr.kind:
        case AffineBinaryOpKind.Add:
            return left + right
        case AffineBinaryOpKind.Mul if right.is_constant:
            return left * right.constant
        case AffineBinaryOpKind.FloorDiv if right.is_constant and right.constant > 0:
            return floordiv(left, right.constant, range_of)
        case AffineBinaryOpKind.Mod if right.is_constant and right.constant > 0:
            return mod(left, right.constant, range_of)
        case _:
            raise VerifyException(f"the index expression {expr} is none of +, * constant, floordiv and mod")


class MapBuilder:
    """Affine expressions over the symbols met so far."""

    def __init__(self) -> None:
        self.operands: dict[Hashable, AffineExpr] = {}

    def build(self, index: Index) -> AffineExpr:
        terms = dict(index.terms)
        parts = [self.modulo(atom, terms) for atom in list(terms) if self.is_modulo(atom, terms)]
        for atom, coefficient in terms.items():
            expr = self.atom(atom)
            parts.append(expr if coefficient == 1 else expr * coefficient)
        if index.constant or not parts:
            parts.append(AffineExpr.constant(index.constant))
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def atom(self, atom: Hashable) -> AffineExpr:
        if isinstance(atom, FloorDiv):
            return self.build(atom.numerator) // atom.divisor
        return self.operands.setdefault(atom, AffineExpr.dimension(len(self.operands)))

    @staticmethod
    def is_modulo(atom: Hashable, terms: dict[Hashable, int]) -> bool:
        """n - d * (n floordiv d) reads better as n mod d."""
        if not isinstance(atom, FloorDiv) or terms.get(atom) != -atom.divisor or atom.numerator.constant:
            return False
        numerator = atom.numerator.terms
        return len(numerator) == 1 and all(terms.get(a) == c == 1 for a, c in numerator.items())

    def modulo(self, atom: Hashable, terms: dict[Hashable, int]) -> AffineExpr:
        assert isinstance(atom, FloorDiv)
        (inner,) = atom.numerator.terms
        del terms[atom], terms[inner]
        return self.atom(inner) % atom.divisor


def to_affine(exprs: Sequence[Index]) -> tuple[AffineMapAttr, list[SSAValue]]:
    """The map and its operands; every symbol must be an SSA value."""
    builder = MapBuilder()
    results = tuple(builder.build(index) for index in exprs)
    operands = list[SSAValue]()
    for operand in builder.operands:
        assert is_value(operand), f"{operand} cannot be stored in IR"
        operands.append(operand)
    return AffineMapAttr(AffineMap(len(operands), 0, results)), operands


def is_value(symbol: Hashable) -> TypeGuard[SSAValue]:
    return isinstance(symbol, SSAValue)


def range_of(value: Hashable) -> Range | None:
    """What is known of an index: an axis, a loop counter with constant bounds, an invocation id, a clamped value."""
    if isinstance(value, Lane):
        return 0, value.count - 1
    if isinstance(value, BlockArgument):
        parent = value.block.parent_op()
        if isinstance(parent, AxesOp) and value.index < len(parent.shape):
            return 0, parent.shape[value.index] - 1
        if isinstance(parent, LoopOp) and value.index == 0:
            return 0, parent.trip_count - 1
        if isinstance(parent, scf.ForOp) and value.index == 0:
            return counter_range(parent)
    elif is_value(value):
        if isinstance(value.owner, CountedOp):
            count = value.owner.index_count
            return None if count is None else (0, count - 1)
        if isinstance(value.owner, arith.IndexCastOp):
            return clamped_range(value.owner.input)
    return None


def counter_range(loop: scf.ForOp) -> Range | None:
    """Kernel loops count trips, by 1: from 0 to a constant, or over a part of these."""
    low, high = bound_range(loop.lb), bound_range(loop.ub)
    return (low[0], high[1] - 1) if low and high else None


def bound_range(value: SSAValue) -> Range | None:
    if (known := constant_of(value)) is not None:
        return known, known
    return value.owner.index_range if isinstance(value.owner, BoundOp) else None


def clamped_range(value: SSAValue) -> Range | None:
    """min(max(x, low), high) lies in low .. high."""
    upper = value.owner
    if not isinstance(upper, arith.MinSIOp) or (high := constant_of(upper.rhs)) is None:
        return None
    lower = upper.lhs.owner
    if not isinstance(lower, arith.MaxSIOp) or (low := constant_of(lower.rhs)) is None:
        return None
    return (low, high) if low <= high else None


def constant_of(value: SSAValue) -> int | None:
    """The integer that a constant operation gives."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    return None


def ints(values: Sequence[int]) -> ArrayAttr[IntAttr]:
    return ArrayAttr([IntAttr(v) for v in values])
