"""The functions that threads share kernels by: they validate, and run as far as one thread can show."""

from __future__ import annotations

import pytest
import wasmtime

from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.threads import CONTROL_BYTES, END, RUNTIME, WORK, SharedCall, dispatch_text

CALLS = (SharedCall("note", (0x100,), 2), SharedCall("note", (0x200,), 32), SharedCall("note", (0x1000_0000,), 16))
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


def test_the_bits_of_a_call_are_spread() -> None:
    assert [call.bits for call in CALLS] == [0x1_0001, 0xFFFF_FFFF, 0x5555_5555]


@pytest.mark.parametrize("call", range(len(CALLS)))
def test_every_chunk_is_taken_once_and_workers_stop(engine: wasmtime.Engine, call: int) -> None:
    shared = CALLS[call]
    code = bytes(wasmtime.wat2wasm(text(f"(call $fork (i32.const {call}) (i32.const {shared.bits}))")))
    store = wasmtime.Store(engine)
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 1)))
    linker = wasmtime.Linker(engine)
    linker.define(store, "webdnn", "memory", memory)
    exports = linker.instantiate(store, wasmtime.Module(engine, code)).exports(store)
    for name, arguments in (("run", ()), (END, ()), (WORK, (16,))):
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        function(store, *arguments)
    noted = int.from_bytes(memory.read(store, CONTROL_BYTES, CONTROL_BYTES + 4), "little")
    assert noted == (shared.chunks * shared.addresses[0] + sum(range(shared.chunks))) % (1 << 32)
