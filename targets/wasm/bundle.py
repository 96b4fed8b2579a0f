"""The WebAssembly part of a bundle: modules, the memory image, and where inputs and outputs lie in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import wasmtime
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import IntAttr, IntegerAttr, ModuleOp, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.select_schedule import KernelSelectSchedulePass
from webdnn.passes.kernel.share_loops import KernelShareLoopsPass
from webdnn.passes.kernel.tile import KernelTilePass
from webdnn.passes.kernel.work import block_nanoseconds
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.planning.storage import align
from webdnn.targets.bundle.manifest import FeatureName, MemoryRange, Wasm, WasmModule
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.program import Call, Program, WeightImage, byte_size
from webdnn.targets.wasm.dialect import CHUNKS
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import WasmFormPointersPass
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass
from webdnn.targets.wasm.threads import (
    CONTROL_BYTES,
    END,
    FORK,
    RUNTIME,
    WORK,
    SharedCall,
    dispatch_text,
)

PAGE = 65536
ALIGNMENT = 64
LARGEST_MEMORY = 2**32 - PAGE
RUN = "run"


@dataclass(frozen=True)
class Variant:
    """A module for engines with or without the relaxed SIMD proposal, for one thread or several."""

    name: str
    relaxed: bool
    rows: int
    sharing: KernelShareLoopsPass | None = None

    @property
    def features(self) -> tuple[FeatureName, ...]:
        features: list[FeatureName] = ["simd"]
        if self.relaxed:
            features.append("relaxed-simd")
        if self.sharing:
            features.append("threads")
        return tuple(features)

    def passes(self) -> list[ModulePass]:
        """From kernels on flat buffers to instructions."""
        return [
            *self.tiling(),
            *([self.sharing] if self.sharing else []),
            KernelLowerBlocksPass(),
            WasmExpandMathPass(),
            WasmFormPointersPass(),
            WasmSelectInstructionsPass(relaxed=self.relaxed),
        ]

    def tiling(self) -> list[ModulePass]:
        """From kernels on flat buffers to blocks and the loops around them."""
        return [KernelSelectSchedulePass(rows=self.rows), KernelTilePass()]


SHARING = KernelShareLoopsPass()
VARIANTS = (
    Variant("relaxed", relaxed=True, rows=6),
    Variant("simd", relaxed=False, rows=4),
    Variant("relaxed-threads", relaxed=True, rows=6, sharing=SHARING),
    Variant("simd-threads", relaxed=False, rows=4, sharing=SHARING),
)
WORTH_THREADS = 1_000_000
"""Nanoseconds of work that threads can share: the messages to them and back cost a tenth of that"""


@dataclass(frozen=True)
class Memory:
    """The memory image: words for threads, a margin, the arena, the weights, a margin; byte addresses.

    Reads that a select discards may lie outside their buffer; the margins keep them inside the memory.
    """

    program: Program
    weights: WeightImage
    arena: int
    image: int
    size: int

    @classmethod
    def of(cls, program: Program, module: ModuleOp) -> Memory:
        """Raises DiagnosticError where it is more than WebAssembly can address."""
        before, behind = margins(module)
        weights = WeightImage.of(program.weights, ALIGNMENT)
        arena = CONTROL_BYTES + before
        image = align(arena + program.arena_bytes, ALIGNMENT)
        size = align(image + len(weights.content) + behind + ALIGNMENT, PAGE)
        if size > LARGEST_MEMORY:
            raise DiagnosticError(
                f"the model needs {size / 2**30:.1f} GiB of memory; WebAssembly has 4",
                hint="compile it without the target 'wasm'",
            )
        return cls(program, weights, arena, image, size)

    def address(self, buffer: SSAValue) -> int:
        owner = buffer.owner
        if isinstance(owner, WeightOp):
            return self.image + self.weights.offsets[owner]
        return self.arena + self.program.offset(buffer)

    def range(self, buffer: SSAValue) -> MemoryRange:
        return MemoryRange(self.address(buffer), byte_size(buffer))


def margins(module: ModuleOp) -> tuple[int, int]:
    """How many bytes accesses may stray before and behind their buffers."""
    before = behind = 0
    for function in module.body.block.ops:
        if not isinstance(function, FuncOp):
            continue
        for op in function.walk():
            if isinstance(op, ReadOp | WriteOp):
                low, high = stray(op)
                before, behind = max(before, low), max(behind, high)
    return align(before, ALIGNMENT), align(behind, ALIGNMENT)


def stray(op: AccessOp) -> tuple[int, int]:
    buffer = op.source if isinstance(op, ReadOp) else op.target if isinstance(op, WriteOp) else None
    assert buffer is not None
    (extent,) = buffer_type(buffer).get_shape()
    (index,) = op.exprs
    span = index.bounds(range_of)
    if span is None:
        return 0, 0
    size = byte_size(buffer) // max(1, extent)
    return max(0, -span[0]) * size, max(0, span[1] - extent + 1) * size


def i32_constant(value: int) -> arith.ConstantOp:
    return arith.ConstantOp(IntegerAttr(value if value < 1 << 31 else value - (1 << 32), i32))


@dataclass
class Calls:
    """The program's calls of kernels on constant addresses, in order; those that are `shared` by threads have numbers.

    `chunks` says in how many parts a kernel is computed, where it is more than one.
    """

    memory: Memory
    chunks: Mapping[str, int]
    shared: list[SharedCall] = field(default_factory=list[SharedCall])

    def run_function(self) -> func.FuncOp:
        ops = [op for call in self.memory.program.calls for op in self.call(call)]
        return func.FuncOp(RUN, ([], []), Region(Block([*ops, func.ReturnOp()])))

    def call(self, call: Call) -> list[Operation]:
        name, arguments = call.kernel.sym_name.data, [self.memory.address(b) for b in call.buffers]
        if (chunks := self.chunks.get(name)) is not None:
            self.shared.append(SharedCall(name, arguments, chunks))
            name, arguments = FORK, [len(self.shared) - 1, self.shared[-1].bits]
        constants = [i32_constant(a) for a in arguments]
        return [*constants, func.CallOp(name, [c.result for c in constants], [])]


def own_kernels(module: ModuleOp) -> ModuleOp:
    """The module's kernels in a module of their own."""
    return ModuleOp([op.clone() for op in module.body.block.ops if isinstance(op, FuncOp)])


