"""The WebAssembly part of a bundle: modules, the memory image, and where inputs and outputs lie in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import wasmtime
from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import is_value, range_of
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.merge_rows import KernelMergeRowsPass
from webdnn.passes.kernel.select_schedule import KernelSelectSchedulePass
from webdnn.passes.kernel.tile import KernelTilePass
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.index import Index
from webdnn.support.planning.storage import align
from webdnn.targets.bundle.manifest import MemoryRange, Wasm, WasmModule
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.program import Call, Loop, Program, WeightImage, byte_size
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import WasmFormPointersPass
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass

PAGE = 65536
ALIGNMENT = 64
LARGEST_MEMORY = 2**32 - PAGE
LOAD, RUN = "load", "run"
"""The functions that a module exports: the first, if there is one, is called once, when the weights are in memory."""


@dataclass(frozen=True)
class Variant:
    """A module for engines with or without the relaxed SIMD proposal."""

    name: str
    relaxed: bool
    rows: int

    def passes(self) -> list[ModulePass]:
        """From kernels on flat buffers to instructions."""
        return [
            KernelMergeRowsPass(rows=self.rows),
            KernelSelectSchedulePass(rows=self.rows),
            KernelTilePass(),
            KernelLowerBlocksPass(),
            WasmExpandMathPass(),
            WasmFormPointersPass(),
            WasmSelectInstructionsPass(relaxed=self.relaxed),
        ]


VARIANTS = (Variant("relaxed", relaxed=True, rows=6), Variant("simd", relaxed=False, rows=4))


@dataclass(frozen=True)
class Memory:
    """The memory image: a margin, the arena, the weights, a margin; byte addresses.

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
        arena = max(before, ALIGNMENT)
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


def calling_function(name: str, launches: Sequence[Call | Loop], memory: Memory) -> func.FuncOp:
    """Kernels in order, on constant addresses, and loops around some."""
    ops = launched(launches, memory, {})
    return func.FuncOp(name, ([], []), Region(Block([*ops, func.ReturnOp()])))


def launched(launches: Sequence[Call | Loop], memory: Memory, counters: Mapping[SSAValue, SSAValue]) -> list[Operation]:
    """Calls and loops; `counters` are those of the loops around, as i32."""
    ops: list[Operation] = []
    for launch in launches:
        if isinstance(launch, Loop):
            ops += loop(launch, memory, counters)
            continue
        arguments: list[Operation] = [word(memory.address(b)) for b in launch.buffers]
        ops += arguments
        for index in launch.counters:
            arguments.append(counted(index, counters, ops))
        ops.append(func.CallOp(launch.kernel.sym_name.data, [a.results[0] for a in arguments], []))
    return ops


def loop(launch: Loop, memory: Memory, counters: Mapping[SSAValue, SSAValue]) -> list[Operation]:
    low, high, step = (word(v) for v in (0, launch.trips, 1))
    block = Block(arg_types=[i32])
    block.add_ops(launched(launch.launches, memory, {**counters, launch.counter: block.args[0]}))
    block.add_op(scf.YieldOp())
    return [low, high, step, scf.ForOp(low, high, step, [], Region(block))]


def counted(index: Index, counters: Mapping[SSAValue, SSAValue], ops: list[Operation]) -> Operation:
    """The operation that gives a sum of counters; it and those before it are appended."""
    total: Operation = word(index.constant)
    ops.append(total)
    for atom, factor in index.terms.items():
        assert is_value(atom), "what loops count is not divided"
        by = word(factor)
        product = arith.MuliOp(counters[atom], by.result, i32)
        ops += [by, product]
        total = arith.AddiOp(product.result, total.results[0], i32)
        ops.append(total)
    return total


def word(value: int) -> arith.ConstantOp:
    """An i32, perhaps an address beyond half of the memory."""
    return arith.ConstantOp(IntegerAttr(value if value < 2**31 else value - 2**32, i32))


def kernels(module: ModuleOp, variant: Variant, ctx: Context) -> list[func.FuncOp]:
    """The module's kernels as functions of instructions."""
    own = ModuleOp([op.clone() for op in module.body.block.ops if isinstance(op, FuncOp)])
    for module_pass in variant.passes():
        module_pass.apply(ctx, own)
    return [op for op in own.body.block.ops if isinstance(op, func.FuncOp)]


def wasm_text(module: ModuleOp, memory: Memory, variant: Variant, ctx: Context) -> str:
    """The whole module as WebAssembly text."""
    program = memory.program
    entries = {LOAD: program.launches_at_load, RUN: program.launches_of_a_run}
    callers = [calling_function(name, found, memory) for name, found in entries.items() if found or name == RUN]
    exported = tuple(caller.sym_name.data for caller in callers)
    return module_text([*kernels(module, variant, ctx), *callers], memory.size // PAGE, exported)


def build(module: ModuleOp, ctx: Context, variants: Iterable[Variant] = VARIANTS) -> tuple[Wasm, dict[str, bytes]]:
    """The manifest's part and the files it names, from kernels on flat buffers and their program."""
    program = Program.of(module)
    memory = Memory.of(program, module)
    files: dict[str, bytes] = {}
    modules: list[WasmModule] = []
    for variant in variants:
        path = f"wasm/{variant.name}.wasm"
        files[path] = bytes(wasmtime.wat2wasm(wasm_text(module, memory, variant, ctx)))
        modules.append(WasmModule(path, ("simd", "relaxed-simd") if variant.relaxed else ("simd",)))
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
