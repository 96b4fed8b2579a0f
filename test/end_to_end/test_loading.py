"""What is computed when a model is loaded lies where weights were: right results on every engine, however often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.dialects.dnn.reference import constants
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.passes.dnn import fold_constants
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.targets.bundle.manifest import Manifest
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

CHANNELS, SIDE, RANK, CLASSES = 32, 28, 4, 64
PIXELS = CHANNELS * SIDE * SIDE


def values(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32) / np.float32(np.sqrt(shape[-1]))


@dataclass(frozen=True)
class Compiled:
    """A bundle, an input, and what onnxruntime computes from it."""

    bundle: Path
    manifest: Manifest
    inputs: Mapping[str, NDArray[np.float32]]
    expected: Mapping[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Convolutions that Winograd's algorithm computes on wasm, and a product of constants that is not folded.

    A softmax of the product needs buffers on its way. A run reads one of its factors too.
    """
    folding = pytest.MonkeyPatch()
    folding.setattr(constants, "FOLD_LIMIT", 0)
    folding.setattr(fold_constants, "ALLOWANCE", 0)
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["c"], ["flat"]),
        helper.make_node("MatMul", ["left", "right"], ["product"]),
        helper.make_node("Softmax", ["product"], ["weights"]),
        helper.make_node("MatMul", ["flat", "weights"], ["y"]),
        helper.make_node("MatMul", ["y", "turned"], ["z"]),
    ]
    right = values(RANK, CLASSES)
    weights = {
        "first": values(48, CHANNELS, 3, 3) / 3,
        "second": values(CHANNELS, 48, 3, 3) / 3,
        "left": values(PIXELS, RANK),
        "right": right,
        "turned": np.ascontiguousarray(right.T),
    }
    shape = [1, CHANNELS, SIDE, SIDE]
    folder = tmp_path_factory.mktemp("loading")
    model = write_model(
        folder / "model.onnx", make_model(nodes, {"x": shape}, {"y": [1, CLASSES], "z": [1, RANK]}, weights)
    )
    manifest, files, _ = compile_model(model, list(BACKENDS))
    folding.undo()
    inputs = {"x": values(*shape)}
    expected = Oracle(model).run(inputs)
    return Compiled(folder / "bundle", write_bundle(folder / "bundle", manifest, files), inputs, expected)


LATE_WEIGHTS = """async ([url, threads, warmUp, inputs]) => {
  let runs = 0, enough;
  const twice = new Promise((resolve) => (enough = resolve));
  const count = () => ++runs === 2 && enough();
  const { instantiate } = WebAssembly, { postMessage } = Worker.prototype, { fetch } = window;
  WebAssembly.instantiate = async (...all) => {
    const { exports } = await instantiate(...all);
    return { exports: { ...exports, run() { exports.run(); count(); } } };
  };
  Worker.prototype.postMessage = function (message) {
    if (message === "run") count();
    // What comes during the second run finds it still computing.
    if (message === "run" && runs === 2) setTimeout(() => postMessage.call(this, message), 500);
    else postMessage.call(this, message);
  };
  const late = (warmUp ?? true) ? twice : new Promise((resolve) => setTimeout(resolve, 500));
  window.fetch = (address, options) =>
    fetch(address, options).then((answer) => String(address).includes("/weights/") ? late.then(() => answer) : answer);
  const { load } = await import("/runner/index.js");
  const session = await load(url, { backends: ["wasm"], threads, warmUp: warmUp ?? undefined });
  const early = runs;
  const floats = Object.entries(inputs).map(([name, values]) => [name, Float32Array.from(values)]);
  const outputs = Object.entries(await session.run(Object.fromEntries(floats)));
  await session.dispose();
  return { early, outputs: Object.fromEntries(outputs.map(([name, values]) => [name, [...values]])) };
}"""
"""Loads a bundle whose weights come when it has run twice: the runs until it was loaded, and what it computes."""


class Late(TypedDict):
    """What `LATE_WEIGHTS` answers."""

    early: int
    outputs: dict[str, list[float]]


def check(compiled: Compiled, engine: Engine, threads: int = 1) -> None:
    """Two sessions, alive at once, of two runs each."""
    with Session(compiled.bundle, engine) as first, Session(compiled.bundle, engine) as second:
        for session in (first, second, first, second):
            found = session.run(compiled.inputs)
            for name, wanted in compiled.expected.items():
                np.testing.assert_allclose(as_array(found[name]), as_array(wanted), 1e-3, 1e-4, err_msg=name)


@pytest.mark.parametrize("relaxed", [True, False])
def test_wasmtime(compiled: Compiled, relaxed: bool) -> None:
    check(compiled, Wasmtime(relaxed_simd=relaxed))


@pytest.mark.parametrize("backend", ["wasm", "js", "webgpu", "webgl2", "webgl1"])
def test_in_a_browser(compiled: Compiled, browser: Browser, backend: str) -> None:
    check(compiled, Chromium(backend, browser))


def test_wgpu(compiled: Compiled) -> None:
    check(compiled, Wgpu())


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(compiled: Compiled, browser: Browser, threads: int) -> None:
    check(compiled, Chromium("wasm", browser, threads))


@pytest.mark.parametrize(("threads", "warm_up", "early"), [(1, None, 2), (2, None, 2), (1, False, 0)])
def test_it_warms_up_while_weights_are_late(
    compiled: Compiled, browser: Browser, threads: int, warm_up: bool | None, early: int
) -> None:
    page = browser.new_page()
    inputs = {name: array.ravel().tolist() for name, array in compiled.inputs.items()}
    answer: Late = page.evaluate(LATE_WEIGHTS, [browser.mount(compiled.bundle), threads, warm_up, inputs])
    page.close()
    assert answer["early"] == early
    for name, wanted in compiled.expected.items():
        np.testing.assert_allclose(answer["outputs"][name], as_array(wanted).ravel(), 1e-3, 1e-4, err_msg=name)


def test_weights_do_not_stay(compiled: Compiled) -> None:
    backends = compiled.manifest.backends
    assert backends.wasm
    assert backends.js
    assert backends.webgpu
    assert backends.webgl
    product, factors = 4 * PIXELS * CLASSES, 4 * RANK * (PIXELS + CLASSES)
    assert backends.wasm.computed_bytes == product + 2 * 4 * 6 * 6 * CHANNELS * 48
    # The product, its softmax, and the largest element and the sum of each row; then factors need no room of their own.
    assert backends.js.memory_bytes < 2 * product + 2 * 4 * PIXELS + sum(piece.bytes for piece in backends.js.weights)
    assert sum(piece.bytes for piece in backends.webgpu.weights if piece.buffer == "arena") == factors
    assert 1 < backends.webgpu.loading < len(backends.webgpu.dispatches)
    assert 1 < backends.webgl.loading < len(backends.webgl.draws)
