"""`kernel-tile`: a scheduled compute becomes loops around a register-sized compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.attributes import ScheduleAttr
from webdnn.dialects.kernel.clone import clone_compute
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import Index, constant, symbol


def segments(extent: int, tile: int, lanes: int, aligned: bool = False) -> list[tuple[int, int]]:
    """(size, count) of the pieces that cover an extent, in order.

    Rows are balanced (14 by 6 is 5 + 5 + 4), or all whole but the last where they are aligned (6 + 6 + 2), as vectors
    are that may be masked; else an axis with lanes keeps whole vectors, then single elements.
    """
    if aligned:
        whole, rest = divmod(extent, tile)
        return [(size, count) for size, count in ((tile, whole), (rest, 1)) if size and count]
    if lanes == 1:
        blocks = -(-extent // tile)
        size, extra = divmod(extent, blocks)
        return [(s, n) for s, n in ((size + 1, extra), (size, blocks - extra)) if n]
    found: list[tuple[int, int]] = []
    for size in (*range(tile, 0, -lanes), 1):
        count, extent = divmod(extent, size)
        if count:
            found.append((size, count))
    return found


def index_constant(value: int) -> arith.ConstantOp:
    return arith.ConstantOp(IntegerAttr(value, INDEX))


@dataclass(frozen=True)
class Tiling:
    """One compute being cut in blocks; an axis that the schedule's order leaves out stays whole."""

    compute: ComputeOp
    schedule: ScheduleAttr

    def run(self) -> list[Operation]:
        rank = range(len(self.compute.shape))
        order = [axis.data for axis in self.schedule.order]
        return self.nest(order, {axis: constant(0) for axis in rank}, dict(enumerate(self.compute.shape)))

    def nest(self, order: Sequence[int], base: Mapping[int, Index], size: Mapping[int, int]) -> list[Operation]:
        """Loops over the axes of `order`, outermost first, around the block at `base`."""
        if not order:
            return [self.block(base, size)]
        axis, *rest = order
        vector = self.schedule.vector
        lanes = vector[1] if vector and vector[0] == axis else 1
        ops: list[Operation] = []
        begin = 0
        aligned = axis in {a.data for a in self.schedule.aligned} or (lanes > 1 and self.schedule.masked)
        for piece, count in segments(self.compute.shape[axis], self.schedule.tile.data[axis].data, lanes, aligned):
            inner = {**size, axis: piece}
            if count == 1 or axis in {e.data for e in self.schedule.expand}:
                for i in range(count):
                    ops += self.nest(rest, {**base, axis: constant(begin + i * piece)}, inner)
            else:
                ops += self.loop(axis, rest, base, inner, begin, count)
            begin += piece * count
        return ops

    def loop(
        self, axis: int, rest: Sequence[int], base: Mapping[int, Index], size: Mapping[int, int], begin: int, count: int
    ) -> list[Operation]:
        """Loops count trips, from 0 by 1: divisibility stays in the index, where divisions can see it."""
        low, high, step = (index_constant(v) for v in (0, count, 1))
        block = Block(arg_types=[INDEX])
        block.args[0].name_hint = (self.compute.axes[axis].name_hint or "i") + "o"
        loop = scf.ForOp(low, high, step, [], Region(block))
        here = {**base, axis: symbol(block.args[0]) * size[axis] + begin}
        block.add_ops(self.nest(rest, here, size))
        block.add_op(scf.YieldOp())
        return [low, high, step, loop]

    def block(self, base: Mapping[int, Index], size: Mapping[int, int]) -> ComputeOp:
        """An axis keeps its position: a finished one has size 1."""
        old, sizes = self.compute.axes, [size[axis] for axis in range(len(size))]
        vector = self.schedule.vector
        masked = vector is not None and self.schedule.masked and sizes[vector[0]] % vector[1] > 0
        whole = vector and (masked or sizes[vector[0]] % vector[1] == 0)
        schedule = ScheduleAttr.of(sizes, vector=vector if whole else None, masked=masked)

        def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
            return {old[i]: base[i] + symbol(axis) for i, axis in enumerate(axes)}

        return clone_compute(self.compute, sizes, to_index, schedule=schedule)


@dataclass(frozen=True)
class KernelTilePass(ModulePass):
    """Cut every compute that has a schedule into loops around blocks of its tile.

    Before:

        kernel.compute (%m = 14, %n = 8) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> { … }

    After:

        scf.for %mo = 0 to 2 { kernel.compute (%m = 5, %n = 8) … }
        kernel.compute (%m = 4, %n = 8) …

    Leaves alone: a compute without a schedule, and one inside another. Run after `kernel-select-schedule`.
    """

    name = "kernel-tile"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "blocks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                tile(function)


def tile(function: FuncOp) -> None:
    for compute in list(function.body.block.ops):
        if isinstance(compute, ComputeOp) and compute.schedule is not None:
            Rewriter.replace_op(compute, Tiling(compute, compute.schedule).run(), [])
