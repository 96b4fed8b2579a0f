"""A network within a limit of memory: the same results on every backend, in fewer bytes, for a little more work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.device import Limits
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

LIMIT = 60_000
"""Bytes; the largest value takes 65 536."""

NODES: Sequence[NodeProto] = (
    helper.make_node("Conv", ["image", "w0"], ["first"], "first", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["first"], ["wide"], "wide"),
    helper.make_node("Conv", ["wide", "w1"], ["deep"], "deep", group=16, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Add", ["deep", "wide"], ["sum"], "sum"),
    helper.make_node("MaxPool", ["sum"], ["small"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Conv", ["small", "w2"], ["left"], "left", kernel_shape=[1, 1]),
    helper.make_node("Conv", ["small", "w3"], ["right"], "right", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Concat", ["left", "right"], ["both"], "join", axis=1),
    helper.make_node("ConvTranspose", ["both", "u"], ["up"], "up", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Conv", ["up", "w4"], ["mask"], "mask", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    shapes = {
        "w0": (16, 3, 3, 3),
        "w1": (16, 1, 3, 3),
        "w2": (6, 16, 1, 1),
        "w3": (10, 16, 3, 3),
        "u": (16, 8, 2, 2),
        "w4": (1, 8, 3, 3),
    }
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    path = tmp_path_factory.mktemp("memory") / "model.onnx"
    return write_model(path, make_model(NODES, {"image": [1, 3, 32, 32]}, {"mask": [1, 1, 32, 32]}, weights))


@pytest.fixture(scope="module")
def bundle(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    manifest, files, summary = compile_model(model, limits=Limits(memory_bytes=LIMIT))
    kept = {backend.name: backend for backend in summary.backends}
    for name in ("wasm", "webgpu", "js"):
        assert kept[name].arena_bytes <= LIMIT
        assert 0 < (kept[name].done_again or 0) < 0.3
    assert kept["webgl"].done_again is None
    assert any("webgl has no limit of memory" in line for line in summary.lines())
    directory = tmp_path_factory.mktemp("bundle") / "bundle"
    write_bundle(directory, manifest, files)
    return directory


def image() -> dict[str, Array]:
    return {"image": np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)}


def check(bundle: Path, engine: Engine, model: Path) -> None:
    """Run twice: nothing that the first run leaves may be missed by the second."""
    expected = Oracle(model).run(image())["mask"]
    with Session(bundle, engine) as session:
        for _ in range(2):
            found = compare(session.run(image())["mask"], expected)
            assert found.within, found


@pytest.mark.parametrize("relaxed", [True, False])
def test_wasm_computes_the_same(relaxed: bool, bundle: Path, model: Path) -> None:
    check(bundle, Wasmtime(relaxed_simd=relaxed), model)


@pytest.mark.parametrize("backend", ["wasm", "webgpu", "webgl2", "js"])
def test_browsers_compute_the_same(backend: str, bundle: Path, model: Path, browser: Browser) -> None:
    check(bundle, Chromium(backend, browser), model)


def test_a_chain_of_convolutions_is_computed_over_itself(tmp_path: Path) -> None:
    """Four values of 37 kB in 60 kB, and no row twice: each is written over the one before, from alternate ends."""
    generator = np.random.default_rng(0)
    widths = [3, 8, 8, 8, 8]
    nodes = [
        helper.make_node("Conv", [f"v{i}", f"w{i}"], [f"v{i + 1}"], f"conv{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        for i in range(len(widths) - 1)
    ]
    weights = {
        f"w{i}": generator.standard_normal((widths[i + 1], widths[i], 3, 3)).astype(np.float32)
        for i in range(len(nodes))
    }
    nodes.append(helper.make_node("GlobalAveragePool", [f"v{len(nodes)}"], ["mean"], "pool"))
    model = make_model(nodes, {"v0": [1, 3, 32, 32]}, {"mean": [1, 8, 1, 1]}, weights)
    path = write_model(tmp_path / "chain.onnx", model)
    manifest, files, summary = compile_model(path, ["wasm"], accuracy="exact", limits=Limits(memory_bytes=60_000))
    assert summary.backends[0].arena_bytes <= 60_000
    assert summary.backends[0].done_again == 0
    write_bundle(tmp_path / "bundle", manifest, files)
    feeds: dict[str, Array] = {"v0": generator.standard_normal((1, 3, 32, 32)).astype(np.float32)}
    with Session(tmp_path / "bundle", Wasmtime()) as session:
        for _ in range(2):
            found = compare(session.run(feeds)["mean"], Oracle(path).run(feeds)["mean"])
            assert found.within, found


def test_as_little_as_possible_is_less_than_any_limit(model: Path) -> None:
    _, _, least = compile_model(model, ["wasm"], limits=Limits(memory_bytes=0))
    assert least.backends[0].arena_bytes < LIMIT


def test_a_limit_that_holds_anyway_changes_nothing(model: Path) -> None:
    plain, limited = (compile_model(model, ["wasm"], limits=Limits(memory_bytes=limit)) for limit in (None, 10_000_000))
    assert limited[0] == plain[0]
    assert limited[1] == plain[1]
    assert limited[2].backends[0].done_again == 0


def test_what_cannot_be_is_refused_with_what_can(model: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        compile_model(model, ["wasm"], limits=Limits(memory_bytes=1000))
    assert "more than the limit of 1000" in caught.value.what
    assert "there live pool (" in caught.value.what
    least = int(caught.value.hint.split("--memory-limit ")[1].split(",")[0])
    _, _, summary = compile_model(model, ["wasm"], limits=Limits(memory_bytes=least))
    assert summary.backends[0].arena_bytes <= least
