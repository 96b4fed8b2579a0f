"""The instrumented module: its kernels, called one by one, compute what the bundle's module computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wasmtime
from numpy.typing import NDArray

from helpers.small_models import perceptron, write_model
from webdnn.passes.kernel.scheduling.share_loops import KernelShareLoopsPass
from webdnn.targets.wasm.instrument import Instrumented
from webdnn.targets.wasm.memory import PAGE
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.bench.profile import instrumented
from webdnn.tools.bench.subject import Settings
from webdnn.tools.oracle import Oracle


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_kernels_can_be_called_one_by_one(variant: Variant, tmp_path: Path) -> None:
    path = write_model(tmp_path / "net.onnx", perceptron())
    module = instrumented(path, variant, Settings(["wasm"], {}, {}, variant.name))
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    (expected,) = Oracle(path).run({"x": x}).values()
    np.testing.assert_allclose(run_by_kernel(module, x).reshape(expected.shape), expected.astype(np.float32), rtol=1e-5)
    assert set(module.sizes) == set(module.memory.program.kernels)
    assert sum(module.sizes.values()) < len(module.binary)
    assert min(module.sizes.values()) > 0


def test_sizes_are_those_of_whole_kernels(tmp_path: Path) -> None:
    path, whole = write_model(tmp_path / "net.onnx", perceptron()), VARIANTS[0]
    eager = replace(whole, sharing=KernelShareLoopsPass(chunks=2, nanoseconds=1))
    settings = Settings(["wasm"], {}, {}, whole.name)
    sizes, in_pieces = (instrumented(path, variant, settings).sizes for variant in (whole, eager))
    assert sizes.keys() == in_pieces.keys()
    assert any(in_pieces[name] > size for name, size in sizes.items())
    assert all(in_pieces[name] >= size for name, size in sizes.items())


def run_by_kernel(module: Instrumented, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The output after all launches, as it lies in memory."""
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    plan = module.memory
    pages = plan.size // PAGE
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, pages)))
    for move in plan.moves:
        memory.write(store, plan.weights.content[move.start : move.start + move.bytes], move.to)
    (given,), (wanted,) = plan.program.inputs, plan.program.outputs
    memory.write(store, x.tobytes(), plan.address(given))
    exports = wasmtime.Instance(store, wasmtime.Module(engine, module.binary), [memory]).exports(store)
    for call in plan.program.calls:
        kernel = exports[call.kernel.sym_name.data]
        assert isinstance(kernel, wasmtime.Func)
        kernel(store, *module.addresses(call))
    found = plan.range(wanted)
    return np.frombuffer(memory.read(store, found.address, found.address + found.bytes), np.float32)
