"""Interpolation along one axis: which source elements each result element is made of, and with which weights.

Coordinates are computed in f32, as inference engines do: where a coordinate lies halfway between two elements, the
rounding of the arithmetic decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, gcd

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

RADIUS = {"linear": 1, "cubic": 2}
TIE = 1e-6
"""So near to the middle between two elements a coordinate lies there: 1 / (2/7) is less than 3.5 in f32"""


@dataclass(frozen=True)
class Axis:
    """An axis of `source` elements resized to `result`; `scale` is nominally result / source.

    `roi` is the part of the source that `tf_crop_and_resize` looks at, as fractions.
    """

    source: int
    result: int
    scale: float
    roi: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Rule:
    """How elements are interpolated, in the words of ONNX `Resize`.

    `coordinates` is a key of `COORDINATES`; `rounding` is a key of `ROUNDINGS` and serves the mode `nearest`.
    """

    mode: str
    coordinates: str
    rounding: str
    cubic_a: float
    exclude_outside: bool
    antialias: bool


@dataclass(frozen=True)
class Taps:
    """Result element `o` is `sum(k) weights[o, k] * source[clamp(first[o] + k)]`, unless `outside[o]`."""

    first: Integers
    weights: Floats
    outside: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Taps of one element."""
        return self.weights.shape[1]

    def places(self, extent: int) -> Integers:
        """Where each tap lies in a source of so many elements: an array of (results, taps)."""
        return np.clip(self.first[:, None] + np.arange(self.count, dtype=self.first.dtype), 0, extent - 1)


def half_pixel(at: Floats, axis: Axis) -> Floats:
    return (at + np.float32(0.5)) / np.float32(axis.scale) - np.float32(0.5)


def pytorch_half_pixel(at: Floats, axis: Axis) -> Floats:
    return half_pixel(at, axis) if axis.result > 1 else at * np.float32(0)


def half_pixel_symmetric(at: Floats, axis: Axis) -> Floats:
    adjustment = np.float32(axis.result) / (np.float32(axis.scale) * np.float32(axis.source))
    return np.float32(axis.source / 2) * (np.float32(1) - adjustment) + half_pixel(at, axis)


def tf_half_pixel_for_nn(at: Floats, axis: Axis) -> Floats:
    return (at + np.float32(0.5)) / np.float32(axis.scale)


def asymmetric(at: Floats, axis: Axis) -> Floats:
    return at / np.float32(axis.scale)


def align_corners(at: Floats, axis: Axis) -> Floats:
    return at * np.float32(axis.source - 1) / np.float32(max(1, axis.result - 1))


def tf_crop_and_resize(at: Floats, axis: Axis) -> Floats:
    start, end, last = np.float32(axis.roi[0]), np.float32(axis.roi[1]), np.float32(axis.source - 1)
    if axis.result == 1:
        return at + np.float32(0.5) * (start + end) * last
    return start * last + at * (end - start) * last / np.float32(axis.result - 1)


COORDINATES: dict[str, Callable[[Floats, Axis], Floats]] = {
    "half_pixel": half_pixel,
    "half_pixel_symmetric": half_pixel_symmetric,
    "pytorch_half_pixel": pytorch_half_pixel,
    "tf_half_pixel_for_nn": tf_half_pixel_for_nn,
    "asymmetric": asymmetric,
    "align_corners": align_corners,
    "tf_crop_and_resize": tf_crop_and_resize,
}
"""Where in the source a result element looks, by ONNX's `coordinate_transformation_mode`."""

ROUNDINGS: dict[str, Callable[[Floats, Axis], Floats]] = {
    "round_prefer_floor": lambda x, axis: np.ceil(x - (0.5 + TIE)),
    "round_prefer_ceil": lambda x, axis: np.floor(x + (0.5 + TIE)),
    "floor": lambda x, axis: np.floor(x),
    "ceil": lambda x, axis: np.ceil(x),
    "simple": lambda x, axis: np.ceil(x) if axis.scale < 1 else np.floor(x),
}
"""The nearest element to a coordinate, by ONNX's `nearest_mode`; `simple` is what came before there were modes."""


def kernel(mode: str, distance: NDArray[np.float64], a: float) -> NDArray[np.float64]:
    """The weight of an element at a distance: a triangle, or Keys' cubic convolution with parameter `a`."""
    d = np.abs(distance)
    if mode == "linear":
        return np.maximum(0.0, 1.0 - d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def taps(rule: Rule, axis: Axis) -> Taps:
    """The table of an axis."""
    x = COORDINATES[rule.coordinates](np.arange(axis.result, dtype=np.float32), axis)
    cropped = rule.coordinates == "tf_crop_and_resize"
    outside = (x < 0) | (x > axis.source - 1) if cropped else np.zeros(axis.result, np.bool_)
    if rule.mode == "nearest":
        first = np.clip(ROUNDINGS[rule.rounding](x, axis), 0, axis.source - 1).astype(np.int32)
        return Taps(first, np.ones((axis.result, 1), np.float32), outside)
    shrink = min(axis.scale, 1.0) if rule.antialias else 1.0
    start = floor(-RADIUS[rule.mode] / shrink) + 1
    places = np.floor(x).astype(np.int64)[:, None] + np.arange(start, 2 - start)
    weights = kernel(rule.mode, (places - x.astype(np.float64)[:, None]) * shrink, rule.cubic_a)
    if rule.exclude_outside:
        weights = np.where((places < 0) | (places >= axis.source), 0.0, weights)
    if rule.exclude_outside or rule.antialias:
        total = weights.sum(1, keepdims=True)
        weights = weights / np.where(total == 0, 1.0, total)
    return Taps(places[:, 0].astype(np.int32), weights.astype(np.float32), outside)


def as_affine(first: Integers, source: int) -> tuple[int, int, int] | None:
    """(p, c, q) such that `first[o] == (o * p + c) floordiv q` for every o, where there are such numbers."""
    common = gcd(source, len(first))
    p, q = source // common, len(first) // common
    at = np.arange(len(first), dtype=np.int64)
    for c in range(int(first[0]) * q, (int(first[0]) + 1) * q):
        if bool(np.array_equal((at * p + c) // q, first)):
            return p, c, q
    return None
