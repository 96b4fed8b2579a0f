"""The functions that threads share kernels by: they validate, and run as far as one thread can show."""

from __future__ import annotations

import pytest
import wasmtime

from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.threads import CONTROL_BYTES, END, RUNTIME, WORK, dispatch_text, ticket_of

CALLS = (("note", (0x10,)), ("note", (0x20,)), ("note", (0x4000_0000,)))
NOTE = f"""  (func $note (param $address i32) (param $chunk i32)
    (i32.store (i32.const {CONTROL_BYTES}) (i32.add (i32.load (i32.const {CONTROL_BYTES}))
      (i32.add (local.get $address) (local.get $chunk)))))"""


def text(run: str, *, shared: bool = False, calls: int = len(CALLS)) -> str:
    """A module whose kernel adds up what it is called with, for the calls that there are."""
    functions = [NOTE, dispatch_text(CALLS[:calls]), RUNTIME, f"  (func $run {run})"]
    return module_text((), 1, ("run", WORK, END), shared=shared, runtime="\n".join(functions))


@pytest.fixture(scope="module")
def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_threads = True
    config.shared_memory = True
    return wasmtime.Engine(config)


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_a_module_over_shared_memory_validates(engine: wasmtime.Engine, calls: int) -> None:
    wasmtime.Module.validate(engine, bytes(wasmtime.wat2wasm(text("", shared=True, calls=calls))))


@pytest.mark.parametrize(
    ("call", "chunks", "noted"), [(0, 1, 0x10), (1, 4, 4 * 0x20 + 6), (2, 2, 0x8000_0001), (1, 0, 0)]
)
def test_every_chunk_is_taken_once_and_workers_stop(
    engine: wasmtime.Engine, call: int, chunks: int, noted: int
) -> None:
    run = f"(call $fork (i32.const {ticket_of(call, chunks)}))"
    code = bytes(wasmtime.wat2wasm(text(run)))
    store = wasmtime.Store(engine)
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 1)))
    linker = wasmtime.Linker(engine)
    linker.define(store, "webdnn", "memory", memory)
    exports = linker.instantiate(store, wasmtime.Module(engine, code)).exports(store)
    for name in ("run", END, WORK):
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        function(store)
    assert int.from_bytes(memory.read(store, CONTROL_BYTES, CONTROL_BYTES + 4), "little") == noted
