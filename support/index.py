"""Integer index expressions: sums of symbols and floor-divisions, always in one normal form.

`a mod c` is stored as `a - c * (a floordiv c)`, so a split or collapsed axis that is put together again
(`64 * (t floordiv 64) + t mod 64`) cancels by addition alone. A symbol is any hashable thing; passes use SSA values.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import TypeVar

Range = tuple[int, int]
"""The least and the greatest value, both included."""

RangeOf = Callable[[Hashable], Range | None]
"""What is known of a symbol."""


SymbolT = TypeVar("SymbolT", bound=Hashable)


@dataclass(frozen=True)
class FloorDiv:
    """`numerator floordiv divisor`, rounded towards minus infinity."""

    numerator: Index
    divisor: int

    def remainder_in(self, terms: Mapping[Hashable, int]) -> int | None:
        """How many times a sum of terms contains `numerator mod divisor`, which is numerator - divisor * self."""
        times, rest = divmod(-terms.get(self, 0), self.divisor)
        if rest or not times or not self.numerator.terms:
            return None
        found = all(terms.get(a) == c * times for a, c in self.numerator.terms.items())
        return times if found else None

    def digit_in(self, terms: Mapping[Hashable, int]) -> tuple[FloorDiv, int] | None:
        """The finer quotient that a sum of terms contains modulo the ratio of both divisors, and how many times.

        `n floordiv 4 - 8 * (n floordiv 32)` is `(n floordiv 4) mod 8`.
        """
        for atom, times in terms.items():
            if isinstance(atom, FloorDiv) and atom.numerator == self.numerator and self.divisor > atom.divisor:
                ratio, rest = divmod(self.divisor, atom.divisor)
                if not rest and terms.get(self) == -ratio * times:
                    return atom, times
        return None


@dataclass(frozen=True, eq=False)
class Index:
    """`constant + sum(coefficient * atom)`, where an atom is a symbol or a `FloorDiv`; no coefficient is zero."""

    constant: int
    terms: Mapping[Hashable, int]

    @cached_property
    def key(self) -> tuple[int, frozenset[tuple[Hashable, int]]]:
        return self.constant, frozenset(self.terms.items())

    @cached_property
    def hash(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self.key == other.key

    def __hash__(self) -> int:
        return self.hash

    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return Index(self.constant + other, self.terms)
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + coefficient
            if total:
                terms[atom] = total
            else:
                del terms[atom]
        return Index(self.constant + other.constant, terms)

    def __sub__(self, other: Index | int) -> Index:
        return self + (-other if isinstance(other, int) else other * -1)

    def __mul__(self, factor: int) -> Index:
        if factor == 0:
            return Index(0, {})
        return Index(self.constant * factor, {a: c * factor for a, c in self.terms.items()})

    @property
    def is_constant(self) -> bool:
        return not self.terms

    @cached_property
    def symbols(self) -> frozenset[Hashable]:
        """Every symbol that occurs, also inside divisions."""
        found: set[Hashable] = set()
        for atom in self.terms:
            found |= atom.numerator.symbols if isinstance(atom, FloorDiv) else {atom}
        return frozenset(found)

    @cached_property
    def divided(self) -> frozenset[Hashable]:
        """The symbols that occur inside a division."""
        found: set[Hashable] = set()
        for atom in self.terms:
            if isinstance(atom, FloorDiv):
                found |= atom.numerator.symbols
        return frozenset(found)

    def coefficient(self, symbol: Hashable) -> int | None:
        """How much the value grows with the symbol, or None where a division hides it."""
        return None if symbol in self.divided else self.terms.get(symbol, 0)

    def bounds(self, range_of: RangeOf) -> Range | None:
        """An interval that holds every value: interval arithmetic, in which n mod d is known to lie in 0 .. d - 1.

        None where a symbol is unknown.
        """
        low = high = self.constant
        terms = dict(self.terms)
        for atom in [a for a in terms if isinstance(a, FloorDiv)]:
            if (digit := atom.digit_in(terms)) is not None:
                finer, times = digit
                ends = 0, (atom.divisor // finer.divisor - 1) * times
                low, high = low + min(ends), high + max(ends)
                del terms[atom], terms[finer]
                continue
            if (remainder := atom.remainder_in(terms)) is None:
                continue
            for inner, coefficient in atom.numerator.terms.items():
                terms[inner] -= coefficient * remainder
            del terms[atom]
            start = low - atom.numerator.constant * remainder, high - atom.numerator.constant * remainder
            ends = 0, (atom.divisor - 1) * remainder
            low, high = start[0] + min(ends), start[1] + max(ends)
        for atom, coefficient in terms.items():
            if not coefficient:
                continue
            if isinstance(atom, FloorDiv):
                inner_span = atom.numerator.bounds(range_of)
                span = inner_span and (inner_span[0] // atom.divisor, inner_span[1] // atom.divisor)
            else:
                span = range_of(atom)
            if span is None:
                return None
            ends = span[0] * coefficient, span[1] * coefficient
            low, high = low + min(ends), high + max(ends)
        return low, high

    def evaluate(self, values: Mapping[Hashable, int]) -> int:
        """The value, given one for every symbol."""
        total = self.constant
        for atom, coefficient in self.terms.items():
            if isinstance(atom, FloorDiv):
                total += coefficient * (atom.numerator.evaluate(values) // atom.divisor)
            else:
                total += coefficient * values[atom]
        return total


ZERO = Index(0, {})


def symbol(name: Hashable) -> Index:
    return Index(0, {name: 1})


def constant(value: int) -> Index:
    return Index(value, {})


def floordiv(value: Index, divisor: int, range_of: RangeOf) -> Index:
    """`value floordiv divisor`, with every multiple of the divisor taken out of the division."""
    if divisor == 1:
        return value
    whole = Index(value.constant // divisor, {a: c // divisor for a, c in value.terms.items() if c % divisor == 0})
    rest = Index(value.constant % divisor, {a: c for a, c in value.terms.items() if c % divisor})
    span = rest.bounds(range_of)
    if span and span[0] // divisor == span[1] // divisor:
        return whole + span[0] // divisor
    if (coarser := coarsened(rest, divisor, range_of)) is not None:
        return whole + floordiv(*coarser, range_of)
    if rest.constant == 0 and len(rest.terms) == 1:
        ((atom, coefficient),) = rest.terms.items()
        if isinstance(atom, FloorDiv) and coefficient == 1:
            return whole + floordiv(atom.numerator, atom.divisor * divisor, range_of)
    return whole + Index(0, {FloorDiv(rest, divisor): 1})


def coarsened(value: Index, divisor: int, range_of: RangeOf) -> tuple[Index, int] | None:
    """(g·A + B) floordiv (g·d) -> A floordiv d, when 0 <= B < g."""
    grains = {gcd(c, divisor) for c in value.terms.values()} - {1}
    for grain in sorted(grains, reverse=True):
        fine = Index(value.constant % grain, {a: c for a, c in value.terms.items() if c % grain})
        span = fine.bounds(range_of)
        if span and span[0] >= 0 and span[1] < grain:
            coarse = {a: c // grain for a, c in value.terms.items() if c % grain == 0}
            return Index(value.constant // grain, coarse), divisor // grain
    return None


def mod(value: Index, divisor: int, range_of: RangeOf) -> Index:
    return value - floordiv(value, divisor, range_of) * divisor


def substitute(value: Index, by: Mapping[SymbolT, Index], range_of: RangeOf) -> Index:
    """Replace symbols, and bring the result back to normal form."""
    known: dict[Hashable, Index] = {**by}
    if known.keys().isdisjoint(value.symbols):
        return value
    constant, terms = value.constant, dict[Hashable, int]()
    for atom, coefficient in value.terms.items():
        if isinstance(atom, FloorDiv):
            if atom.numerator.symbols.isdisjoint(known):
                new = Index(0, {atom: 1})
            else:
                new = floordiv(substitute(atom.numerator, known, range_of), atom.divisor, range_of)
        elif (new := known.get(atom)) is None:
            new = Index(0, {atom: 1})
        constant += new.constant * coefficient
        for inner, times in new.terms.items():
            terms[inner] = terms.get(inner, 0) + times * coefficient
    return Index(constant, {atom: c for atom, c in terms.items() if c})


def linearize(indices: Sequence[Index], shape: Sequence[int]) -> Index:
    """The row-major position of an element."""
    result = ZERO
    for index, extent in zip(indices, shape, strict=True):
        result = result * extent + index
    return result


def delinearize(position: Index, shape: Sequence[int], range_of: RangeOf) -> list[Index]:
    """The indices of the element at a row-major position."""
    indices: list[Index] = []
    for extent in reversed(shape[1:]):
        indices.append(mod(position, extent, range_of))
        position = floordiv(position, extent, range_of)
    return [*reversed([*indices, position])] if shape else []


def stays_inside(indices: Sequence[Index], extents: Sequence[int], range_of: RangeOf) -> bool:
    """Is every index proven to lie in 0 <= index < extent?"""
    for index, extent in zip(indices, extents, strict=True):
        span = index.bounds(range_of)
        if span is None or span[0] < 0 or span[1] >= extent:
            return False
    return True
