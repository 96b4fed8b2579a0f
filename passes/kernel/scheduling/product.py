"""Matrix products and convolutions: rows x vectors of sums, short rows of a map merged, the smaller operand kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.attributes import MergedRows, UnrollAttr
from webdnn.dialects.kernel.behind import values_behind
from webdnn.dialects.kernel.pairs import PAIR, DotPairsOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.scheduling.lane_analysis import accesses, depends_on
from webdnn.passes.kernel.scheduling.lanes import columns, unroll
from webdnn.passes.kernel.scheduling.products import Product
from webdnn.support.index import FloorDiv
from webdnn.support.scheduling.blocks import ProductBlock, Traits, VectorBlock

CACHE_BYTES = 512 * 1024
"""What is read again and again should fit here, beside all else."""

NEAR_BYTES = 32 * 1024
"""Rows that fit here are read again for each panel at no cost."""

PHASES = 4
"""An axis of so few points that is still divided is copied."""

SHORT = 9
"""Sums of at most so many steps are unrolled whole."""

GAIN = 1.06
"""How much fuller blocks must become where rows are merged: their code is copied for each block."""

COPIES = 10
"""The most blocks that are copied, those of merged rows above all: each is about a kilobyte of code."""


def product_traits(compute: ComputeOp, product: Product) -> Traits:
    """Rows, columns and the steps of the sums."""
    numbers = {"columns": compute.shape[product.lane], "steps": prod(product.reduce.shape)}
    if not product.rows:
        return Traits("vector", numbers)
    return Traits("product", {"rows": prod(compute.shape[i] for i in product.rows), **numbers})


# Short rows as one axis.


def fullness(rows: int, block: int) -> float:
    """The part of blocks of so many accumulators that is used when rows are shared out evenly."""
    return rows / (-(-rows // block) * block)


def rows_together(height: int, width: int, block: int) -> int:
    """How many rows of `width` points to run as one axis: 1 where more would not pay."""
    best, found = fullness(width, block) * GAIN, 1
    for count in range(2, height + 1):
        if height % count == 0 and -(-count * width // block) <= COPIES and fullness(count * width, block) > best:
            best, found = fullness(count * width, block), count
    return found


def merged_rows(compute: ComputeOp, product: Product, block: int) -> MergedRows | None:
    """The axis of rows to merge, the one it is merged into, and how many of them; None where that does not pay."""
    if prod(compute.shape[i] for i in product.rows) > block:
        for axis, into in pairwise(product.rows):
            count = rows_together(compute.shape[axis], compute.shape[into], block)
            if count > 1:
                return axis, into, count
    return None


# Blocks and the loops around them.


@dataclass
class ProductChoice:
    """The schedule of a product being chosen; `tile` is filled in."""

    compute: ComputeOp
    product: Product
    lanes: int
    tile: list[int]

    def block_product(self, block: ProductBlock) -> Sequence[int]:
        """Rows x vectors. The smaller operand is streamed through; the order of the loops."""
        lane, rows, tile = self.product.lane, self.product.rows, self.tile
        row = max(rows, key=lambda i: (min(self.compute.shape[i], block.rows), i))
        tile[row], tile[lane] = min(self.compute.shape[row], block.rows), self.columns(block.vectors)
        unroll(self.product.reduce, block.unroll, self.short)
        if any(row > lane for row in rows):
            self.put_columns_inside()
        columns_outside = self.saves_by_columns() if block.order == "cache" else block.order == "columns"
        outer = [i for i in range(len(tile)) if i != lane and i not in rows]
        return [*outer, lane, *rows] if columns_outside else [*outer, *rows, lane]

    def block_vector(self, block: VectorBlock) -> Sequence[int]:
        """As many accumulators in one row as there are, of whole panels if possible; the order of the loops."""
        wide, panel = self.columns(block.vectors), self.panel()
        self.tile[self.product.lane] = wide - wide % panel if panel <= wide else wide
        unroll(self.product.reduce, block.unroll, self.short)
        return [*(i for i in range(len(self.tile)) if i != self.product.lane), self.product.lane]

    @property
    def short(self) -> int:
        """Steps that are unrolled whole, of which one on pairs is two."""
        return SHORT // PAIR if isinstance(self.product.reduce.yielded.owner, DotPairsOp) else SHORT

    def columns(self, vectors: int) -> int:
        return columns(self.compute, self.product.lane, vectors, self.lanes)

    def panel(self) -> int:
        """How many columns lie side by side, at least one vector of them; all where they are in no panels."""
        axis = self.compute.axes[self.product.lane]
        atoms = {atom for r in reads_behind(self.product.streamed) for e in r.exprs for atom in e.terms}
        found = [a.divisor for a in atoms if isinstance(a, FloorDiv) and axis in a.numerator.symbols]
        return min((d for d in found if d % self.lanes == 0), default=self.compute.shape[self.product.lane])

    def copied(self) -> list[int]:
        """Axes of merged rows, or of phases, that an access divides, and whose blocks are few enough to be copied."""
        divided = frozenset[object]().union(*(e.divided for a in accesses(self.compute) for e in a.exprs))
        return [
            i
            for i, (axis, size) in enumerate(zip(self.compute.axes, self.compute.shape, strict=True))
            if axis in divided and i != self.product.lane and (self.is_copied_row(i) or size <= PHASES)
        ]

    def is_copied_row(self, axis: int) -> bool:
        return axis in self.product.rows and -(-self.compute.shape[axis] // self.tile[axis]) <= COPIES

    def saves_by_columns(self) -> bool:
        """Is less read from beyond the cache if each panel of columns meets all rows in turn?

        Where the rows are few enough to stay near, it costs nothing, and lets a panel come while another one is used.
        """
        lane, rows = self.product.lane, self.product.rows
        outer = [i for i in range(len(self.tile)) if i != lane and i not in rows]
        repeats = prod(self.compute.shape[i] for i in outer)
        blocks = prod(-(-self.compute.shape[i] // self.tile[i]) for i in rows)
        panels = -(-self.compute.shape[lane] // self.tile[lane])
        weights, rest = (self.read_bytes(v) // repeats for v in (self.product.streamed, self.product.fixed))
        by_rows = weights * (blocks if weights > CACHE_BYTES else 1)
        by_columns = rest * (panels if rest > CACHE_BYTES else 1)
        is_free = weights * repeats > CACHE_BYTES and rest <= NEAR_BYTES
        return is_free or (weights > CACHE_BYTES and by_rows > by_columns)

    def put_columns_inside(self) -> None:
        """Order the points of a block by step, row and column, so that one splat is alive at a time."""
        reduce, lane = self.product.reduce, self.product.lane
        used = [i for i, axis in enumerate(self.compute.axes) if depends_on(reduce.result, axis)]
        key, weight = AffineExpr.constant(0), 1
        inner_first = [lane, *(i for i in reversed(used) if i != lane)]
        for i in inner_first:
            key, weight = key + AffineExpr.dimension(used.index(i)) * weight, weight * self.tile[i]
        for i in reversed(range(len(reduce.shape))):
            key, weight = key + AffineExpr.dimension(len(used) + i) * weight, weight * reduce.shape[i]
        points = AffineMap(len(used) + len(reduce.shape), 0, (key,))
        assert reduce.unroll is not None
        reduce.unroll = UnrollAttr.of([f.data for f in reduce.unroll.factors], points=points)

    def read_bytes(self, value: SSAValue) -> int:
        """Bytes that a factor reads: no more than it has points, and no more than its buffers hold."""
        compute, reduce = self.compute, self.product.reduce
        axes = zip((*compute.axes, *reduce.axes), (*compute.shape, *reduce.shape), strict=True)
        points = prod(size for axis, size in axes if depends_on(value, axis))
        return sum(
            min(points, prod(buffer_type(read.source).get_shape())) * element_type(buffer_type(read.source)).bytes
            for read in reads_behind(value)
        )


def reads_behind(value: SSAValue) -> list[ReadOp]:
    """The reads that a value is computed from."""
    return [found.owner for found in values_behind(value) if isinstance(found.owner, ReadOp)]
