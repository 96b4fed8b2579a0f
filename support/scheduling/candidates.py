"""The blocks that are worth measuring for a kernel: those that registers hold, and variations of a good one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from webdnn.support.scheduling.blocks import (
    Block,
    DotBlock,
    MapBlock,
    Order,
    ProductBlock,
    ReductionBlock,
    SumsBlock,
    Traits,
    VectorBlock,
    WindowBlock,
)
from webdnn.support.scheduling.table import Features

REGISTERS = 15
"""Of vectors, that V8 leaves to a kernel on x86."""

FEW = 6
"""Fewer sums than these wait for one another."""

WINDOWS = (
    *((1, 1, 1), (1, 2, 1), (1, 3, 1), (1, 4, 1), (1, 6, 1), (2, 2, 1), (2, 3, 1), (2, 4, 1), (3, 2, 1), (3, 3, 1)),
    *((1, 1, 2), (1, 2, 2), (2, 2, 2), (1, 1, 4)),
)
"""Height x width x vectors."""

UNROLLS = (1, 2, 4)
ORDERS: tuple[Order, ...] = ("rows", "columns")


def shapes(traits: Traits, features: Features) -> list[Block]:
    """Blocks of all shapes for a kind of kernel; what else they say is as it mostly should be."""
    numbers = traits.numbers
    match traits.kind:
        case "product":
            return [
                ProductBlock(rows, vectors)
                for rows, vectors in products(features)
                if rows <= numbers["rows"] and 4 * vectors <= max(4, numbers["columns"])
            ]
        case "vector":
            return [VectorBlock(vectors) for vectors in (2, 4, 6, 8, 10, 12) if 4 * vectors <= numbers["columns"]]
        case "window":
            return [WindowBlock(*shape, ordered) for shape in WINDOWS for ordered in (True, False)]
        case "map":
            return [MapBlock(vectors) for vectors in (1, 2, 4, 8)]
        case "sums":
            return [SumsBlock(vectors) for vectors in (1, 2, 4)]
        case "reduction":
            return [ReductionBlock(partial) for partial in (1, 2, 4, 8)]
        case "dots":
            return [DotBlock(*pair) for pair in ((1, 2), (1, 4), (2, 2), (2, 3), (2, 4), (2, 5), (3, 3), (4, 2))]
        case _:
            return []


def products(features: Features) -> Iterator[tuple[int, int]]:
    """Rows x vectors whose sums fit the registers, with the vectors of a step and one or two values more."""
    others = 1 if features == "relaxed" else 2
    for vectors in (1, 2, 3, 4):
        most = (REGISTERS - others - vectors) // vectors
        yield from ((rows, vectors) for rows in range(-(-FEW // vectors), most + 1) if rows <= 8 or rows == most)


def variations(block: Block) -> list[Block]:
    """The block with everything else that it may say, one thing after another."""
    match block:
        case ProductBlock():
            made: list[Block] = [replace(block, merged=not block.merged)]
            made += [replace(block, order=order) for order in ORDERS]
            return [*made, *(replace(block, unroll=steps) for steps in UNROLLS if steps != block.unroll)]
        case VectorBlock() | SumsBlock():
            return [replace(block, unroll=steps) for steps in UNROLLS if steps != block.unroll]
        case _:
            return []
