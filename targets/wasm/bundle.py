"""The WebAssembly part of a bundle: modules for engines of several features, and what the manifest says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import wasmtime
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.loops.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.scheduling.alternate_panels import KernelAlternatePanelsPass
from webdnn.passes.kernel.scheduling.merge_rows import KernelMergeRowsPass
from webdnn.passes.kernel.scheduling.prefetch_panels import KernelPrefetchPanelsPass
from webdnn.passes.kernel.scheduling.select_schedule import KernelSelectSchedulePass
from webdnn.passes.kernel.scheduling.share_loops import KernelShareLoopsPass
from webdnn.passes.kernel.scheduling.tile import KernelTilePass
from webdnn.passes.kernel.scheduling.work import block_nanoseconds
from webdnn.support.scheduling.table import Features
from webdnn.targets.bundle.names import FeatureName
from webdnn.targets.bundle.sections import Wasm, WasmModule
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.program import Program
from webdnn.targets.wasm.calls import Calls
from webdnn.targets.wasm.dialect import CHUNKS, chunks_of
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import WasmFormPointersPass
from webdnn.targets.wasm.memory import PAGE, Memory
from webdnn.targets.wasm.pieces import called_in_pieces
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass
from webdnn.targets.wasm.threads import END, RUNTIME, WORK, dispatch_text

LOAD, RUN = "load", "run"
"""The functions that a module exports: the first, if there is one, is called once, when the weights are in memory."""


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

    def tiling(self) -> tuple[Sequence[ModulePass], KernelShareLoopsPass | None]:
        """From kernels on flat buffers to blocks and the loops around them, and what shares those."""
        passes = self.passes()
        for i, module_pass in enumerate(passes):
            if isinstance(module_pass, KernelShareLoopsPass):
                return passes[:i], module_pass
        return passes, None


PIECES = KernelShareLoopsPass(chunks=16, nanoseconds=20_000)
SHARING = KernelShareLoopsPass()
VARIANTS = (
    Variant("relaxed", relaxed=True, sharing=PIECES),
    Variant("simd", relaxed=False, sharing=PIECES),
    Variant("relaxed-threads", relaxed=True, sharing=SHARING, threads=True),
    Variant("simd-threads", relaxed=False, sharing=SHARING, threads=True),
)
WORTH_THREADS = 1_000_000
"""Nanoseconds of work that threads can share: the messages to them and back cost a tenth of that"""


def own_kernels(module: ModuleOp) -> ModuleOp:
    """The module's kernels in a module of their own."""
    return ModuleOp([op.clone() for op in module.body.block.ops if isinstance(op, FuncOp)])


def kernels(module: ModuleOp, variant: Variant, ctx: Context) -> list[func.FuncOp]:
    """The module's kernels as functions of instructions."""
    own = own_kernels(module)
    for module_pass in variant.passes():
        module_pass.apply(ctx, own)
    found = [op for op in own.body.block.ops if isinstance(op, func.FuncOp)]
    return found if variant.threads else [function for kernel in found for function in called_in_pieces(kernel)]


def wasm_text(module: ModuleOp, memory: Memory, variant: Variant, ctx: Context) -> str:
    """The whole module as WebAssembly text."""
    functions, pages = kernels(module, variant, ctx), memory.size // PAGE
    chunks = {f.sym_name.data: chunks_of(f) for f in functions if CHUNKS in f.attributes}
    calls, program = Calls(memory, chunks), memory.program
    entries = {LOAD: program.launches_at_load, RUN: program.launches_of_a_run}
    callers = [calls.function(name, launches) for name, launches in entries.items() if launches or name == RUN]
    exported = [caller.sym_name.data for caller in callers]
    if not variant.threads:
        return module_text([*functions, *callers], pages, exported)
    runtime = f"{dispatch_text(calls.shared)}\n{RUNTIME}"
    return module_text([*functions, *callers], pages, (*exported, WORK, END), shared=True, runtime=runtime)


def worth_threads(module: ModuleOp, variant: Variant, ctx: Context) -> bool:
    """Do the module's kernels have enough work that threads may share?"""
    tiling, sharing = variant.tiling()
    if sharing is None:
        return False
    own = own_kernels(module)
    for module_pass in tiling:
        module_pass.apply(ctx, own)
    times = {
        op.sym_name.data: block_nanoseconds(op.body.block)
        for op in own.body.block.ops
        if isinstance(op, FuncOp) and sharing.chunks_of(op.body.block) > 1
    }
    shared = [times[name] for call in Program.of(module).calls if (name := call.kernel.sym_name.data) in times]
    return sum(shared) >= WORTH_THREADS


def build(module: ModuleOp, ctx: Context, variants: Iterable[Variant] = VARIANTS) -> tuple[Wasm, dict[str, bytes]]:
    """The manifest's part and the files it names, from kernels on flat buffers and their program."""
    program = Program.of(module)
    memory = Memory.of(program, module)
    files: dict[str, bytes] = {}
    modules: list[WasmModule] = []
    for variant in variants:
        if variant.threads and not worth_threads(module, variant, ctx):
            continue
        path = f"wasm/{variant.name}.wasm"
        files[path] = bytes(wasmtime.wat2wasm(wasm_text(module, memory, variant, ctx)))
        modules.append(WasmModule(path, variant.features))
    shards = split_weights(memory.weights.content)
    files |= shards.files
    part = Wasm(
        modules=tuple(modules),
        memory_bytes=memory.size,
        arena_bytes=program.shared_bytes,
        computed_bytes=program.computed_bytes,
        weights=shards.at_addresses(memory.moves),
        inputs=tuple(map(memory.range, program.inputs)),
        outputs=tuple(map(memory.range, program.outputs)),
    )
    return part, files
