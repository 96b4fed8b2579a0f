"""Recurrent layers, compiled and run on every backend, against the reference."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from numpy.typing import NDArray

from helpers.recurrent_layers import Attributes, Layer, layers
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.compiler import compile_module

TOLERANCE = 1e-5

bounded = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng([seed, *shape])
    return as_array(np.asarray(generator.standard_normal(shape)).astype(np.float32))


def run_and_compare(layer: Layer, attributes: Attributes, target: str, engines: dict[str, Engine], at: Path) -> None:
    """Each engine gives what the reference does, and the same again in a second run."""
    model, inputs = layer.model(noise, attributes)
    module = import_onnx(model)
    expected = run_function(module, list(inputs.values()))
    manifest, files, _ = compile_module(module, [target], name="layer")
    written = write_bundle(at, manifest, files)
    for name, engine in engines.items():
        with Session(at, engine) as session:
            for _ in range(2):
                results = session.run(inputs)
                for tensor, wanted in zip(written.outputs, expected, strict=True):
                    found = as_array(results[tensor.name])
                    np.testing.assert_allclose(found, as_array(wanted), TOLERANCE, TOLERANCE, err_msg=name)


@bounded
@given(drawn=layers())
def test_wasm(drawn: tuple[Layer, Attributes]) -> None:
    with TemporaryDirectory() as directory:
        engines: dict[str, Engine] = {str(relaxed): Wasmtime(relaxed_simd=relaxed) for relaxed in (True, False)}
        run_and_compare(*drawn, "wasm", engines, Path(directory) / "bundle")


@pytest.mark.parametrize(("batch", "hidden"), [(1, 40), (1, 256), (7, 24), (2, 17)])
@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_wasm_with_lanes(op: str, batch: int, hidden: int, tmp_path: Path) -> None:
    """Hidden units that fill vectors, blocks and panels, and some that do not."""
    layer = Layer(op, steps=3, batch=batch, inputs=8, hidden=hidden, directions=2)
    attributes: Attributes = {"hidden_size": hidden, "direction": "bidirectional"}
    engines: dict[str, Engine] = {str(relaxed): Wasmtime(relaxed_simd=relaxed) for relaxed in (True, False)}
    run_and_compare(layer, attributes, "wasm", engines, tmp_path / "bundle")


SMALL: dict[str, tuple[Layer, Attributes]] = {
    "lstm": (Layer("LSTM", directions=2, states=True, peepholes=True, lengths=(2, 4)), {"direction": "bidirectional"}),
    "gru": (Layer("GRU", steps=5, hidden=8, states=True), {"direction": "reverse"}),
    "gru, reset after": (Layer("GRU", lengths=(3, 1)), {"linear_before_reset": 1, "clip": 0.5}),
    "rnn": (Layer("RNN", steps=3, hidden=4), {}),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("target", BACKENDS)
def test_in_a_browser_and_wgpu(name: str, target: str, browser: Browser, tmp_path: Path) -> None:
    layer, attributes = SMALL[name]
    backends = ["webgl2", "webgl1"] if target == "webgl" else [target]
    engines: dict[str, Engine] = {backend: Chromium(backend, browser) for backend in backends}
    if target == "webgpu":
        engines["wgpu"] = Wgpu()
    run_and_compare(layer, {"hidden_size": layer.hidden, **attributes}, target, engines, tmp_path / "bundle")
