"""Numbers as few bits: integers times a scale that a run of them shares, with the errors that this makes.

A run is what is multiplied by one scale: `block` neighbours along one axis, or all of it. Integers are symmetric, so
that zero stays zero, and none has a zero point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int8 | np.int16]
Bytes = NDArray[np.uint8]

SHRUNK = (1.0, 0.95, 0.9, 0.85, 0.8)
"""Scales that are tried, as parts of the one under which nothing saturates: with few levels a finer one errs less."""


@dataclass(frozen=True)
class Quantized:
    """`integers` of the array's shape; `scales` has one number for each run, the axis shortened to its runs."""

    integers: Integers
    scales: Floats
    axis: int
    block: int

    def decoded(self) -> Floats:
        """The numbers that the integers stand for."""
        extent = self.integers.shape[self.axis]
        spread = np.moveaxis(np.repeat(self.scales, self.block, axis=self.axis), self.axis, 0)[:extent]
        return self.integers.astype(np.float32) * np.moveaxis(spread, 0, self.axis)


def runs_of(array: Floats, axis: int, block: int) -> Floats:
    """The array with the axis cut in runs, which become the last axis; a ragged last run is filled with zeros."""
    moved = np.moveaxis(array, axis, -1)
    short = -moved.shape[-1] % block
    padded = np.pad(moved, [*[(0, 0)] * (moved.ndim - 1), (0, short)])
    return padded.reshape(*padded.shape[:-1], -1, block)


def quantize(array: Floats, axis: int, block: int, bits: int) -> Quantized:
    """The nearest integers of -2^(bits-1) + 1 … 2^(bits-1) - 1 for finite numbers.

    Scales are those of f16 numbers where `bits` is less than 8, and then the best of a few for each run.
    """
    most = (1 << (bits - 1)) - 1
    runs = runs_of(array, axis, block)
    largest = np.abs(runs).max(axis=-1)
    if bits >= 8:
        scales = (largest / most).astype(np.float32)
    else:
        scales = best_scales(runs, largest / most, most)
    integers = rounded(runs, scales, most).reshape(*runs.shape[:-2], -1)[..., : array.shape[axis]]
    return Quantized(
        np.ascontiguousarray(np.moveaxis(integers, -1, axis)),
        np.ascontiguousarray(np.moveaxis(scales, -1, axis)),
        axis,
        block,
    )


def rounded(runs: Floats, scales: Floats, most: int) -> Integers:
    """Each number in units of its run's scale, ties to even, clamped; a run of zeros has the scale 0."""
    units = np.zeros_like(runs)
    np.divide(runs, scales[..., np.newaxis], out=units, where=scales[..., np.newaxis] > 0)
    return np.clip(np.rint(units, out=units), -most, most, out=units).astype(np.int8 if most < 128 else np.int16)


def best_scales(runs: Floats, scales: Floats, most: int) -> Floats:
    """Of a few scales for each run, as f16 numbers, the one that errs least in the mean of squares."""
    best, least = np.zeros_like(scales), np.full_like(scales, np.inf)
    for part in SHRUNK:
        tried = np.minimum(scales * part, 65504.0).astype(np.float16).astype(np.float32)
        error = np.square(rounded(runs, tried, most) * tried[..., np.newaxis] - runs).sum(axis=-1)
        better = error < least
        best, least = np.where(better, tried, best), np.where(better, error, least)
    return best


def relative_error(array: Floats, decoded: Floats) -> float:
    """The root of the mean square of the differences, as a part of that of the numbers; infinite for what is not."""
    if not np.isfinite(decoded).all():
        return float("inf")
    size = float(np.linalg.norm(array))
    return float(np.linalg.norm(array - decoded)) / size if size else 0.0


def pack_nibbles(integers: Integers, axis: int) -> Bytes:
    """Two neighbours along an axis of even extent in a byte, the first in the low half; each plus 8."""
    moved = (np.moveaxis(integers, axis, -1) + 8).astype(np.uint8)
    pairs: Bytes = moved[..., 0::2] + np.uint8(16) * moved[..., 1::2]
    return np.ascontiguousarray(np.moveaxis(pairs, -1, axis))


def unpack_nibbles(packed: Bytes, axis: int) -> Integers:
    """The integers that `pack_nibbles` was given."""
    moved = np.moveaxis(packed, axis, -1)
    both = np.stack([moved & 15, moved >> 4], axis=-1).astype(np.int8) - np.int8(8)
    return np.ascontiguousarray(np.moveaxis(both.reshape(*moved.shape[:-1], -1), -1, axis))
