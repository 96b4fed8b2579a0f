"""Whole models, compiled and run on every backend, against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from helpers.peers import generated_model, shared_model
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.commands.run import random_inputs
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

MODELS: dict[str, Callable[[str], Path]] = {
    "mnist": shared_model,
    "mnist_cnn": generated_model,
    "ultraface-rfb-320": shared_model,
    "squeezenet11": generated_model,
}
SMALL = ("mnist", "mnist_cnn")
IN_BROWSERS = ("webgpu", "webgl2", "webgl1", "wasm", "js")
LARGEST_ARENA = 1.25
"""Of the least that any plan needs."""


def run_and_compare(path: Path, bundle: Path, engine: Engine) -> None:
    """Random inputs through the bundle and through onnxruntime."""
    with Session(bundle, engine) as session:
        inputs = random_inputs(Inputs(session.inputs), seed=0)
        outputs = session.run(inputs)
    expected = Oracle(path).run(inputs)
    assert outputs.keys() == expected.keys()
    comparisons = {name: compare(value, expected[name]) for name, value in outputs.items()}
    assert all(c.within for c in comparisons.values()), comparisons


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Name of a model -> its file, and its bundle; each is compiled once, when it is first asked for."""

    @cache
    def compile_named(name: str) -> tuple[Path, Path]:
        path = MODELS[name](name)
        manifest, files, summary = compile_model(path, list(BACKENDS) if name in SMALL else ["wasm"])
        assert all(part.arena_ratio < LARGEST_ARENA for part in summary.backends), summary
        directory = tmp_path_factory.mktemp("bundles") / name
        write_bundle(directory, manifest, files)
        return path, directory

    return compile_named


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("relaxed", [True, False], ids=["relaxed", "simd"])
def test_wasm(name: str, relaxed: bool, compiled: Callable[[str], tuple[Path, Path]]) -> None:
    run_and_compare(*compiled(name), Wasmtime(relaxed_simd=relaxed))


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("backend", IN_BROWSERS)
def test_in_a_browser(name: str, backend: str, compiled: Callable[[str], tuple[Path, Path]], browser: Browser) -> None:
    run_and_compare(*compiled(name), Chromium(backend, browser))
