"""Memory over many runs in Chromium; `python -m bench.endurance` makes thousands of a model."""

from pathlib import Path

import numpy as np
import pytest
from bench.endurance import STEADY, growth, opened
from onnx import ModelProto, helper

from helpers.small_models import make_model, write_model
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model


def convolutions() -> ModelProto:
    """Two convolutions, a pooling and a product, from [1, 3, 16, 16] to [1, 10]."""
    generator = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["s"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Conv", ["r", "b"], ["t"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["t"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "c"], ["y"]),
    ]
    shapes = {"a": (8, 3, 3, 3), "b": (8, 8, 3, 3), "c": (8, 10)}
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return make_model(nodes, {"x": [1, 3, 16, 16]}, {"y": [1, 10]}, weights)


@pytest.mark.parametrize(("backend", "target"), [("webgl2", "webgl"), ("webgpu", "webgpu")])
def test_the_memory_of_a_page_settles(tmp_path: Path, backend: str, target: str) -> None:
    """Who leaves 5 kB behind in each run, less than one of the model's values, goes on growing."""
    manifest, files, _ = compile_model(write_model(tmp_path / "model.onnx", convolutions()), (target,))
    write_bundle(tmp_path / "bundle", manifest, files)
    with opened(tmp_path / "bundle", backend) as endurance:
        samples = endurance.settle(200, 8)
    assert samples[0].page > 0
    assert growth(samples[-2:]) < STEADY, samples
