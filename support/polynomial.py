"""Polynomials with whole coefficients: extents as sums of products of sizes, which are equal where their terms are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import reduce

Monomial = tuple[Hashable, ...]
"""The unknowns that are multiplied, in order; each as often as it is a factor"""


@dataclass(frozen=True)
class Polynomial:
    """A sum of monomials, each with a coefficient that is not zero; in order, so that equal ones are the same."""

    terms: tuple[tuple[Monomial, int], ...] = ()

    @classmethod
    def of(cls, value: Hashable) -> Polynomial:
        """An integer, an unknown, or a polynomial as it is."""
        if isinstance(value, Polynomial):
            return value
        return summed([((), value)]) if isinstance(value, int) else summed([((value,), 1)])

    @property
    def simplest(self) -> Hashable:
        """The integer or the unknown that the polynomial is, if it is one."""
        match self.terms:
            case ():
                return 0
            case (((), coefficient),):
                return coefficient
            case (((unknown,), 1),):
                return unknown
            case _:
                return self

    def __add__(self, other: Polynomial) -> Polynomial:
        return summed([*self.terms, *other.terms])

    def __sub__(self, other: Polynomial) -> Polynomial:
        return summed([*self.terms, *((monomial, -c) for monomial, c in other.terms)])

    def __mul__(self, other: Polynomial) -> Polynomial:
        return summed([((*a, *b), m * n) for a, m in self.terms for b, n in other.terms])

    def divided_by(self, other: Polynomial) -> Polynomial | None:
        """The quotient, where the divisor is one monomial that divides every term; else None."""
        if len(other.terms) != 1:
            return None
        ((divisor, c),), found = other.terms, list[tuple[Monomial, int]]()
        for monomial, coefficient in self.terms:
            rest = list(monomial)
            for unknown in divisor:
                if unknown not in rest:
                    return None
                rest.remove(unknown)
            if coefficient % c:
                return None
            found.append((tuple(rest), coefficient // c))
        return summed(found)

    def bounds(self, range_of: Callable[[Hashable], tuple[int, int]]) -> tuple[int, int]:
        """The least and the greatest that it can be; unknowns are not negative, and have the given ranges."""
        least = most = 0
        for monomial, c in self.terms:
            low, high = (reduce(int.__mul__, (range_of(u)[end] for u in monomial), c) for end in (0, 1))
            least, most = least + min(low, high), most + max(low, high)
        return least, most

    @property
    def unknowns(self) -> frozenset[Hashable]:
        return frozenset(unknown for monomial, _ in self.terms for unknown in monomial)


def summed(terms: Iterable[tuple[Monomial, int]]) -> Polynomial:
    """The polynomial of these terms, in any order; those of one monomial are added up."""
    found = dict[Monomial, int]()
    for monomial, coefficient in terms:
        ordered = tuple(sorted(monomial, key=repr))
        found[ordered] = found.get(ordered, 0) + coefficient
    return Polynomial(tuple(sorted(((m, c) for m, c in found.items() if c), key=repr)))
