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
from xdsl.dialects.builtin import ModuleOp, f64, i64
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, TableOp, WriteOp, buffer_type
from webdnn.dialects.kernel.attributes import ReduceKind, ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.passes.kernel.lane_analysis import accesses, depends_on, four_bytes, lane_stride
from webdnn.support.index import FloorDiv, Index, symbol

CACHE_BYTES = 192 * 1024
"""What is read again and again should fit here."""

SMALL = 32
"""Reductions of at most so many points are unrolled whole."""

LONG = 16
"""A sum of so many products costs more than storing each lane of its result by itself."""


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
        lane = self.lane_axis() if self.registers.lanes > 1 else None
        sums = [o for o in compute.body.block.ops if isinstance(o, ReduceOp)]
        tile = [1] * len(compute.shape)
        order: Sequence[int] | None = None
        if lane is None:
            self.reduce_across_lanes(sums, tile)
        elif self.tables():
            return self.unroll_tables(lane, tile)
        elif not sums:
            tile[lane] = self.columns(lane, 4)
        elif (main := self.product(sums, lane)) is not None:
            order = self.block_product(main, lane, tile)
        elif self.is_window(sums, lane):
            self.block_window(sums, lane, tile)
        else:
            tile[lane] = self.columns(lane, 4)
            for reduce in sums:
                self.unroll(reduce, small=9)
        vector = None if lane is None else (lane, self.registers.lanes)
        compute.schedule = ScheduleAttr.of(tile, order=order, vector=vector)

    # Which axis has lanes.

    def lane_axis(self) -> int | None:
        """The axis along which results are stored side by side, where reductions read side by side or one for all."""
        compute = self.compute
        if any(v.type in (f64, i64) for op in compute.walk() for v in (*op.operands, *op.results)):
            return None
        writes = [o for o in compute.body.block.ops if isinstance(o, WriteOp)]
        axes = [i for i, size in enumerate(compute.shape) if size >= self.registers.lanes]
        for i in reversed(axes):
            axis = compute.axes[i]
            if all(lane_stride(w, axis) == 1 and four_bytes(w) for w in writes) and self.reads_well(axis):
                return i
        return next((i for i in reversed(axes) if self.pays_for_scattered_stores(compute.axes[i])), None)

    def pays_for_scattered_stores(self, axis: SSAValue) -> bool:
        """Do long sums of products have lanes along an axis, though their results lie apart?"""
        sums = [o for o in self.compute.body.block.ops if isinstance(o, ReduceOp)]
        if not sums or not all(prod(o.shape) >= LONG for o in sums) or not self.reads_well(axis):
            return False
        return all(isinstance(s.yielded.owner, arith.MulfOp) and self.streams(s, axis) for s in sums)

    def streams(self, reduce: ReduceOp, axis: SSAValue) -> bool:
        """Does one factor of the products change along the axis, and the other not?"""
        assert isinstance(reduce.yielded.owner, arith.MulfOp)
        factors = [depends_on(v, axis) for v in reduce.yielded.owner.operands]
        return sorted(factors) == [False, True]

    def reads_well(self, axis: SSAValue) -> bool:
        found = [(o, lane_stride(o, axis)) for o in accesses(self.compute) if not isinstance(o, WriteOp)]
        inner = [s for o, s in found if isinstance(o.parent_op(), ReduceOp)]
        good = [s in (0, 1) and (s == 0 or four_bytes(o)) and (s == 0 or isinstance(o, ReadOp)) for o, s in found]
        if any(s not in (0, 1) for s in inner):
            return False
        return not found or 2 * sum(good) >= len(found)

    def columns(self, lane: int, vectors: int) -> int:
        """Elements of a block along the lane axis: whole vectors, as many as there are."""
        lanes = self.registers.lanes
        return min(vectors, self.compute.shape[lane] // lanes) * lanes

    # Matrix products and convolutions.

    def product(self, sums: Sequence[ReduceOp], lane: int) -> ReduceOp | None:
        """The sum of products of which one factor is the same for all lanes."""
        axis = self.compute.axes[lane]
        for reduce in sums:
            if reduce.kind.data is not ReduceKind.ADD or not isinstance(reduce.yielded.owner, arith.MulfOp):
                continue
            if self.streams(reduce, axis):
                return reduce
        return None

    def block_product(self, reduce: ReduceOp, lane: int, tile: list[int]) -> Sequence[int]:
        """Rows x 8 columns, or as many accumulators in one row. The smaller operand is streamed through."""
        assert isinstance(reduce.yielded.owner, arith.MulfOp)
        axes = self.compute.axes
        streamed = next(v for v in reduce.yielded.owner.operands if depends_on(v, axes[lane]))
        fixed = next(v for v in reduce.yielded.owner.operands if not depends_on(v, axes[lane]))
        rows = [
            i
            for i, size in enumerate(self.compute.shape)
            if size > 1 and i != lane and not depends_on(streamed, axes[i]) and depends_on(fixed, axes[i])
        ]
        natural = [*(i for i in range(len(tile)) if i != lane), lane]
        if rows:
            row = max(rows, key=lambda i: (min(self.compute.shape[i], self.registers.rows), i))
            tile[row], tile[lane] = min(self.compute.shape[row], self.registers.rows), self.columns(lane, 2)
        else:
            tile[lane] = self.columns(lane, 2 * self.registers.rows)
        self.unroll(reduce, small=9)
        if any(row > lane for row in rows):
            self.put_columns_inside(reduce, lane, tile)
        blocks = prod(-(-self.compute.shape[i] // tile[i]) for i in rows)
        panels = -(-self.compute.shape[lane] // tile[lane])
        weights, rest = self.read_bytes(streamed), self.read_bytes(fixed)
        outer = weights * (blocks if weights > CACHE_BYTES else 1) > rest * (panels if rest > CACHE_BYTES else 1)
        return [lane, *natural[:-1]] if outer and weights > CACHE_BYTES else natural

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

    def read_bytes(self, value: SSAValue) -> int:
        """Bytes of the buffers behind a factor."""
        owner = value.owner
        if isinstance(owner, ReadOp):
            type = buffer_type(owner.source)
            return prod(type.get_shape()) * element_type(type).bytes
        operands = getattr(owner, "operands", ())
        return sum(self.read_bytes(o) for o in operands)

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
        self.compute.schedule = ScheduleAttr.of(tile, aligned=aligned, vector=(lane, self.registers.lanes))

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
