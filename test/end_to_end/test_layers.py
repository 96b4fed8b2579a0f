"""A model whose results lie in layers on WebGL 2, and in whole textures on WebGL 1, from one bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.sections import Layers
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 rows, which four layers hold in fives; windows and a residual read across layers."""
    generator = np.random.default_rng(0)
    shapes = {"w": (16, 3, 3, 3), "d": (16, 1, 3, 3), "v": (16, 16, 1, 1)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["wide"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["wide", "d"], ["deep"], "depthwise", group=16, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["deep", "v"], ["mixed"], "mix", kernel_shape=[1, 1]),
        helper.make_node("Add", ["mixed", "wide"], ["sum"], "residual"),
        helper.make_node("MaxPool", ["sum"], ["y"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    made = make_model(nodes, {"x": [1, 3, 18, 18]}, {"y": [1, 16, 9, 9]}, weights)
    return write_model(tmp_path_factory.mktemp("layers") / "model.onnx", made)


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
def test_layers_compute_the_same(browser: Browser, backend: str, model: Path, tmp_path: Path) -> None:
    manifest, files, _ = compile_model(model, ["webgl"])
    assert manifest.backends.webgl is not None
    layers = [texture.layers for texture in manifest.backends.webgl.textures if texture.layers]
    assert layers.count(Layers(count=4, width=32, height=12)) >= 2, "5 rows of 18 points and 4 texels each"
    write_bundle(tmp_path / "bundle", manifest, files)
    x = np.random.default_rng(1).standard_normal((1, 3, 18, 18)).astype(np.float32)
    with Session(tmp_path / "bundle", Chromium(backend, browser)) as session:
        found = session.run({"x": x})
    comparison = compare(found["y"], Oracle(model).run({"x": x})["y"])
    assert comparison.within, comparison
