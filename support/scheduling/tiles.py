"""Tiles of matrix products that a workgroup computes from its own memory, and which ones suit a product."""

from __future__ import annotations

from dataclasses import dataclass

from webdnn.support.device import BUSY, STREAMING, WGSL

BLOCK = 4
"""Rows and columns of the block that each invocation computes in registers."""

FULL = 0.6
"""The share of a product's tiles that must be results."""


@dataclass(frozen=True)
class Tile:
    """`rows` by `columns` results, for which `steps` of the sums lie in memory at a time; all multiples of four."""

    rows: int
    columns: int
    steps: int

    @property
    def name(self) -> str:
        """Of a kernel that is computed by it, as a variant."""
        return f"tiles{self.rows}"

    @property
    def invocations(self) -> int:
        return self.rows // BLOCK * (self.columns // BLOCK)

    def count(self, rows: int, columns: int) -> int:
        return -(-rows // self.rows) * -(-columns // self.columns)

    def fullness(self, rows: int, columns: int) -> float:
        """Results for each place of the tiles."""
        return rows * columns / (self.count(rows, columns) * self.rows * self.columns)


TILES = ((Tile(64, 64, 16), STREAMING), (Tile(32, 32, 16), BUSY))
"""The larger reads less, and is worth it for so many invocations: 9 and 5 KiB of the 16 that every device has."""


def best_tiles(products: int, rows: int, columns: int, steps: int) -> list[Tile]:
    """The largest tile that leaves enough to do at a time, and others that some device may compute faster.

    None where tiles do not pay. What takes no longer than a launch is not worth a second one.
    """

    def leave(tile: Tile, enough: int) -> bool:
        invocations = products * tile.count(rows, columns) * tile.invocations
        return steps >= 2 * tile.steps and invocations >= enough and tile.fullness(rows, columns) >= FULL

    found = [tile for tile, enough in TILES if leave(tile, enough)][:1]
    if found and 2 * products * rows * columns * steps > WGSL.rates.launch_operations:
        found += [tile for tile, _ in TILES if tile not in found and leave(tile, BUSY)]
    return found
