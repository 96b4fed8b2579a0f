"""Programs of kernels compiled to WebAssembly and run by wasmtime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import wasmtime
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import buffer_type
from webdnn.support.weights import Array, numpy_dtype
from webdnn.targets.program import Program
from webdnn.targets.wasm.bundle import LOAD, RUN, wasm_text
from webdnn.targets.wasm.memory import PAGE, Memory
from webdnn.targets.wasm.threads import CONTROL_BYTES
from webdnn.targets.wasm.variants import Variant


def run_wasm(module: ModuleOp, inputs: Sequence[Array], variant: Variant) -> list[Array]:
    """The results of a program of kernels on flat buffers."""
    program = Program.of(module)
    memory = Memory.of(program, module)
    text = wasm_text(module, memory, variant, Context())
    return run_text(text, program, memory, inputs)


def run_text(text: str, program: Program, plan: Memory, inputs: Sequence[Array]) -> list[Array]:
    """Run a module's text over a memory laid out as planned.

    One for threads gets a memory of its own, since wasmtime's binding links no shared one: it takes all chunks itself,
    the last first.
    """
    text = text.replace(" shared)", ")", 1)
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    config.wasm_threads = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    pages = plan.size // PAGE
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, pages)))
    memory.write(store, bytes(CONTROL_BYTES).ljust(plan.size, b"\x77"), 0)
    linker = wasmtime.Linker(engine)
    linker.define(store, "webdnn", "memory", memory)
    exports = linker.instantiate(store, wasmtime.Module(engine, bytes(wasmtime.wat2wasm(text)))).exports(store)
    load, run = exports.get(LOAD), exports[RUN]
    assert isinstance(run, wasmtime.Func)
    for move in plan.moves:
        memory.write(store, plan.weights.content[move.start : move.start + move.bytes], move.to)
    if isinstance(load, wasmtime.Func):
        load(store)
    for buffer, array in zip(program.inputs, inputs, strict=True):
        memory.write(store, np.ascontiguousarray(array).tobytes(), plan.address(buffer))
    run(store)
    results: list[Array] = []
    for buffer in program.outputs:
        place, type = plan.range(buffer), buffer_type(buffer)
        content = memory.read(store, place.address, place.address + place.bytes)
        results.append(np.frombuffer(content, numpy_dtype(element_type(type))).reshape(type.get_shape()))
    return results
