"""Winograd's minimal filtering: the matrices of F(m, r), m results of an r-tap filter by m + r - 1 products.

For an input tile d of m + r - 1 elements and a filter g, the results are A^T ((G g) * (B^T d)): the polynomials d and g
are evaluated at points, multiplied there, and the results interpolated (the Toom-Cook construction; Lavin and Gray,
"Fast Algorithms for Convolutional Neural Networks", 2015). In two dimensions each matrix is applied along both axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

Matrix = tuple[tuple[Fraction, ...], ...]
"""Rows of exact numbers"""

POINTS = {
    4: (Fraction(0), Fraction(1), Fraction(-1)),
    6: (Fraction(0), Fraction(2, 3), Fraction(-2, 3), Fraction(3, 2), Fraction(-3, 2)),
}
"""Where polynomials are evaluated, besides infinity, by the size of the tile.

Those for 6 have a third of the largest error of the usual 0, 1, -1, 2, -2 (docs/schedules.md).
"""


@dataclass(frozen=True)
class Winograd:
    """The matrices of F(outputs, taps); `tile` elements of input give `outputs` results."""

    outputs: int
    taps: int
    input: Matrix
    """B^T, tile x tile"""
    weight: Matrix
    """G, tile x taps"""
    output: Matrix
    """A^T, outputs x tile"""

    @property
    def tile(self) -> int:
        return self.outputs + self.taps - 1


def winograd(outputs: int, taps: int) -> Winograd:
    """The matrices of F(outputs, taps), where outputs + taps - 1 is a key of `POINTS`."""
    return from_points(outputs, taps, POINTS[outputs + taps - 1])


def from_points(outputs: int, taps: int, finite: Sequence[Fraction]) -> Winograd:
    """The matrices of F(outputs, taps) from outputs + taps - 2 different points, and infinity."""
    rows = [(*polynomial([q for q in finite if q != p]), Fraction(0)) for p in finite]
    scales = [prod((p - q for q in finite if q != p), start=Fraction(1)) for p in finite]
    return Winograd(
        outputs,
        taps,
        input=(*rows, polynomial(finite)),
        weight=(
            *(tuple(p**k / scale for k in range(taps)) for p, scale in zip(finite, scales, strict=True)),
            unit(taps - 1, taps),
        ),
        output=tuple((*(p**i for p in finite), Fraction(int(i == outputs - 1))) for i in range(outputs)),
    )


def polynomial(roots: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of the product of all (x - root), the constant one first."""
    found = [Fraction(1)]
    for root in roots:
        shifted, scaled = [Fraction(0), *found], [*(c * root for c in found), Fraction(0)]
        found = [a - b for a, b in zip(shifted, scaled, strict=True)]
    return tuple(found)


def unit(place: int, size: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(i == place)) for i in range(size))
