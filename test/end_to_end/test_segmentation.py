"""What segmentation and detection end with, interpolated maps and indices of the best, on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

NODES: Sequence[NodeProto] = (
    helper.make_node("Conv", ["image", "w"], ["logits"], "head", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Resize", ["logits", "", "twice"], ["wide"], "upsample", mode="linear"),
    helper.make_node("Resize", ["wide", "", "", "sizes"], ["map"], "fit", mode="cubic"),
    helper.make_node("ArgMax", ["map"], ["classes"], "classes", axis=1, keepdims=0),
    helper.make_node("ArgMin", ["map"], ["last"], "last", axis=1, keepdims=0, select_last_index=1),
    helper.make_node("Reshape", ["map", "rows"], ["flat"], "flat"),
    helper.make_node("TopK", ["flat", "k"], ["best", "places"], "best", axis=1),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = {
        "w": np.random.default_rng(0).standard_normal((5, 3, 3, 3)).astype(np.float32),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "sizes": np.array([1, 5, 17, 13], np.int64),
        "rows": np.array([5, -1], np.int64),
        "k": np.array([4], np.int64),
    }
    outputs = {"map": [1, 5, 17, 13], "classes": [1, 17, 13], "last": [1, 17, 13], "best": [5, 4], "places": [5, 4]}
    made = make_model(NODES, {"image": [1, 3, 8, 10]}, outputs, weights)
    for i in (1, 2, 4):
        made.graph.output[i].type.tensor_type.elem_type = TensorProto.INT64
    return write_model(tmp_path_factory.mktemp("segmentation") / "model.onnx", made)


@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1", "wasm", "js"])
def test_maps_and_their_best(backend: str, model: Path, browser: Browser, tmp_path: Path) -> None:
    manifest, files, _ = compile_model(model, ["webgl" if backend.startswith("webgl") else backend])
    write_bundle(tmp_path / "bundle", manifest, files)
    inputs = {"image": np.random.default_rng(1).standard_normal((1, 3, 8, 10)).astype(np.float32)}
    with Session(tmp_path / "bundle", Chromium(backend, browser)) as session:
        found = session.run(inputs)
    expected = Oracle(model).run(inputs)
    for name in ("classes", "last", "places"):
        np.testing.assert_array_equal(found[name], expected[name])
    comparisons = {name: compare(found[name], expected[name]) for name in ("map", "best")}
    assert all(c.within for c in comparisons.values()), comparisons
