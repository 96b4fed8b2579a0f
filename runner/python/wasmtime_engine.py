"""Runs a bundle's wasm module in wasmtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import wasmtime

from webdnn.runner.python.bundle import REBUILD_HINT, Bundle
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Wasm
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import Array, from_bytes

PAGE_BYTES = 65536


@dataclass(frozen=True)
class Wasmtime:
    """Takes the first module of the bundle whose features are enabled."""

    relaxed_simd: bool = True

    def open(self, bundle: Bundle) -> "WasmtimeExecutor":
        """Instantiate the module over a memory that holds the weights."""
        section = bundle.manifest["backends"].get("wasm")
        if section is None:
            raise SessionError(f"{bundle.directory} was not compiled for wasm", "compile it for wasm, or use chromium")
        return WasmtimeExecutor(bundle, section, self.relaxed_simd)


class WasmtimeExecutor:
    """One instance; its memory never grows."""

    backend = "wasm"

    def __init__(self, bundle: Bundle, section: Wasm, relaxed_simd: bool) -> None:
        engine = _engine(relaxed_simd)
        self._inputs = Inputs.of(bundle.manifest)
        self._tensors = bundle.manifest["outputs"]
        self._section = section
        self._store = wasmtime.Store(engine)
        pages = -(-section["memoryBytes"] // PAGE_BYTES)
        try:
            module = wasmtime.Module(engine, bundle.read(_module_file(bundle, section, relaxed_simd)))
            self._memory = wasmtime.Memory(self._store, wasmtime.MemoryType(wasmtime.Limits(pages, pages)))
            linker = wasmtime.Linker(engine)
            linker.define(self._store, "webdnn", "memory", self._memory)
            exports = linker.instantiate(self._store, module).exports(self._store)
            run, load = exports["run"], exports.get("load")
        except (wasmtime.WasmtimeError, wasmtime.Trap, KeyError) as error:
            raise SessionError(f"{bundle.directory}: the wasm module cannot be used: {error}", REBUILD_HINT) from error
        if not isinstance(run, wasmtime.Func):
            raise SessionError(f"{bundle.directory}: the wasm module exports no function run", REBUILD_HINT)
        self._run = run
        for piece, content in bundle.weights(section["weights"]):
            self._memory.write(self._store, content, piece["address"])
        if isinstance(load, wasmtime.Func):
            load(self._store)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Write the inputs, call the module, read the outputs."""
        for value, place in zip(self._inputs.greatest(inputs), self._section["inputs"], strict=True):
            self._memory.write(self._store, value.tobytes(), place["address"])
        try:
            self._run(self._store)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise SessionError(f"the wasm module failed: {error}", "report this as a bug of the compiler") from error
        places = [(place["address"], place["address"] + place["bytes"]) for place in self._section["outputs"]]
        return from_bytes(self._tensors, [self._memory.read(self._store, *place) for place in places])

    def close(self) -> None:
        """Free the instance and its memory."""
        self._store.close()


def _module_file(bundle: Bundle, section: Wasm, relaxed_simd: bool) -> str:
    enabled = {"simd", "relaxed-simd"} if relaxed_simd else {"simd"}
    for module in section["modules"]:
        if enabled.issuperset(module["features"]):
            return module["file"]
    needs = " or ".join(" + ".join(module["features"]) for module in section["modules"])
    raise SessionError(f"{bundle.directory}: every module needs more than wasmtime was given: {needs}", REBUILD_HINT)


@lru_cache
def _engine(relaxed_simd: bool) -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_simd = True
    config.wasm_relaxed_simd = relaxed_simd
    return wasmtime.Engine(config)
