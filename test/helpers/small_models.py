"""Small ONNX models, written to files for the tools to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = NDArray[np.generic]
Shape = Sequence[int | str]


def make_model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape | None],
    weights: Mapping[str, Array] | None = None,
    element: int = TensorProto.FLOAT,
) -> ModelProto:
    """A model of opset 17 whose inputs and outputs have one element type."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, element, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, element, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def perceptron(seed: int = 0, batch: int | str = 2) -> ModelProto:
    """y = relu(x @ w + b) @ v, from [batch, 4] to [batch, 3]."""
    generator = np.random.default_rng(seed)

    def values(*shape: int) -> Array:
        return generator.standard_normal(shape).astype(np.float32)

    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["s"], "first"),
        helper.make_node("Relu", ["s"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "v"], ["y"], "second"),
    ]
    weights = {"w": values(4, 8), "b": values(8), "v": values(8, 3)}
    return make_model(nodes, {"x": [batch, 4]}, {"y": [batch, 3]}, weights)


def write_model(path: Path, model: ModelProto) -> Path:
    """Write a model, and return where."""
    path.write_bytes(model.SerializeToString())
    return path
