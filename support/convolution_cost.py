"""What a convolution costs on a CPU with vectors of four lanes, computed as its definition says or by Winograd's tiles.

The unit is one multiply-add of a vector at full speed. The constants were fitted to times of V8 (docs/design.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from webdnn.support.winograd import Matrix, Winograd

LANES = 4

TRANSFORM = 1.5
"""What a term of a transform costs, a load, or a store: their sums are short, and wait for one another."""

ROWS = 6
"""Rows of the largest block of accumulators: fewer rows reuse each weight that is loaded less often."""

BYTES_PER_OPERATION = 1.8
"""How many bytes of weights arrive from beyond the caches in the time of an operation; little of it is hidden."""

EDGE = 2
"""What it takes to begin and to store a sum, in terms of it."""


@dataclass(frozen=True)
class Convolution:
    """A convolution without groups, or a transposed one: along each axis, the extent of its results and their taps."""

    batch: int
    channels: int
    results: int
    extents: tuple[int, ...]
    taps: tuple[int, ...]
    weights: int
    """Weights for each channel and result"""

    @property
    def direct(self) -> float:
        """The cost of the sum that defines it."""
        points = self.batch * prod(self.extents)
        return points * prod(self.taps) * self.channels * self.vectors + self.stream(self.weights)

    @property
    def vectors(self) -> int:
        """Vectors of results."""
        return -(-self.results // LANES)

    def tiles(self, axes: Sequence[Winograd]) -> int:
        """How many tiles its results are."""
        counts = (-(-extent // axis.outputs) for extent, axis in zip(self.extents, axes, strict=True))
        return self.batch * prod(counts)

    def winograd(self, axes: Sequence[Winograd]) -> float:
        """The cost in tiles, by an algorithm along each axis."""
        tiles, products = self.tiles(axes), prod(axis.products for axis in axes)
        rows = min(tiles, ROWS)
        multiply = products * tiles * (self.channels + EDGE) * self.vectors * (1 + (ROWS - rows) / (2 * ROWS))
        into, back = (terms([axis.input for axis in axes]), terms([axis.output for axis in axes]))
        transforms = tiles * TRANSFORM * (into * -(-self.channels // LANES) + back * self.vectors)
        return multiply + transforms + self.stream(products)

    def tile_bytes(self, axes: Sequence[Winograd]) -> int:
        """Bytes of f32 that all tiles of the input and of the products take."""
        products = prod(axis.products for axis in axes)
        return 4 * products * self.tiles(axes) * (self.channels + self.results)

    def stream(self, products: int) -> float:
        """The cost of reading so many weights for each channel and result."""
        return products * self.channels * self.results * 4 / BYTES_PER_OPERATION


def terms(matrices: Sequence[Matrix]) -> int:
    """Terms of all sums where each matrix is applied along its axis, the first one first, with all loads and stores."""
    extents = [len(matrix[0]) for matrix in matrices]
    found = prod(extents)
    for axis, matrix in enumerate(matrices):
        lines = prod(extents) // extents[axis]
        found += lines * sum(value != 0 for row in matrix for value in row)
        extents[axis] = len(matrix)
    return found + prod(extents)
