"""Index expressions as numbers with digits: `head * 32 + d` has the digits head and d, the latter of 32 values.

A dimension of an array that is indexed so may be viewed as one dimension for each digit.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import gcd

from webdnn.support.index import FloorDiv, Index, RangeOf


@dataclass(frozen=True)
class Digit:
    """A part of an index that runs over 0 <= value < extent, and how much the index grows with it."""

    value: Index
    weight: int
    extent: int


def digits_of(index: Index, extent: int, range_of: RangeOf) -> tuple[Digit, ...] | None:
    """The digits of an index into a dimension, the slowest first; None where it is no such number.

    Symbols that no division holds are digits of their own; all else together is one. The slowest digit's extent is
    rounded up, so that the product of all may exceed the dimension's.
    """
    parts = parts_of(index)
    if parts is None:
        return None
    found: list[Digit] = []
    for part, weight in sorted(parts, key=lambda p: p[1]):
        span = part.bounds(range_of)
        if span is None or span[0] < 0:
            return None
        expected = found[-1].weight * found[-1].extent if found else 1
        if found and weight > expected:  # the digit before has room for values that it does not take
            if weight % found[-1].weight:
                return None
            found[-1] = Digit(found[-1].value, found[-1].weight, weight // found[-1].weight)
        elif weight != expected:
            return None
        found.append(Digit(part, weight, span[1] + 1))
    if not found:
        return (Digit(index, 1, extent),)
    slowest = found[-1]
    found[-1] = Digit(slowest.value, slowest.weight, max(slowest.extent, -(-extent // slowest.weight)))
    return tuple(reversed(found))


def parts_of(index: Index) -> list[tuple[Index, int]] | None:
    """Expressions and the factors with which the index adds them."""
    if not index.terms:
        return []
    held = {atom: c for atom, c in index.terms.items() if isinstance(atom, FloorDiv) or atom in index.divided}
    parts = [(Index(0, {atom: 1}), c) for atom, c in index.terms.items() if atom not in held]
    if held or index.constant:
        parts.append(with_common_factor(held, index.constant))
    return None if any(weight <= 0 for _, weight in parts) else parts


def with_common_factor(terms: dict[Hashable, int], constant: int) -> tuple[Index, int]:
    """A sum as an expression times the greatest common divisor of its coefficients."""
    factor = gcd(constant, *terms.values())
    return Index(constant // factor, {atom: c // factor for atom, c in terms.items()}), factor
