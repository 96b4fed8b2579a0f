"""`kernel-merge-rows`: rows of a map become one axis where a schedule says so, for blocks that span several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import AxesToIndex, clone_compute
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.support.index import Index, floordiv, mod, symbol


def merge(compute: ComputeOp, axis: int, into: int, count: int) -> ComputeOp:
    """Axes y and x as (y floordiv count, (y mod count) * width + x); what its schedule merges is done."""
    sizes, width = list(compute.shape), compute.shape[into]
    sizes[axis], sizes[into] = sizes[axis] // count, count * width

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        by = {old: symbol(new) for old, new in zip(compute.axes, axes, strict=True)}
        point = symbol(axes[into])
        by[compute.axes[axis]] = symbol(axes[axis]) * count + floordiv(point, width, range_of)
        by[compute.axes[into]] = mod(point, width, range_of)
        return by

    rebuilt: AxesToIndex = to_index
    return clone_compute(compute, sizes, rebuilt, schedule=compute.schedule and compute.schedule.merging(None))


@dataclass(frozen=True)
class KernelMergeRowsPass(ModulePass):
    """Let the blocks of a compute span rows, as its schedule says.

    Before:

        kernel.compute (%y = 7, %x = 7, %c = 512) schedule #kernel.schedule<tile [1, 6, 8], …, merge 0 into 1 by 7> {
          … %a[%y * 4608 + %x * 512 + %k] … }

    After:

        kernel.compute (%y = 1, %p = 49, %c = 512) schedule #kernel.schedule<tile [1, 6, 8], …> {
          … %a[%p floordiv 7 * 4608 + %p mod 7 * 512 + %k] … }

    Where the schedule says that blocks of the new axis are copied rather than looped over, its divisions fold.

    Leaves alone: all other computes. Run after `kernel-select-schedule`, before `kernel-tile`.
    """

    name = "kernel-merge-rows"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "flat"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for compute in list(function.body.block.ops):
                    if isinstance(compute, ComputeOp) and compute.schedule and (merged := compute.schedule.merged):
                        Rewriter.replace_op(compute, merge(compute, *merged))
