"""The shapes of register blocks: for each kind of kernel, the numbers that its schedule is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["cache", "rows", "columns"]
"""Which of the loops over blocks of a product is outside: `cache` is whichever reads less from beyond the cache."""


@dataclass(frozen=True)
class ProductBlock:
    """A product of several rows: rows x vectors of sums, and the steps of its innermost axis in one trip.

    With `merged`, short rows of a map are one axis where that fills more blocks.
    """

    rows: int = 4
    vectors: int = 2
    unroll: int = 2
    order: Order = "cache"
    merged: bool = True


@dataclass(frozen=True)
class VectorBlock:
    """A product of one row: vectors of sums, and the steps in one trip."""

    vectors: int = 8
    unroll: int = 2


@dataclass(frozen=True)
class WindowBlock:
    """Windows over a map: height x width x vectors of results.

    With `ordered`, the points come in the order of the inputs that they read, each of which is loaded once.
    """

    height: int = 2
    width: int = 3
    vectors: int = 1
    ordered: bool = True


@dataclass(frozen=True)
class MapBlock:
    """Element-wise work: how many vectors at a time."""

    vectors: int = 4


@dataclass(frozen=True)
class SumsBlock:
    """Any other reductions at points that have lanes: vectors of results, and the steps in one trip."""

    vectors: int = 4
    unroll: int = 2


@dataclass(frozen=True)
class ReductionBlock:
    """A reduction over neighbours at points without lanes: how many vectors of partial results."""

    partial: int = 4


@dataclass(frozen=True)
class DotBlock:
    """Products of rows with rows: rows of the one x rows of the other, each with a vector of partial sums."""

    rows: int = 2
    columns: int = 4


Block = ProductBlock | VectorBlock | WindowBlock | MapBlock | SumsBlock | ReductionBlock | DotBlock

PLAIN: Mapping[str, Block] = {
    "product": ProductBlock(),
    "vector": VectorBlock(),
    "window": WindowBlock(),
    "map": MapBlock(),
    "sums": SumsBlock(),
    "reduction": ReductionBlock(),
    "dots": DotBlock(),
}
"""By kind of kernel: a block that 16 registers hold in any case."""


@dataclass(frozen=True)
class Traits:
    """What a choice depends on: the kind of a kernel, and a few of its numbers by name."""

    kind: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
