"""The variants of a module, for engines of several features, and the passes from kernels to instructions of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.passes import ModulePass

from webdnn.passes.kernel.loops.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.scheduling.alternate_panels import KernelAlternatePanelsPass
from webdnn.passes.kernel.scheduling.merge_rows import KernelMergeRowsPass
from webdnn.passes.kernel.scheduling.prefetch_panels import KernelPrefetchPanelsPass
from webdnn.passes.kernel.scheduling.select_schedule import KernelSelectSchedulePass
from webdnn.passes.kernel.scheduling.share_loops import KernelShareLoopsPass
from webdnn.passes.kernel.scheduling.tile import KernelTilePass
from webdnn.support.scheduling.table import Features
from webdnn.targets.bundle.names import FeatureName
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import WasmFormPointersPass
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass


def as_they_are(passes: Sequence[ModulePass]) -> Sequence[ModulePass]:
    """Change nothing."""
    return passes


@dataclass(frozen=True)
class Variant:
    """A module for engines with or without the relaxed SIMD proposal, for one thread or several.

    `sharing` cuts kernels in chunks: those that threads share, or the pieces in which one thread calls them.
    `schedules` names a file of schedules that come before the chosen ones. `rewrite` changes the passes.
    """

    name: str
    relaxed: bool
    sharing: KernelShareLoopsPass
    threads: bool = False
    schedules: str = ""
    rewrite: Callable[[Sequence[ModulePass]], Sequence[ModulePass]] = as_they_are

    @property
    def features(self) -> tuple[FeatureName, ...]:
        features: list[FeatureName] = ["simd"]
        if self.relaxed:
            features.append("relaxed-simd")
        if self.threads:
            features.append("threads")
        return tuple(features)

    @property
    def scheduled_for(self) -> Features:
        """What its schedules are chosen by: threads run those of one thread."""
        return "relaxed" if self.relaxed else "simd"

    @property
    def selection(self) -> KernelSelectSchedulePass:
        """The pass that chooses its schedules."""
        return KernelSelectSchedulePass(features=self.scheduled_for, schedules=self.schedules)

    def passes(self) -> Sequence[ModulePass]:
        """From kernels on flat buffers to instructions."""
        return self.rewrite(
            [
                self.selection,
                KernelMergeRowsPass(),
                KernelTilePass(),
                self.sharing,
                KernelLowerBlocksPass(),
                KernelPrefetchPanelsPass(),
                KernelAlternatePanelsPass(),
                WasmExpandMathPass(),
                WasmFormPointersPass(),
                WasmSelectInstructionsPass(relaxed=self.relaxed),
            ]
        )

    def stages(self) -> Sequence[Sequence[ModulePass]]:
        """The same passes in parts: a pass that differs between variants begins one, and so does what follows it."""
        stages: list[list[ModulePass]] = [[]]
        for module_pass in self.passes():
            if isinstance(module_pass, STARTS):
                stages.append([])
            stages[-1].append(module_pass)
        return stages

    def tiling(self) -> tuple[Sequence[ModulePass], KernelShareLoopsPass | None]:
        """From kernels on flat buffers to blocks and the loops around them, and what shares those."""
        first, second, *_ = self.stages()
        return first, next((p for p in second if isinstance(p, KernelShareLoopsPass)), None)


STARTS: tuple[type[ModulePass], ...] = (KernelShareLoopsPass, KernelLowerBlocksPass, WasmSelectInstructionsPass)
"""The first passes of the stages behind tiling"""

PIECES = KernelShareLoopsPass(chunks=16, nanoseconds=20_000)
SHARING = KernelShareLoopsPass()
VARIANTS = (
    Variant("relaxed", relaxed=True, sharing=PIECES),
    Variant("simd", relaxed=False, sharing=PIECES),
    Variant("relaxed-threads", relaxed=True, sharing=SHARING, threads=True),
    Variant("simd-threads", relaxed=False, sharing=SHARING, threads=True),
)
