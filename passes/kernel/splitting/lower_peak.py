"""`kernel-lower-peak`: consecutive kernels run in strips of rows where less memory costs next to no time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.passes.kernel.memory.assign_buffers import mark_once
from webdnn.passes.kernel.splitting.row_graph import RowGraph
from webdnn.passes.kernel.splitting.split_rows import split
from webdnn.support.planning.strips import Planner


@dataclass(frozen=True)
class KernelLowerPeakPass(ModulePass):
    """Run consecutive kernels in strips of rows where that lowers the memory of a run and hardly costs time.

    Strips are those of `kernel-split-rows`, without results over operands. They cost the rows that two of them compute,
    the weights that each of them reads again, and the calls of more kernels, all as multiply-adds
    (`support/planning/strips.py`); what they hand on in a cache is not counted. Of the plans that cost at most `spend`
    thousandths of the program's multiply-adds, the one is chosen whose memory is worth its time.

    Before:

        %a = kernel.compute (%y = 256, …) -> tensor<256x…xf32> { … }
        %b = kernel.compute (%y = 128, …) -> tensor<128x…xf32> { … kernel.read %a[%y * 2 + %k, …] … }

    After:

        %a0 = kernel.compute (%y = 129, …) -> tensor<129x…xf32> { … }
        %b0 = kernel.compute (%y = 64, …) -> tensor<64x…xf32> { … kernel.read %a0[%y * 2 + %k, …] … }
        %a1 = kernel.compute (%y = 128, …) -> tensor<128x…xf32> { … }
        %b1 = kernel.compute (%y = 64, …) -> tensor<64x…xf32> { … kernel.read %a1[%y * 2 + %k, …] … }
        %b = kernel.concat 0 %b0, %b1 : …

    `strips` is the limit of `kernel-form-strips`, if that runs later: what its loops hold is never whole anyway.

    Leaves alone: programs whose memory no such plan lowers by a fifth. Run after `kernel-pad-operands`, before
    `kernel-assign-buffers`.
    """

    name = "kernel-lower-peak"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    spend: int = 10
    strips: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                self.split(function)

    def split(self, function: func.FuncOp) -> None:
        block = function.body.block
        mark_once(block)
        graph = RowGraph(block, overlay=False, strips=self.strips)
        program = graph.program()
        for segment in Planner(program, self.spend / 1000, timed=True).nearly_free().segments:
            if segment.height:
                split(graph, program, segment)
