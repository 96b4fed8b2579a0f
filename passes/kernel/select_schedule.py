"""`kernel-select-schedule`: how each kernel runs on a CPU with vectors: its register block, lanes, loops and unrolling.

Blocks come from a table that `webdnn tune --builtin` has measured (docs/schedules.md), by kind and class of kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.scheduling.choice import choose
from webdnn.support.scheduling.table import Table


@cache
def builtin_table() -> Table:
    """The table of the package."""
    return Table.parse((files("webdnn") / "passes/kernel/scheduling/builtin.json").read_text())


@dataclass(frozen=True)
class KernelSelectSchedulePass(ModulePass):
    """Attach a schedule to every compute, for vectors of `lanes` on engines with these `features`.

    Only this pass decides; `kernel-merge-rows`, `kernel-tile` and `kernel-lower-blocks` do what the attributes say.

    Before:

        kernel.compute (%m = 196, %n = 256) { … kernel.reduce add (%k = 1024) … }

    After:

        kernel.compute (%m = 196, %n = 256) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
          … kernel.reduce add (%k = 1024) … unroll #kernel.unroll<[2]> … }

    `features` is `relaxed`, with fused multiply-add, or `simd`.

    Leaves alone: computes that have a schedule already. Run after `kernel-collapse-axes`.
    """

    name = "kernel-select-schedule"
    lanes: int = 4
    features: str = "relaxed"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        table = builtin_table()
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            for compute in function.body.block.ops:
                if isinstance(compute, ComputeOp) and compute.schedule is None:
                    plan = choose(compute, lambda traits: table.block(traits, self.features), self.lanes)
                    plan.apply(compute)
