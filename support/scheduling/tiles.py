"""Tiles of matrix products that a workgroup computes from its own memory, and which one suits a product."""

from __future__ import annotations

from dataclasses import dataclass

from webdnn.support.device import BUSY, STREAMING

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
    def invocations(self) -> int:
        return self.rows // BLOCK * (self.columns // BLOCK)

    def count(self, rows: int, columns: int) -> int:
        return -(-rows // self.rows) * -(-columns // self.columns)

    def fullness(self, rows: int, columns: int) -> float:
        """Results for each place of the tiles."""
        return rows * columns / (self.count(rows, columns) * self.rows * self.columns)


TILES = ((Tile(64, 64, 16), STREAMING), (Tile(32, 32, 16), BUSY))
"""The larger reads less, and is worth it for so many invocations: 9 and 5 KiB of the 16 that every device has."""


def best_tile(products: int, rows: int, columns: int, steps: int) -> Tile | None:
    """The largest tile that leaves enough to do at a time; None where tiles do not pay."""
    for tile, enough in TILES:
        invocations = products * tile.count(rows, columns) * tile.invocations
        if steps >= 2 * tile.steps and invocations >= enough and tile.fullness(rows, columns) >= FULL:
            return tile
    return None