def kernels(module: ModuleOp, variant: Variant, ctx: Context) -> list[func.FuncOp]:
    """The module's kernels as functions of instructions."""
    own = own_kernels(module)
    for module_pass in variant.passes():
        module_pass.apply(ctx, own)
    return [op for op in own.body.block.ops if isinstance(op, func.FuncOp)]


def wasm_text(module: ModuleOp, memory: Memory, variant: Variant, ctx: Context) -> str:
    """The whole module as WebAssembly text."""
    functions, pages = kernels(module, variant, ctx), memory.size // PAGE
    chunks = {f.sym_name.data: c.data for f in functions if isinstance(c := f.attributes.get(CHUNKS), IntAttr)}
    calls = Calls(memory, chunks)
    functions.append(calls.run_function())
    if not variant.sharing:
        return module_text(functions, pages, (RUN,))
    runtime = f"{dispatch_text(calls.shared)}\n{RUNTIME}"
    return module_text(functions, pages, (RUN, WORK, END), shared=True, runtime=runtime)


def worth_threads(module: ModuleOp, variant: Variant, ctx: Context) -> bool:
    """Do the module's kernels have enough work that threads may share?"""
    if variant.sharing is None:
        return False
    own = own_kernels(module)
    for module_pass in variant.tiling():
        module_pass.apply(ctx, own)
    times = {
        op.sym_name.data: block_nanoseconds(op.body.block)
        for op in own.body.block.ops
        if isinstance(op, FuncOp) and variant.sharing.chunks_of(op.body.block) > 1
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
        if variant.sharing and not worth_threads(module, variant, ctx):
            continue
        path = f"wasm/{variant.name}.wasm"
        files[path] = bytes(wasmtime.wat2wasm(wasm_text(module, memory, variant, ctx)))
        modules.append(WasmModule(path, variant.features))
    shards = split_weights(memory.weights.content)
    files |= shards.files
    part = Wasm(
        modules=tuple(modules),
        memory_bytes=memory.size,
        weights=shards.at_address(memory.image),
        inputs=tuple(map(memory.range, program.inputs)),
        outputs=tuple(map(memory.range, program.outputs)),
    )
    return part, files
