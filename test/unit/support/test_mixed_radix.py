"""Digits put together again are the index, and each stays within its extent."""

from collections.abc import Hashable, Sequence
from itertools import product
from math import prod

import pytest

from webdnn.support.index import ZERO, Index, Range, floordiv, mod, symbol
from webdnn.support.mixed_radix import digits_of

EXTENTS = {"h": 3, "d": 8, "y": 6, "k": 2}


def range_of(name: Hashable) -> Range | None:
    return (0, EXTENTS[name] - 1) if isinstance(name, str) else None


h, d, y, k = map(symbol, EXTENTS)


@pytest.mark.parametrize(
    ("index", "extent", "extents"),
    [
        (h, 3, [3]),
        (ZERO, 5, [5]),
        (h * 8 + d, 24, [3, 8]),
        (h * 10 + d, 30, [3, 10]),
        (mod(y, 2, range_of), 2, [2]),
        (k * 2 + mod(y + 1, 2, range_of), 4, [2, 2]),
        (k * 2 + mod(y + 1, 2, range_of), 3, [2, 2]),
        (floordiv(y, 2, range_of) * 8 + d, 24, [3, 8]),
    ],
)
def test_digits(index: Index, extent: int, extents: Sequence[int]) -> None:
    digits = digits_of(index, extent, range_of)
    assert digits is not None
    assert [digit.extent for digit in digits] == list(extents)
    for values in product(*(range(n) for n in EXTENTS.values())):
        known: dict[Hashable, int] = dict(zip(EXTENTS, values, strict=True))
        found = [digit.value.evaluate(known) for digit in digits]
        assert all(0 <= value < digit.extent for value, digit in zip(found, digits, strict=True))
        place = 0
        for value, digit in zip(found, digits, strict=True):
            place = place * digit.extent + value
        assert place == index.evaluate(known)
    assert prod(digit.extent for digit in digits) >= extent


@pytest.mark.parametrize("index", [h * 4 + d, h * 2, y - 1, h * -1 + 2, h * 12 + y * 5 + k])
def test_no_digits(index: Index) -> None:
    assert digits_of(index, 24, range_of) is None
