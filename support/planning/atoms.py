"""Atoms of a reshape: the axes that both of its sides are made of, so that the reshape only renames."""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from operator import mul


@dataclass(frozen=True)
class Refinement:
    """The extents of the atoms, outermost first, and the atoms (by position) of each axis of both shapes.

    An axis of extent 1 has no atoms.
    """

    extents: tuple[int, ...]
    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]


def common_refinement(before: tuple[int, ...], after: tuple[int, ...]) -> Refinement | None:
    """The coarsest atoms of which the axes of both shapes are products; None where there are none.

    (128, 384) -> (128, 12, 32) has the atoms 128, 12, 32, while (6, 4) -> (4, 6) has none: such a reshape wants
    row-major storage. Raises a ValueError where the shapes differ in their number of elements.
    """
    if prod(before) != prod(after):
        raise ValueError(f"{before} and {after} differ in their number of elements")
    if 0 in before:
        return None
    strides = [_strides(shape) for shape in (before, after)]
    edges = sorted({*strides[0], *strides[1]}, reverse=True)  # each atom lies between two of these
    if any(outer % inner for outer, inner in pairwise(edges)):
        return None
    names = [
        tuple(tuple(i for i, e in enumerate(edges[1:]) if low <= e < high) for high, low in pairwise(found))
        for found in strides
    ]
    return Refinement(tuple(outer // inner for outer, inner in pairwise(edges)), *names)


def _strides(shape: tuple[int, ...]) -> list[int]:
    """The number of elements, and then each axis's stride in a row-major tensor."""
    return list(accumulate(reversed(shape), mul, initial=1))[::-1]
