"""`kernel-merge-rows`: short rows of a product become one axis, so that its blocks of accumulators are full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import AxesToIndex, clone_compute
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.products import Product
from webdnn.support.index import Index, floordiv, mod, symbol

GAIN = 1.06
"""How much fuller blocks must become: their code is copied for each block."""

COPIES = 10
"""The most blocks that one axis is cut in: each is about a kilobyte of code."""


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


def merge(compute: ComputeOp, at: int, count: int) -> ComputeOp:
    """Axes y and x as (y floordiv count, (y mod count) * width + x)."""
    height, width = compute.shape[at : at + 2]
    sizes = [*compute.shape[:at], height // count, count * width, *compute.shape[at + 2 :]]

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        by = {old: symbol(new) for old, new in zip(compute.axes, axes, strict=True)}
        point = symbol(axes[at + 1])
        by[compute.axes[at]] = symbol(axes[at]) * count + floordiv(point, width, range_of)
        by[compute.axes[at + 1]] = mod(point, width, range_of)
        return by

    rebuilt: AxesToIndex = to_index
    return clone_compute(compute, sizes, rebuilt)


def apply_to(compute: ComputeOp, block: int) -> None:
    product = Product.of(compute)
    if product is None or compute.schedule:
        return
    rows = product.rows
    for at in range(len(compute.shape) - 1):
        if at in rows and at + 1 in rows and prod(compute.shape[i] for i in rows) > block:
            count = rows_together(*compute.shape[at : at + 2], block)
            if count > 1:
                Rewriter.replace_op(compute, merge(compute, at, count))
                return


@dataclass(frozen=True)
class KernelMergeRowsPass(ModulePass):
    """Let blocks of a product span the rows of a small map, where `rows` would not divide a single row well.

    Before (rows=6):

        kernel.compute (%y = 7, %x = 7, %c = 512) { … %a[%y * 4608 + %x * 512 + %k] … }

    After:

        kernel.compute (%y = 1, %p = 49, %c = 512) { … %a[%p floordiv 7 * 4608 + %p mod 7 * 512 + %k] … }

    The blocks of the new axis are copied rather than looped over, so that its divisions fold.

    Leaves alone: rows that fill their blocks, what is no sum of products, and computes with a schedule.
    Run after `kernel-collapse-axes`, before `kernel-select-schedule`.
    """

    name = "kernel-merge-rows"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "flat"
    rows: int = 6

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for compute in list(function.body.block.ops):
                    if isinstance(compute, ComputeOp):
                        apply_to(compute, self.rows)
