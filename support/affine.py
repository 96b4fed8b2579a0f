"""Affine maps of tensors, x * scale + bias element by element: composition, how they move, and what rounds too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""In f64 for all floats; integers keep their type, in which they wrap."""

FRACTION = 2
"""Bits of a fraction that have to be left where something is added."""


DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
"""Binary digits of a float's significand, by the names of dtypes."""


@dataclass(frozen=True)
class Affine:
    """`x * scale + bias`; both arrays have the rank of x, and its extents or 1."""

    scale: Array
    bias: Array

    @property
    def scales(self) -> bool:
        return bool((self.scale != 1).any())

    @property
    def shifts(self) -> bool:
        return bool((self.bias != 0).any())

    def then(self, other: Affine) -> Affine:
        """This map, and the other one of its result; a scale of floats that underflows is NaN, which nothing takes."""
        with np.errstate(all="ignore"):
            scale, bias = self.scale * other.scale, self.bias * other.scale + other.bias
        if scale.dtype == np.float64:
            vanished = (scale == 0) & (self.scale != 0) & (other.scale != 0)
            scale = np.where(vanished, np.nan, scale)
        return Affine(shrunk(scale), shrunk(bias))

    def shift_first(self) -> Array | None:
        """What x is shifted by if it is scaled afterwards: (x + b / s) * s; None where that cannot be."""
        with np.errstate(all="ignore"):
            first = np.asarray(self.bias / self.scale)
        return shrunk(first) if np.isfinite(first).all() else None

    def moved(self, move: Callable[[Array], Array], shape: Sequence[int]) -> Affine:
        """The map of what an operator gives that puts the elements of a tensor of this shape elsewhere."""
        return Affine(*(shrunk(move(np.broadcast_to(part, shape))) for part in (self.scale, self.bias)))

    def before(self, places: NDArray[np.int64], shape: Sequence[int]) -> Affine:
        """The map of the operand of which a result's elements come from `places`; elsewhere it does nothing."""
        parts: list[Array] = []
        for part, neutral in ((self.scale, 1), (self.bias, 0)):
            whole = np.full(int(np.prod(shape)), neutral, part.dtype)
            whole[places.reshape(-1)] = np.broadcast_to(part, places.shape).reshape(-1)
            parts.append(shrunk(whole.reshape(shape)))
        return Affine(*parts)

    def of_rank(self, rank: int) -> Affine:
        """The same map for a tensor with more axes in front, or with fewer, all of which have extent 1."""
        return Affine(*(part.reshape(aligned(part.shape, rank)) for part in (self.scale, self.bias)))

    def with_rank(self, rank: int) -> Affine:
        """The same map for a tensor with more axes behind, or with fewer, all of which have extent 1."""
        parts: list[Array] = []
        for part in (self.scale, self.bias):
            assert all(extent == 1 for extent in part.shape[rank:]), f"{part.shape} has more than {rank} axes"
            parts.append(part.reshape([*part.shape[:rank], *[1] * (rank - part.ndim)]))
        return Affine(*parts)

    def part(self, axis: int, start: int, size: int) -> Affine:
        """The map of so many places of an axis."""
        window = (slice(None),) * axis + (slice(start, start + size),)
        return Affine(*(p if p.shape[axis] == 1 else shrunk(p[window]) for p in (self.scale, self.bias)))

    @property
    def varies(self) -> frozenset[int]:
        """The axes along which elements are treated differently."""
        pairs = zip(self.scale.shape, self.bias.shape, strict=True)
        return frozenset(axis for axis, extents in enumerate(pairs) if max(extents) > 1)

    def vectors(self, extent: int) -> tuple[Array, Array]:
        """Scale and bias for each place of the one axis along which they may vary."""
        scale, bias = (np.broadcast_to(part.reshape(-1), extent) for part in (self.scale, self.bias))
        return scale, bias


def identity(rank: int) -> Affine:
    return Affine(np.ones([1] * rank), np.zeros([1] * rank))


def scaling(scale: Array) -> Affine:
    return Affine(shrunk(scale), np.zeros([1] * scale.ndim, scale.dtype))


def shifting(bias: Array) -> Affine:
    return Affine(np.ones([1] * bias.ndim, bias.dtype), shrunk(bias))


def aligned(shape: Sequence[int], rank: int) -> list[int]:
    """The extents of an array that has to have so many axes, the last ones being the same."""
    assert all(extent == 1 for extent in shape[: max(0, len(shape) - rank)]), f"{shape} has more than {rank} axes"
    return [1] * (rank - len(shape)) + list(shape[max(0, len(shape) - rank) :])


def shrunk(array: Array) -> Array:
    """The smallest array that broadcasts to this one."""
    for axis, extent in enumerate(array.shape):
        first = array[(slice(None),) * axis + (slice(0, 1),)]
        if extent > 1 and bool((array == first).all()):
            array = first
    return np.ascontiguousarray(array).reshape(array.shape)


def fits(part: Array, shape: Sequence[int]) -> bool:
    """Does an array broadcast to this shape without making it larger?"""
    extra = part.ndim - len(shape)
    if any(extent != 1 for extent in part.shape[: max(0, extra)]):
        return False
    pairs = zip(part.shape[::-1], shape[::-1], strict=False)
    return all(extent in (1, whole) for extent, whole in pairs)


def rounds(bias: Array, dtype: np.dtype[np.generic]) -> bool:
    """Does adding this to floats of a type leave less than two bits of a fraction, as in (x + 1.2e7) - 1.2e7 for f32?

    It may be meant to round, and differences of such numbers are more exact than what they would be moved into.
    """
    return bool((np.abs(bias) >= 2.0 ** (DIGITS[dtype.name] - 1 - FRACTION)).any())


def stored(exact: Array, dtype: np.dtype[np.generic]) -> NDArray[np.generic] | None:
    """An array in the type of its elements; None where it overflows, or what matters of it underflows."""
    with np.errstate(all="ignore"):
        found = exact.astype(dtype)
    if exact.dtype != np.float64:
        return found
    if not np.isfinite(found.astype(np.float64)).all():
        return None
    sizes, errors = np.abs(exact), np.abs(found.astype(np.float64) - exact)
    unit = 2.0 ** -DIGITS[dtype.name]
    lost = (errors > unit * sizes) & (errors > unit * sizes.max(initial=0))
    return None if lost.any() else found
