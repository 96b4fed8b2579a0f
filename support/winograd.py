"""Winograd's minimal filtering: the matrices that give several results of a filter from few products.

For a window d of the input and a filter g, the results are A^T ((G g) * (B^T d)): the polynomials d and g are evaluated
at points, multiplied there, and the results interpolated (the Toom-Cook construction; Lavin and Gray, "Fast Algorithms
for Convolutional Neural Networks", 2015). F(m, r) gives m results of r taps by m + r - 1 products. A filter that moves
by s elements is the sum of s filters that move by one, each with every s-th tap on every s-th element, so that
F(m, 2) and F(m, 1) side by side are three taps with stride 2, by 2 m + 1 products in place of 3 m. A transposed one has
such a filter for each phase of its results. Along several axes the matrices of each are applied in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import accumulate
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
    """An algorithm for `outputs` neighbouring results of a filter, from a window of the input."""

    outputs: int
    step: int
    """How many elements of the input lie between the first of a window and the first of the next"""
    input: Matrix
    """B^T, products x window"""
    weight: Matrix
    """G, products x taps"""
    output: Matrix
    """A^T, outputs x products"""

    @property
    def products(self) -> int:
        return len(self.weight)


@cache
def winograd(outputs: int, taps: int, stride: int = 1) -> Winograd:
    """The algorithm for so many results, `stride` apart, where `evaluations` is 1 or a key of `POINTS`.

    Result i is the sum over k of d[i·stride + k]·g[k]: a filter for each phase of the taps, all added up.
    """
    window = (outputs - 1) * stride + taps
    phases = [interpolation(outputs, len(range(q, taps, stride))) for q in range(min(stride, taps))]
    return Winograd(
        outputs,
        outputs * stride,
        input=tuple(every(row, q, stride, window) for q, phase in enumerate(phases) for row in phase.input),
        weight=tuple(every(row, q, stride, taps) for q, phase in enumerate(phases) for row in phase.weight),
        output=tuple(tuple(v for phase in phases for v in phase.output[i]) for i in range(outputs)),
    )


@cache
def transposed(outputs: int, taps: int, stride: int, shift: int = 0) -> Winograd:
    """The algorithm for the transposed filter, for so many results of each phase of them: outputs·stride in all.

    Result p is the sum over i and k, with i·stride + k = p + shift + (most - 1)·stride, of d[i]·g[k]; at most `most`
    elements reach a result, and `shift` < `stride`. A phase of results is a filter turned round.
    """
    most, counts = -(-taps // stride), [len(range(q, taps, stride)) for q in range(stride)]
    known = {q: interpolation(outputs, count) for q, count in enumerate(counts) if count}
    window, products = outputs + most - (shift == 0), sum(len(phase.weight) for phase in known.values())
    begin = accumulate((len(phase.weight) for phase in known.values()), initial=0)
    starts = dict(zip(known, begin, strict=False))

    def result(place: int) -> tuple[Fraction, ...]:
        row, q = divmod(place, stride)
        phase = known.get(q)
        return every(phase.output[row - (q < shift)] if phase else (), starts.get(q, 0), 1, products)

    return Winograd(
        outputs * stride,
        outputs,
        input=tuple(
            every(row, most - counts[q] + (q < shift), 1, window) for q, phase in known.items() for row in phase.input
        ),
        weight=tuple(every(row[::-1], q, stride, taps) for q, phase in known.items() for row in phase.weight),
        output=tuple(result(place + shift) for place in range(outputs * stride)),
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
    return Winograd(outputs, outputs, identity, *((identity, (ones,)) if outputs == 1 else (rows, identity)))


def from_points(outputs: int, taps: int, finite: Sequence[Fraction]) -> Winograd:
    """The matrices of F(outputs, taps) from outputs + taps - 2 different points, and infinity."""
    rows = [(*polynomial([q for q in finite if q != p]), Fraction(0)) for p in finite]
    scales = [prod((p - q for q in finite if q != p), start=Fraction(1)) for p in finite]
    return Winograd(
        outputs,
        outputs,
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
