"""Winograd's minimal filtering: the matrices that give several results of a filter from few products.

For a window d of the input and a filter g, the results are A^T ((G g) * (B^T d)): the polynomials d and g are evaluated
at points, multiplied there, and the results interpolated (the Toom-Cook construction; Lavin and Gray, "Fast Algorithms
for Convolutional Neural Networks", 2015). F(m, r) gives m results of r taps by m + r - 1 products. A filter that moves
by s elements is the sum of s filters that move by one, each with every s-th tap on every s-th element, so that
F(m, 2) and F(m, 1) side by side are three taps with stride 2, by 2 m + 1 products in place of 3 m. Along several axes
the matrices of each are applied in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

Matrix = tuple[tuple[Fraction, ...], ...]
"""Rows of exact numbers"""

POINTS = {
    3: (Fraction(0), Fraction(1)),
    4: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(1, 2), Fraction(-1, 2), Fraction(3, 2), Fraction(-3, 2)),
    6: (Fraction(0), Fraction(2, 3), Fraction(-2, 3), Fraction(3, 2), Fraction(-3, 2)),
}
"""Where polynomials are evaluated, besides infinity, by how many products that gives.

Those for 5 have half, and those for 6 a third, of the error of the usual 0, 1, -1, 2, -2 (docs/design.md).
"""


@dataclass(frozen=True)
class Winograd:
    """An algorithm for `outputs` results, `stride` elements of the input apart, of a filter with `taps` taps."""

    outputs: int
    taps: int
    stride: int
    input: Matrix
    """B^T, products x window"""
    weight: Matrix
    """G, products x taps"""
    output: Matrix
    """A^T, outputs x products"""

    @property
    def products(self) -> int:
        return len(self.weight)

    @property
    def step(self) -> int:
        """How many elements of the input lie between the first of a window and the first of the next."""
        return self.outputs * self.stride


def winograd(outputs: int, taps: int, stride: int = 1) -> Winograd:
    """The algorithm for so many results, where `evaluations` is 1 or a key of `POINTS`."""
    window = (outputs - 1) * stride + taps
    phases = [interpolation(outputs, len(range(q, taps, stride))) for q in range(min(stride, taps))]
    spread = [(phase, q) for q, phase in enumerate(phases)]
    return Winograd(
        outputs,
        taps,
        stride,
        input=tuple(every(row, q, stride, window) for phase, q in spread for row in phase.input),
        weight=tuple(every(row, q, stride, taps) for phase, q in spread for row in phase.weight),
        output=tuple(tuple(v for phase in phases for v in phase.output[i]) for i in range(outputs)),
    )


def evaluations(outputs: int, taps: int, stride: int = 1) -> int:
    """At how many points a polynomial is evaluated: 1 where each product is one of an element and a tap."""
    most = -(-taps // stride)
    return 1 if outputs == 1 or most == 1 else outputs + most - 1


def interpolation(outputs: int, taps: int) -> Winograd:
    """F(outputs, taps), which is the sum itself for one result or one tap."""
    if evaluations(outputs, taps) > 1:
        return from_points(outputs, taps, POINTS[outputs + taps - 1])
    identity, ones = units(outputs * taps), (Fraction(1),) * (outputs * taps)
    rows = tuple((one,) for one in ones)
    return Winograd(outputs, taps, 1, identity, *((identity, (ones,)) if outputs == 1 else (rows, identity)))


def from_points(outputs: int, taps: int, finite: Sequence[Fraction]) -> Winograd:
    """The matrices of F(outputs, taps) from outputs + taps - 2 different points, and infinity."""
    rows = [(*polynomial([q for q in finite if q != p]), Fraction(0)) for p in finite]
    scales = [prod((p - q for q in finite if q != p), start=Fraction(1)) for p in finite]
    return Winograd(
        outputs,
        taps,
        1,
        input=(*rows, polynomial(finite)),
        weight=(
            *(tuple(p**k / scale for k in range(taps)) for p, scale in zip(finite, scales, strict=True)),
            units(taps)[-1],
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


def every(row: Sequence[Fraction], first: int, step: int, size: int) -> tuple[Fraction, ...]:
    """A row of `size` elements, 0 but for those of `row`, `step` apart."""
    wide = [Fraction(0)] * size
    wide[first : first + step * len(row) : step] = row
    return tuple(wide)


def units(size: int) -> Matrix:
    """The identity."""
    return tuple(tuple(Fraction(int(i == k)) for i in range(size)) for k in range(size))
