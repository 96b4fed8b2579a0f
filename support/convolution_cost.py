"""What a convolution costs on a CPU with vectors of four lanes, computed as its definition says or by Winograd's tiles.

The unit is one multiply-add of a vector at full speed. The constants were fitted to times of V8 (docs/schedules.md).
"""

from __future__ import annotations

from dataclasses import dataclass

LANES = 4

TRANSFORM = {2: (150, 110), 4: (510, 350)}
"""What the transforms of one input tile and of one tile of products cost, for a vector of channels."""

ROWS = 6
"""Rows of the largest block of accumulators: fewer rows reuse each weight that is loaded less often."""

BYTES_PER_OPERATION = 2.5
"""How many bytes of weights arrive from beyond the caches in the time of an operation; little of it is hidden."""


@dataclass(frozen=True)
class Convolution:
    """A square convolution with stride 1, of `taps` x `taps` x `channels` weights for each result, and its extents."""

    batch: int
    channels: int
    results: int
    height: int
    width: int
    taps: int

    @property
    def direct(self) -> float:
        """The cost of the sum that defines it."""
        points = self.batch * self.height * self.width
        return points * self.taps**2 * self.channels * self.vectors + self.stream(self.taps**2)

    @property
    def vectors(self) -> int:
        """Vectors of results."""
        return -(-self.results // LANES)

    def winograd(self, outputs: int) -> float:
        """The cost in tiles of `outputs` x `outputs` results."""
        tiles = self.batch * -(-self.height // outputs) * -(-self.width // outputs)
        products = (outputs + self.taps - 1) ** 2
        rows = min(tiles, ROWS)
        multiply = products * tiles * self.channels * self.vectors * (1 + (ROWS - rows) / (2 * ROWS))
        into, back = TRANSFORM[outputs]
        transforms = tiles * (into * -(-self.channels // LANES) + back * self.vectors)
        return multiply + transforms + self.stream(products)

    def tile_bytes(self, outputs: int) -> int:
        """Bytes of f32 that all tiles of the input and of the products take."""
        tiles = self.batch * -(-self.height // outputs) * -(-self.width // outputs)
        return 4 * (outputs + self.taps - 1) ** 2 * tiles * (self.channels + self.results)

    def stream(self, products: int) -> float:
        """The cost of reading so many weights for each channel and result."""
        return products * self.channels * self.results * 4 / BYTES_PER_OPERATION
