"""`kernel-select-schedule`: how each kernel runs on a CPU with vectors: its register block, lanes, loops and unrolling.

The shapes follow measurements of V8 (docs/schedules.md): 12 accumulators of 4 lanes with fused multiply-add, 8 without,
one live splat at a time, 2-D blocks for windows that multiply lane by lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp, f32, f64, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, TableOp, buffer_type
from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.lane_analysis import accesses, depends_on, four_bytes, lane_axis, lane_stride
from webdnn.passes.kernel.products import Product
from webdnn.support.index import FloorDiv, Index, symbol

CACHE_BYTES = 2048 * 1024
"""What is read again and again should fit here."""

SMALL = 32
"""Reductions of at most so many points are unrolled whole."""


PHASES = 4
"""An axis of so few points that is still divided is copied."""


@dataclass(frozen=True)
class Registers:
    """Vector registers of a target: rows of the largest block of accumulators whose columns are two vectors."""

    lanes: int
    rows: int


@dataclass
class Choice:
    """The schedule of one compute being chosen."""

    compute: ComputeOp
    registers: Registers

    def run(self) -> None:
        compute = self.compute
        lane = lane_axis(compute, self.registers.lanes)
        sums = [o for o in compute.body.block.ops if isinstance(o, ReduceOp)]
        tile = [1] * len(compute.shape)
        order: Sequence[int] | None = None
        product: Product | None = None
        if lane is None:
            self.reduce_across_lanes(sums, tile)
        elif self.tables():
            return self.unroll_tables(lane, tile)
        elif not sums:
            tile[lane] = self.columns(lane, 4)
        elif (product := Product.of(compute, self.registers.lanes)) is not None:
            order = self.block_product(product, tile)
        elif self.is_window(sums, lane):
            self.block_window(sums, lane, tile)
        else:
            tile[lane] = self.columns(lane, 4)
            for reduce in sums:
                self.unroll(reduce, small=9)
        vector = None if lane is None else (lane, self.registers.lanes)
        masked = lane is not None and compute.shape[lane] % self.registers.lanes > 0 and self.may_mask()
        copied = [i for i in range(len(tile)) if self.is_copied(i, product)] if product else []
        compute.schedule = ScheduleAttr.of(tile, order=order, expand=copied, vector=vector, masked=masked)

    def columns(self, lane: int, vectors: int) -> int:
        """Elements of a block along the lane axis: whole vectors, as many as there are."""
        lanes = self.registers.lanes
        return min(vectors, self.compute.shape[lane] // lanes) * lanes

    def may_mask(self) -> bool:
        """May a vector hold lanes beyond the end, whose values mean nothing? Not where they decide what is read."""
        body = [op for op in self.compute.walk() if op is not self.compute]
        scalar = all(v.type in (f32, i1, INDEX) for op in body for v in op.results)
        return scalar and not any(
            isinstance(o.owner, Operation) for a in accesses(self.compute) for o in a.index_operands
        )

    def is_copied(self, i: int, product: Product) -> bool:
        """Does an access divide an axis of merged rows, or of phases, so that its blocks must be copied?"""
        axis, size = self.compute.axes[i], self.compute.shape[i]
        divided = any(axis in e.divided for a in accesses(self.compute) for e in a.exprs)
        return divided and i != product.lane and (i in product.rows or size <= PHASES)

    # Matrix products and convolutions.

    def block_product(self, product: Product, tile: list[int]) -> Sequence[int]:
        """Rows x 8 columns, or as many accumulators in one row. The smaller operand is streamed through."""
        lane, rows = product.lane, product.rows
        if rows:
            row = max(rows, key=lambda i: (min(self.compute.shape[i], self.registers.rows), i))
            tile[row], tile[lane] = min(self.compute.shape[row], self.registers.rows), self.columns(lane, 2)
        else:
            tile[lane] = self.columns(lane, 2 * self.registers.rows)
        self.unroll(product.reduce, small=9)
        if any(row > lane for row in rows):
            self.put_columns_inside(product.reduce, lane, tile)
        return self.loop_order(product, tile)

    def loop_order(self, product: Product, tile: Sequence[int]) -> Sequence[int]:
        """Axes of both factors outside; then whichever of rows and columns reads less from beyond the cache."""
        lane, rows = product.lane, product.rows
        outer = [i for i in range(len(tile)) if i != lane and i not in rows]
        repeats = prod(self.compute.shape[i] for i in outer)
        blocks = prod(-(-self.compute.shape[i] // tile[i]) for i in rows)
        panels = -(-self.compute.shape[lane] // tile[lane])
        weights, rest = (self.read_bytes(v, product.reduce) // repeats for v in (product.streamed, product.fixed))
        by_rows = weights * (blocks if weights > CACHE_BYTES else 1)
        by_columns = rest * (panels if rest > CACHE_BYTES else 1)
        columns_outside = weights > CACHE_BYTES and by_rows > by_columns
        return [*outer, lane, *rows] if columns_outside else [*outer, *rows, lane]

    def put_columns_inside(self, reduce: ReduceOp, lane: int, tile: Sequence[int]) -> None:
        """Order the points of a block by step, row and column, so that one splat is alive at a time."""
        axes = self.compute.axes
        used = [i for i, axis in enumerate(axes) if depends_on(reduce.result, axis)]
        key, weight = AffineExpr.constant(0), 1
        inner_first = [lane, *(i for i in reversed(used) if i != lane)]
        for i in inner_first:
            key, weight = key + AffineExpr.dimension(used.index(i)) * weight, weight * tile[i]
        for i in reversed(range(len(reduce.shape))):
            key, weight = key + AffineExpr.dimension(len(used) + i) * weight, weight * reduce.shape[i]
        points = AffineMap(len(used) + len(reduce.shape), 0, (key,))
        assert reduce.unroll is not None
        reduce.unroll = UnrollAttr.of([f.data for f in reduce.unroll.factors], points=points)

    def read_bytes(self, value: SSAValue, reduce: ReduceOp) -> int:
        """Bytes that a factor reads: no more than it has points, and no more than its buffers hold."""
        axes = zip((*self.compute.axes, *reduce.axes), (*self.compute.shape, *reduce.shape), strict=True)
        points = prod(size for axis, size in axes if depends_on(value, axis))
        return sum(
            min(points, prod(buffer_type(read.source).get_shape())) * element_type(buffer_type(read.source)).bytes
            for read in reads_behind(value)
        )

    # Small matrices of known coefficients.

    def tables(self) -> list[TableOp]:
        return [o for o in self.compute.walk() if isinstance(o, TableOp)]

    def unroll_tables(self, lane: int, tile: list[int]) -> None:
        """Unroll what says which coefficient it is, so that all are constants; one vector of everything else."""
        aligned: list[int] = []
        for i, (axis, size) in enumerate(zip(self.compute.axes, self.compute.shape, strict=True)):
            period = max((p for t in self.tables() for e in t.exprs if (p := period_of(e, axis, size))), default=1)
            tile[i] = min(period, size)
            if period > 1:
                aligned.append(i)
        tile[lane] = self.columns(lane, 1)
        for reduce in self.compute.walk():
            if isinstance(reduce, ReduceOp):
                reduce.unroll = UnrollAttr.of(list(reduce.shape))
        vector, masked = (lane, self.registers.lanes), self.compute.shape[lane] % self.registers.lanes > 0
        masked = masked and self.may_mask()
        self.compute.schedule = ScheduleAttr.of(tile, aligned=aligned, vector=vector, masked=masked)

    # Windows: depthwise convolution, pooling.

    def is_window(self, sums: Sequence[ReduceOp], lane: int) -> bool:
        return len(sums) == 1 and prod(sums[0].shape) <= SMALL and self.spatial(sums[0], lane) != []

    def spatial(self, reduce: ReduceOp, lane: int) -> list[int]:
        """The axes along which windows slide: everything but the lanes that some factor does not depend on."""
        axes, inner = self.compute.axes, [o for o in reduce.walk() if isinstance(o, ReadOp)]
        return [
            i
            for i, size in enumerate(self.compute.shape)
            if size > 1 and i != lane and any(depends_on(r.result, axes[i]) for r in inner)
        ]

    def block_window(self, sums: Sequence[ReduceOp], lane: int, tile: list[int]) -> None:
        """2 x 3 outputs of 4 lanes, in the order of the inputs that they read: each is loaded once."""
        (reduce,) = sums
        spatial = self.spatial(reduce, lane)
        for i, most in zip(reversed(spatial), (3, 2), strict=False):
            tile[i] = min(self.compute.shape[i], most)
        tile[lane] = self.columns(lane, 1)
        reduce.unroll = UnrollAttr.of(list(reduce.shape), points=self.read_order(reduce, lane))

    def read_order(self, reduce: ReduceOp, lane: int) -> AffineMap | None:
        """A key over (the compute's axes that the sum depends on, the sum's axes): where the window's input lies."""
        reads = [o for o in reduce.walk() if isinstance(o, ReadOp)]
        used = [a for a in self.compute.axes if depends_on(reduce.result, a)]
        axes = [*used, *reduce.axes]
        spatial = {self.compute.axes[i] for i in self.spatial(reduce, lane)}
        for read in reads:
            (expr,) = read.exprs
            strides = [expr.coefficient(a) for a in axes]
            if not spatial <= expr.symbols or any(s is None for s in strides):
                continue
            key = AffineExpr.constant(0)
            for i, stride in enumerate(strides):
                key = key + AffineExpr.dimension(i) * (stride or 0)
            return AffineMap(len(axes), 0, (key,))
        return None

    # Reductions.

    def unroll(self, reduce: ReduceOp, small: int) -> None:
        """Two steps of the innermost axis in one trip, or all of a short one."""
        size = reduce.shape[-1]
        factor = size if size <= small else next((f for f in (2, 3) if size % f == 0), 1)
        reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), factor])

    def reduce_across_lanes(self, sums: Sequence[ReduceOp], tile: list[int]) -> None:
        """Where points have no lanes, reductions over neighbours have: a partial result for each lane."""
        lanes = self.registers.lanes
        for reduce in sums:
            inner = accesses(reduce)
            strides = [lane_stride(o, reduce.axes[-1]) for o in inner]
            good = all(
                s == 0 or (s == 1 and isinstance(o, ReadOp) and four_bytes(o))
                for o, s in zip(inner, strides, strict=True)
            )
            narrow = any(v.type in (f64, i64) for o in reduce.walk() for v in (*o.operands, *o.results))
            if lanes == 1 or reduce.shape[-1] < 2 * lanes or not good or narrow or 1 not in strides:
                self.unroll(reduce, small=4)
                continue
            factor = 4 * lanes if len(sums) == 1 and reduce.shape[-1] >= 4 * lanes else lanes
            reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), factor], lanes=lanes)
        if len(sums) == 1 and sums[0].unroll and sums[0].unroll.lanes.data > 1:
            self.block_dot_products(sums[0], tile)

    def block_dot_products(self, reduce: ReduceOp, tile: list[int]) -> None:
        """Dot products of rows share what they read: blocks of 2 x 4."""
        if not isinstance(reduce.yielded.owner, arith.MulfOp):
            return
        a, b = reduce.yielded.owner.operands
        axes = self.compute.axes
        only_a = [i for i, axis in enumerate(axes) if depends_on(a, axis) and not depends_on(b, axis)]
        only_b = [i for i, axis in enumerate(axes) if depends_on(b, axis) and not depends_on(a, axis)]
        if only_a and only_b:
            tile[only_a[-1]], tile[only_b[-1]] = (
                min(self.compute.shape[only_a[-1]], 2),
                min(self.compute.shape[only_b[-1]], 4),
            )
            reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), 4], lanes=4)


