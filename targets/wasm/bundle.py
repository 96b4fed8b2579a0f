"""The WebAssembly part of a bundle: modules, the memory image, and where inputs and outputs lie in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import wasmtime
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.assign_offsets import byte_size
from webdnn.passes.kernel.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.select_schedule import KernelSelectSchedulePass
from webdnn.passes.kernel.tile import KernelTilePass
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.planning.storage import align
from webdnn.targets.bundle.manifest import MemoryRange, Wasm, WasmModule
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.program import Port, Program, weight_bytes
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import WasmFormPointersPass
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass

PAGE = 65536
ALIGNMENT = 64
LARGEST_MEMORY = 2**32 - PAGE
RUN = "run"


@dataclass(frozen=True)
class Variant:
    """A module for engines with or without the relaxed SIMD proposal."""

    name: str
    relaxed: bool
    rows: int

    def passes(self) -> list[ModulePass]:
        """From kernels on flat buffers to instructions."""
        return [
            KernelSelectSchedulePass(rows=self.rows),
            KernelTilePass(),
            KernelLowerBlocksPass(),
            WasmExpandMathPass(),
            WasmSelectInstructionsPass(relaxed=self.relaxed),
            WasmFormPointersPass(),
        ]


VARIANTS = (Variant("relaxed", relaxed=True, rows=6), Variant("simd", relaxed=False, rows=4))


@dataclass(frozen=True)
class Memory:
    """The memory image: a margin, the arena, the weights, a margin; byte addresses.

    Reads that a select discards may lie outside their buffer; the margins keep them inside the memory.
    """

    arena: int
    weights: dict[str, int]
    image: int
    size: int


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


def lay_out(program: Program, module: ModuleOp) -> tuple[Memory, bytes]:
    """The addresses of everything, and the weights' bytes as they stand from `Memory.image` on."""
    before, behind = margins(module)
    arena = align(before, ALIGNMENT) or ALIGNMENT
    start = align(arena + program.arena_bytes, ALIGNMENT)
    image = bytearray()
    places: dict[str, int] = {}
    for op in program.weights:
        key = op.value.key.data
        if key not in places:
            image += bytes(-len(image) % ALIGNMENT)
            places[key] = start + len(image)
            image += weight_bytes(op)
    size = align(start + len(image) + behind + ALIGNMENT, PAGE)
    if size > LARGEST_MEMORY:
        raise DiagnosticError(
            f"the model needs {size / 2**30:.1f} GiB of memory; WebAssembly has 4",
            hint="store weights in fewer bits, or leave the target 'wasm' out",
        )
    return Memory(arena, places, start, size), bytes(image)


def run_function(program: Program, memory: Memory) -> func.FuncOp:
    """Every kernel in order, on constant addresses."""
    ops: list[Operation] = []

    def address(buffer: SSAValue) -> SSAValue:
        owner = buffer.owner
        at = (
            memory.weights[owner.value.key.data]
            if isinstance(owner, WeightOp)
            else memory.arena + program.offset(buffer)
        )
        constant = arith.ConstantOp(IntegerAttr(at if at < 2**31 else at - 2**32, i32))
        ops.append(constant)
        return constant.result

    for call in program.calls:
        ops.append(func.CallOp(call.callee.root_reference.data, [address(b) for b in call.buffers], []))
    return func.FuncOp(RUN, ([], []), Region(Block([*ops, func.ReturnOp()])))


def kernels(module: ModuleOp, variant: Variant, ctx: Context) -> list[func.FuncOp]:
    """The module's kernels as functions of instructions."""
    own = ModuleOp([op.clone() for op in module.body.block.ops if isinstance(op, FuncOp)])
    for module_pass in variant.passes():
        module_pass.apply(ctx, own)
    return [op for op in own.body.block.ops if isinstance(op, func.FuncOp)]


def wasm_text(module: ModuleOp, variant: Variant, ctx: Context) -> str:
    """The whole module as WebAssembly text."""
    program = Program.of(module)
    memory, _ = lay_out(program, module)
    functions = [*kernels(module, variant, ctx), run_function(program, memory)]
    return module_text(functions, memory.size // PAGE, (RUN,))


def memory_range(port: Port, program: Program, memory: Memory) -> MemoryRange:
    return MemoryRange(memory.arena + program.offset(port.buffer), byte_size(port.buffer))


def build(module: ModuleOp, ctx: Context, variants: Iterable[Variant] = VARIANTS) -> tuple[Wasm, dict[str, bytes]]:
    """The manifest's part and the files it names, from kernels on flat buffers and their program."""
    program = Program.of(module)
    memory, image = lay_out(program, module)
    files: dict[str, bytes] = {}
    modules: list[WasmModule] = []
    for variant in variants:
        path = f"wasm/{variant.name}.wasm"
        files[path] = bytes(wasmtime.wat2wasm(wasm_text(module, variant, ctx)))
        modules.append(WasmModule(path, ("simd", "relaxed-simd") if variant.relaxed else ("simd",)))
    shards = split_weights(image)
    files |= shards.files
    part = Wasm(
        modules=tuple(modules),
        memory_bytes=memory.size,
        weights=shards.at_address(memory.image),
        inputs=tuple(memory_range(p, program, memory) for p in program.inputs),
        outputs=tuple(memory_range(p, program, memory) for p in program.outputs),
    )
    return part, files
