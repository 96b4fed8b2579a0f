"""The image classifiers inside the onnx package: whole architectures, whose weights are a few constants repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
SCALES = {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)}
"""Vectors that multiply or divide: they stay near 1, all others near 0."""

NEAR = 0.1


def light_model(name: str) -> Path:
    """The file of a model: `light_model("squeezenet")`."""
    return LIGHT / f"light_{name}.onnx"


@dataclass(frozen=True)
class Role:
    """Which operand of which operator a weight is."""

    operator: str
    operand: int

    def values(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
        """Random numbers that keep activations at their size from layer to layer (He et al., 2015)."""
        normal = generator.standard_normal(shape, np.float32)
        if len(shape) > 1:
            return normal * np.float32(sqrt(2 / prod(shape[1:])))
        if (self.operator, self.operand) in SCALES:
            return np.float32(1) + np.float32(NEAR) * np.abs(normal)
        return np.float32(NEAR) * normal


def roles(model: ModelProto) -> Mapping[str, Role]:
    """The first use of each value; one that is only given more axes is used where that goes."""
    found: dict[str, Role] = {}
    for node in reversed(model.graph.node):
        for operand, name in reversed(list(enumerate(node.input))):
            used = found.get(node.output[0]) if node.op_type == "Unsqueeze" else None
            found[name] = used or Role(node.op_type, operand)
    return found


def filled_shape(node: NodeProto, initializers: Mapping[str, TensorProto]) -> tuple[int, ...] | None:
    """The shape that a node fills with one float, if it does that."""
    if node.op_type != "ConstantOfShape" or node.attribute[0].t.data_type != TensorProto.FLOAT:
        return None
    sizes: list[int] = numpy_helper.to_array(initializers[node.input[0]]).tolist()
    return tuple(sizes)


def randomize(model: ModelProto, seed: int = 0) -> None:
    """Put seeded random weights in the place of float initializers and filled constants."""
    generator, uses = np.random.default_rng(seed), roles(model)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    for tensor in initializers.values():
        if tensor.data_type == TensorProto.FLOAT and tensor.name in uses:
            values = uses[tensor.name].values(tuple(tensor.dims), generator)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in model.graph.node:
        shape = filled_shape(node, initializers)
        if shape is not None:
            values = uses[node.output[0]].values(shape, generator)
            constant = numpy_helper.from_array(values, node.output[0])
            node.CopyFrom(helper.make_node("Constant", [], list(node.output), value=constant))


def without_softmax(model: ModelProto) -> None:
    """Take the softmax off the end: it makes ones and zeros of large numbers, whatever these are."""
    last = model.graph.node[-1]
    if last.op_type == "Softmax":
        model.graph.output[0].name = last.input[0]
        del model.graph.node[-1]
