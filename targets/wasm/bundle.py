"""The WebAssembly part of a bundle: modules for engines of several features, and what the manifest says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import wasmtime
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.targets.bundle.sections import Wasm, WasmModule
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.program import Program
from webdnn.targets.wasm.calls import Calls
from webdnn.targets.wasm.emit import Function, module_text
from webdnn.targets.wasm.lowering import Lowering, functions, kernels_in
from webdnn.targets.wasm.memory import PAGE, Memory
from webdnn.targets.wasm.threads import END, RUNTIME, WORK, dispatch_text
from webdnn.targets.wasm.variants import VARIANTS, Variant

LOAD, RUN = "load", "run"
"""The functions that a module exports: the first, if there is one, is called once, when the weights are in memory."""

WORTH_THREADS = 1_000_000
"""Nanoseconds of work that threads can share: the messages to them and back cost a tenth of that"""


def wasm_text(module: ModuleOp, memory: Memory, variant: Variant, ctx: Context) -> str:
    """The whole module as WebAssembly text."""
    return program_text(functions(module, variant, ctx), memory, variant)


def program_text(functions: Sequence[Function], memory: Memory, variant: Variant) -> str:
    """Functions of kernels, and those that call them in the order of the memory's program."""
    chunks = {f.name: f.chunks for f in functions if f.chunks > 1}
    calls, program, pages = Calls(memory, chunks), memory.program, memory.size // PAGE
    entries = {LOAD: program.launches_at_load, RUN: program.launches_of_a_run}
    callers = [
        Function.of(calls.function(name, launches)) for name, launches in entries.items() if launches or name == RUN
    ]
    exported = [caller.name for caller in callers]
    if not variant.threads:
        return module_text([*functions, *callers], pages, exported)
    runtime = f"{dispatch_text(calls.shared)}\n{RUNTIME}"
    return module_text([*functions, *callers], pages, (*exported, WORK, END), shared=True, runtime=runtime)


def shared_nanoseconds(program: Program, lowerings: Iterable[Lowering], variant: Variant) -> float:
    """How long those calls take that threads may share."""
    times = {lowering.kernel.sym_name.data: lowering.nanoseconds(variant) for lowering in lowerings}
    return sum(times[call.kernel.sym_name.data] for call in program.calls)


def build(module: ModuleOp, ctx: Context, variants: Iterable[Variant] = VARIANTS) -> tuple[Wasm, dict[str, bytes]]:
    """The manifest's part and the files it names, from kernels on flat buffers and their program."""
    program = Program.of(module)
    memory = Memory.of(program, module)
    files: dict[str, bytes] = {}
    modules: list[WasmModule] = []
    lowerings = [Lowering(kernel, ctx) for kernel in kernels_in(module)]
    built = [v for v in variants if not v.threads or shared_nanoseconds(program, lowerings, v) >= WORTH_THREADS]
    code: dict[str, list[Function]] = {variant.name: [] for variant in built}
    for lowering in lowerings:
        for variant, functions_of_kernel in zip(built, lowering.code(built), strict=True):
            code[variant.name] += functions_of_kernel
    for variant in built:
        path, text = f"wasm/{variant.name}.wasm", program_text(code[variant.name], memory, variant)
        files[path] = bytes(wasmtime.wat2wasm(text))
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