def reads_behind(value: SSAValue) -> list[ReadOp]:
    """The reads that a value is computed from."""
    if isinstance(value.owner, ReadOp):
        return [value.owner]
    return [read for operand in getattr(value.owner, "operands", ()) for read in reads_behind(operand)]


def period_of(expr: Index, axis: SSAValue, size: int) -> int | None:
    """After how many steps of an axis an index repeats, which is the axis, or the axis modulo a number."""
    if expr == symbol(axis):
        return size
    for atom in expr.terms:
        if isinstance(atom, FloorDiv) and atom.numerator == symbol(axis):
            return atom.divisor
    return None


@dataclass(frozen=True)
class KernelSelectSchedulePass(ModulePass):
    """Attach a schedule to every compute, for vectors of `lanes` and blocks of `rows` x 2 vectors of accumulators.

    Only this pass decides; `kernel-tile` and `kernel-lower-blocks` do what the attributes say.

    Before:

        kernel.compute (%m = 196, %n = 256) { … kernel.reduce add (%k = 1024) … }

    After:

        kernel.compute (%m = 196, %n = 256) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
          … kernel.reduce add (%k = 1024) … unroll #kernel.unroll<[2]> … }

    Leaves alone: computes that have a schedule already. Run after `kernel-collapse-axes`.
    """

    name = "kernel-select-schedule"
    lanes: int = 4
    rows: int = 6

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            for compute in function.body.block.ops:
                if isinstance(compute, ComputeOp) and compute.schedule is None:
                    Choice(compute, Registers(self.lanes, self.rows)).run()
