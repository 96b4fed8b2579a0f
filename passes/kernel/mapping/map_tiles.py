"""`kernel-map-tiles`: workgroups compute tiles of large products from memory that their invocations fill together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.kernel.workgroup import BarrierOp, own_memory, workgroup_memory
from webdnn.passes.kernel.mapping.map_groups import only_compute, only_where, operands_in
from webdnn.passes.kernel.mapping.partial_sums import identity_of
from webdnn.passes.kernel.mapping.variants import ALONE, add_variants
from webdnn.passes.kernel.scheduling.products import Product
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.support.device import WGSL
from webdnn.support.index import Index, delinearize, floordiv, mod, symbol
from webdnn.support.scheduling.tiles import BLOCK, Tile, best_tiles

LANES = 4

PADDING = 4
"""Elements behind a row of steps, so that invocations that read different rows do not meet in one bank of memory."""

End = Callable[[Cloner, Sequence[Index]], None]
"""Adds to a block what it is for, given its axes."""


@dataclass
class Tiling:
    """A product being computed by workgroups, a tile each."""

    compute: ComputeOp
    product: Product
    tile: Tile
    made: list[Operation] = field(default_factory=list[Operation])

    def __post_init__(self) -> None:
        shape, tile = self.compute.shape, self.tile
        self.rows = list(self.product.rows)
        self.others = [i for i in range(len(shape) - 1) if i not in self.rows]
        self.row_count, self.column_count = prod(shape[i] for i in self.rows), shape[-1]
        self.steps = prod(self.product.reduce.shape)
        row_tiles, column_tiles = -(-self.row_count // tile.rows), -(-self.column_count // tile.columns)
        extents = [*(shape[i] for i in self.others), row_tiles, column_tiles]
        group, local = IdOp(prod(extents), "group.x"), IdOp(tile.invocations, "local")
        *self.digits, row_tile, column_tile = delinearize(symbol(group.result), extents, range_of)
        self.local = symbol(local.result)
        self.row, self.column = row_tile * tile.rows, column_tile * tile.columns
        self.block_row = floordiv(self.local, tile.columns // BLOCK, range_of)
        self.block_column = mod(self.local, tile.columns // BLOCK, range_of)
        self.fixed = workgroup_memory(tile.rows * (tile.steps + PADDING), f32)
        self.streamed = workgroup_memory(tile.steps * tile.columns, f32)
        self.sums = own_memory(BLOCK * BLOCK, f32)
        self.made += [group, local, self.fixed, self.streamed, self.sums]

    def run(self) -> None:
        self.made.append(self.block([BLOCK, LANES], self.clear))
        self.made += self.loop()
        whole, rest = divmod(self.row_count, BLOCK)
        number = floordiv(self.row, BLOCK, range_of) + self.block_row
        for first, count, rows in ((0, whole, BLOCK), (whole, 1, rest)):
            if count and rows:
                self.made += only_where(
                    [number - first, floordiv(self.column, BLOCK, range_of) + self.block_column],
                    [count, self.column_count // BLOCK],
                    self.block([rows, LANES], self.finish),
                )
        Rewriter.replace_op(self.compute, self.made, [])

    def loop(self) -> list[Operation]:
        """Some steps of the sums in each trip: both factors are laid out, then everybody reads what it needs."""
        tile, vectors = self.tile, self.tile.invocations * LANES
        low, high, step = (index_constant(v) for v in (0, -(-self.steps // tile.steps), 1))
        body = Block(arg_types=[INDEX])
        loop = scf.ForOp(low, high, step, [], Region(body))
        begin = symbol(body.args[0]) * tile.steps
        sizes = (tile.rows * tile.steps // vectors, tile.steps * tile.columns // vectors)
        body.add_ops(
            [
                self.block([sizes[0], LANES], lambda cloner, axes: self.lay_out_fixed(cloner, axes, begin)),
                self.block([sizes[1], LANES], lambda cloner, axes: self.lay_out_streamed(cloner, axes, begin)),
                BarrierOp(),
                self.block([BLOCK, LANES], self.add_up),
                BarrierOp(),
                scf.YieldOp(),
            ]
        )
        return [low, high, step, loop]

    # What blocks do.

    def block(self, sizes: Sequence[int], end: End) -> ComputeOp:
        body = Block(arg_types=[INDEX] * len(sizes))
        block = ComputeOp(sizes, Region(body), schedule=ScheduleAttr.of(sizes, vector=(1, LANES)))
        block.location = self.compute.location
        for axis, name in zip(block.axes, ("row", "lane"), strict=True):
            axis.name_hint = name
        cloner = Cloner()
        end(cloner, [symbol(axis) for axis in block.axes])
        body.add_ops([*cloner.ops, YieldOp([])])
        return block

    def clear(self, cloner: Cloner, axes: Sequence[Index]) -> None:
        row, lane = axes
        cloner.emit(WriteOp(identity_of(self.product.reduce, cloner), self.sums.memref, [row * LANES + lane]))

    def lay_out_fixed(self, cloner: Cloner, axes: Sequence[Index], begin: Index) -> None:
        """Rows of steps, four of which are neighbours."""
        width = self.tile.steps // LANES
        vector = axes[0] * self.tile.invocations + self.local
        row, step = floordiv(vector, width, range_of), mod(vector, width, range_of) * LANES + axes[1]
        cloner.by |= self.axes_at(self.row + row, self.column)
        to = row * (self.tile.steps + PADDING) + step
        self.lay_out(cloner, self.product.fixed, begin + step, self.fixed.memref, to)

    def lay_out_streamed(self, cloner: Cloner, axes: Sequence[Index], begin: Index) -> None:
        """Steps of columns, four of which are neighbours."""
        width = self.tile.columns // LANES
        vector = axes[0] * self.tile.invocations + self.local
        step, column = floordiv(vector, width, range_of), mod(vector, width, range_of) * LANES + axes[1]
        cloner.by |= self.axes_at(self.row, self.column + column)
        self.lay_out(cloner, self.product.streamed, begin + step, self.streamed.memref, vector * LANES + axes[1])

    def lay_out(self, cloner: Cloner, factor: SSAValue, step: Index, memory: SSAValue, to: Index) -> None:
        """A factor at a step of the sum, at its place; behind the last step there are zeros."""
        reduce = self.product.reduce
        cloner.by |= dict(zip(reduce.axes, delinearize(step, reduce.shape, range_of), strict=True))
        value = self.copy(cloner, factor)
        if self.steps % self.tile.steps:
            even = LANES if self.steps % LANES == 0 else 1  # four steps are then all inside, or none is
            inside = cloner.emit(InsideOp([floordiv(step, even, range_of)], [self.steps // even]))
            value = cloner.emit(
                arith.SelectOp(inside.results[0], value, identity_of(self.product.reduce, cloner))
            ).results[0]
        cloner.emit(WriteOp(value, memory, [to]))

    def add_up(self, cloner: Cloner, axes: Sequence[Index]) -> None:
        """The products of the steps that are laid out, added to the sums."""
        row, lane = axes
        tile = self.tile
        start = cloner.emit(ReadOp(self.sums.memref, [row * LANES + lane])).results[0]
        body = Block(arg_types=[INDEX])
        sum = ReduceOp(self.product.reduce.kind.data, [tile.steps], start, Region(body), UnrollAttr.of([LANES]))
        body.args[0].name_hint = "k"
        k = symbol(body.args[0])
        a = ReadOp(self.fixed.memref, [(self.block_row * BLOCK + row) * (tile.steps + PADDING) + k])
        b = ReadOp(self.streamed.memref, [k * tile.columns + self.block_column * BLOCK + lane])
        ab = arith.MulfOp(a.result, b.result)
        body.add_ops([a, b, ab, YieldOp([ab.result])])
        cloner.emit(sum)
        cloner.emit(WriteOp(sum.result, self.sums.memref, [row * LANES + lane]))

    def finish(self, cloner: Cloner, axes: Sequence[Index]) -> None:
        """What the kernel makes of its sums."""
        row, lane = axes
        reduce = self.product.reduce
        cloner.by |= self.axes_at(
            self.row + self.block_row * BLOCK + row, self.column + self.block_column * BLOCK + lane
        )
        init = self.copy(cloner, reduce.init)
        sum = cloner.emit(ReadOp(self.sums.memref, [row * LANES + lane])).results[0]
        cloner.values[reduce.result] = cloner.emit(arith.AddfOp(init, sum)).results[0]
        for op in self.compute.body.block.ops:
            if isinstance(op, WriteOp):
                self.copy(cloner, op.value)
                cloner.clone(op)

    def axes_at(self, row: Index, column: Index) -> dict[SSAValue, Index]:
        """What the axes of the compute are at a row and a column."""
        axes, shape = self.compute.axes, self.compute.shape
        rows = delinearize(row, [shape[i] for i in self.rows], range_of)
        found = dict(zip((axes[i] for i in self.rows), rows, strict=True))
        return found | dict(zip((axes[i] for i in self.others), self.digits, strict=True)) | {axes[-1]: column}

    def copy(self, cloner: Cloner, value: SSAValue) -> SSAValue:
        """A value of the compute or its reduction, with all that it is made of and is not there yet."""
        needed, pending = set[Operation](), [value]
        bodies = (self.compute.body.block, self.product.reduce.body.block)
        while pending:
            if (found := pending.pop()) in cloner.values:
                continue
            owner = found.owner
            if isinstance(owner, Operation) and owner.parent in bodies and owner not in needed:
                needed.add(owner)
                pending += operands_in(owner)
        for block in bodies:
            cloner.clone_all(op for op in block.ops if op in needed)
        return cloner.value(value)


# The choice.


def product_of(compute: ComputeOp) -> Product | None:
    """The product of a compute that a workgroup can compute by tiles, if it is one."""
    product = Product.of(compute, LANES)
    steps = [op for op in compute.walk() if isinstance(op, ReduceOp | FoldOp)]
    if product is None or not product.rows or steps != [product.reduce]:
        return None
    last = len(compute.shape) - 1
    has_lanes = product.lane == last and compute.shape[last] % LANES == 0
    return product if has_lanes and isinstance(product.reduce.yielded.owner, arith.MulfOp) else None


def tiles_of(compute: ComputeOp) -> list[Tile]:
    """The tiles to compute it by, that which suits most devices first; none where invocations had better work alone."""
    if (product := product_of(compute)) is None:
        return []
    columns = compute.shape[-1]
    rows = prod(compute.shape[i] for i in product.rows)
    others = prod(compute.shape[:-1]) // rows
    most = WGSL.limits.workgroups
    assert most
    tiles = best_tiles(others, rows, columns, prod(product.reduce.shape))
    return [tile for tile in tiles if others * tile.count(rows, columns) <= most]


@dataclass(frozen=True)
class KernelMapTilesPass(ModulePass):
    """Compute large products by tiles: a workgroup for each, whose invocations have a block of 4 by 4 sums.

    In each trip of the loop over the steps of the sums, the invocations lay out the part of both factors that the tile
    needs, four neighbours each at a time, and wait for one another before they read it and before they lay out the
    next one. What lies behind the last row or column is computed with the rest and left where it is; behind the last
    step there are zeros. Windows of convolutions are found where they are laid out. Other variants stay beside the
    kernel: its invocations alone, and another tile where a product takes so long that a device had better choose.

    Before:

        kernel.compute (%m = 512, %n = 512) { … kernel.reduce add (%k = 512) … kernel.write %r, %y[%m * 512 + %n] }

    After:

        %a = memref.alloca() : memref<1280xf32, "workgroup">
        %b = memref.alloca() : memref<1024xf32, "workgroup">
        %sums = memref.alloca() : memref<16xf32, "function">
        scf.for %k = 0 to 32 {
          kernel.compute … { … kernel.write %v, %a[…] }
          kernel.compute … { … kernel.write %w, %b[…] }
          kernel.barrier
          kernel.compute (%row = 4, %lane = 4) … { … kernel.write %s, %sums[%row * 4 + %lane] }
          kernel.barrier
        }
        scf.if … { kernel.compute (%row = 4, %lane = 4) { … kernel.write %r, %y[…] } }

    Leaves alone: products of few results or steps, of integers, and those that read another sum. Run after
    `kernel-collapse-axes`, and before `kernel-map-groups`.
    """

    name = "kernel-map-tiles"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.body.block.ops):
            if not isinstance(function, FuncOp):
                continue
            compute = only_compute(function)
            if compute is None or not (tiles := tiles_of(compute)):
                continue
            variants = add_variants(function, [*(tile.name for tile in tiles), ALONE])
            for variant, tile in zip(variants, tiles, strict=False):
                compute = only_compute(variant)
                assert compute
                product = product_of(compute)
                assert product
                Tiling(compute, product, tile).run()
