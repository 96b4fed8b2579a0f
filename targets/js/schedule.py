"""`js-select-schedule`: how JavaScript runs a kernel: small blocks of points that share what they load."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import ScheduleAttr
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp

FACTORS = (4, 2)
"""Points along the two innermost axes that share loads: eight sums fill half of the registers of a CPU."""


def shared_axes(compute: ComputeOp) -> list[int]:
    """The axes, innermost first, along which some operand of a reduction stays the same."""
    reads = [
        {symbol for expr in op.exprs for symbol in expr.symbols}
        for reduce in compute.walk()
        if isinstance(reduce, ReduceOp)
        for op in reduce.body.block.ops
        if isinstance(op, ReadOp)
    ]
    axes: list[SSAValue] = list(compute.axes)
    return [i for i in reversed(range(len(axes))) if compute.shape[i] > 1 and any(axes[i] not in r for r in reads)]


def schedule(compute: ComputeOp) -> ScheduleAttr:
    tile = [1] * len(compute.shape)
    for axis, factor in zip(shared_axes(compute), FACTORS, strict=False):
        tile[axis] = min(factor, compute.shape[axis])
    return ScheduleAttr.of(tile)


@dataclass(frozen=True)
class JsSelectSchedulePass(ModulePass):
    """Choose register blocks: four points by two where an operand of a reduction is shared, single points else.

    Before:

        kernel.compute (%m = 8, %n = 8) { … kernel.reduce add … %a[%m, %k] … %b[%k, %n] … }

    After:

        kernel.compute (%m = 8, %n = 8) schedule #kernel.schedule<tile [2, 4], order [0, 1]> { … }

    Leaves alone: computes that have a schedule. Run after `kernel-collapse-axes` and before `kernel-tile`.
    """

    name = "js-select-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for compute in function.body.block.ops:
                    if isinstance(compute, ComputeOp) and compute.schedule is None:
                        compute.schedule = schedule(compute)
