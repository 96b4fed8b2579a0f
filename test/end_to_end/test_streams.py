"""Speech detection frame by frame on every backend: each run is fed the state that the one before gave."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import shared_model
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

FRAME = 576
"""Samples of a frame at 16 kHz, the 64 before it included."""

CASES = [("silero-vad-op18", 16000), ("silero-vad-op18", 8000), ("silero-vad-16k-op15", 16000)]
"""Models, and rates that a run is told; the first model chooses one of two networks by it."""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundle of each model, for all backends."""
    written: dict[str, Path] = {}
    for name in dict.fromkeys(name for name, _ in CASES):
        manifest, files, _ = compile_model(shared_model(name), list(BACKENDS), dims={"batch": 1, "sequence": FRAME})
        written[name] = tmp_path_factory.mktemp("bundles") / name
        write_bundle(written[name], manifest, files)
    return written


@cache
def frames(count: int, rate: int) -> list[Array]:
    """A voice of harmonics that rises and falls, over noise."""
    generator, times = np.random.default_rng(0), np.arange(FRAME) / rate
    found: list[Array] = []
    for i in range(count):
        tone = sum(np.sin(2 * np.pi * (150 + i) * harmonic * times) / harmonic for harmonic in (1, 2, 5))
        voice = 0.4 * abs(np.sin(i / 7)) * tone + 0.02 * generator.standard_normal(FRAME)
        found.append(as_array(voice[np.newaxis].astype(np.float32)))
    return found


def stream(name: str, rate: int, count: int, bundle: Path, engine: Engine) -> None:
    """Every frame's probability and state are those of onnxruntime, which is fed its own states."""
    oracle, state = Oracle(shared_model(name)), np.zeros((2, 1, 128), np.float32)
    ours, theirs = as_array(state), as_array(state)
    rates = as_array(np.array(rate, np.int64))
    probabilities: list[float] = []
    with Session(bundle, engine) as session:
        for i, samples in enumerate(frames(count, rate)):
            found = session.run({"input": samples, "state": ours, "sr": rates})
            wanted = oracle.run({"input": samples, "state": theirs, "sr": rates})
            for output in ("output", "stateN"):
                comparison = compare(found[output], wanted[output])
                assert comparison.within, f"{output} of frame {i}: {comparison}"
            ours, theirs = found["stateN"], wanted["stateN"]
            probabilities.append(float(wanted["output"].astype(np.float64).item()))
    assert max(probabilities) - min(probabilities) > 0.01, "the frames are all alike"


@pytest.mark.parametrize(("name", "rate"), CASES)
def test_wasm(name: str, rate: int, bundles: dict[str, Path]) -> None:
    stream(name, rate, 100, bundles[name], Wasmtime(relaxed_simd=True))


@pytest.mark.parametrize(("name", "rate"), CASES)
@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1", "wasm", "js"])
def test_in_a_browser(name: str, rate: int, backend: str, bundles: dict[str, Path], browser: Browser) -> None:
    stream(name, rate, 20, bundles[name], Chromium(backend, browser))
