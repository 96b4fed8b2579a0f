"""Small models, each for one kernel: the representatives of classes that the built-in choices are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from webdnn.support.weights import Array

OPSET = 17

WEIGHT_SCALE = 0.05

Step = tuple[str, Sequence[int], dict[str, int | Sequence[int]]]
"""An ONNX operator, the shape of its weight or of nothing, and its attributes"""

RELU: Step = ("Relu", (), {})


@dataclass(frozen=True)
class Representative:
    """A chain of operators on an input, whose longest kernel of a kind stands for others like it."""

    kind: str
    shape: tuple[int, ...]
    chain: Sequence[Step]

    def write(self, path: Path) -> Path:
        """Write it as an ONNX model."""
        path.write_bytes(self.model().SerializeToString())
        return path

    def model(self) -> ModelProto:
        generator = np.random.default_rng(0)
        nodes: list[NodeProto] = []
        weights: dict[str, Array] = {}
        value = "x"
        for i, (operator, weight, attributes) in enumerate(self.chain):
            inputs = [value]
            if weight:
                inputs.append(f"w{i}")
                weights[f"w{i}"] = (generator.standard_normal(weight) * WEIGHT_SCALE).astype(np.float32)
            node = helper.make_node(operator, inputs, [f"y{i}"])
            node.attribute.extend(helper.make_attribute(name, given) for name, given in attributes.items())
            nodes.append(node)
            value = f"y{i}"
        ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)]
        results = [helper.make_tensor_value_info(value, TensorProto.FLOAT, None)]
        tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
        graph = helper.make_graph(nodes, "representative", ends, results, tensors)
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", OPSET)])


def pointwise(given: int, made: int) -> Step:
    """A 1x1 convolution."""
    return "Conv", (made, given, 1, 1), {"kernel_shape": (1, 1)}


def mapped(size: int, channels: int, step: Step) -> Representative:
    """Windows between 1x1 convolutions, whose layouts they take."""
    between = (pointwise(8, channels), step, RELU, pointwise(channels, 8))
    return Representative("window", (1, 8, size, size), between)


def depthwise(size: int, channels: int, stride: int) -> Representative:
    """A 3x3 convolution of each channel by itself, on a map of so many rows."""
    step = {"kernel_shape": (3, 3), "strides": (stride, stride), "pads": (1, 1, 1, 1), "group": channels}
    return mapped(size, channels, ("Conv", (channels, 1, 3, 3), {**step}))


def pooling(operator: str, size: int, channels: int, window: int, stride: int) -> Representative:
    """Pooling without padding."""
    return mapped(size, channels, (operator, (), {"kernel_shape": (window, window), "strides": (stride, stride)}))


def convolution(size: int, given: int, made: int, window: int = 1, stride: int = 1) -> Representative:
    """A convolution between others, whose layouts it takes."""
    pads = (window // 2,) * 4
    step = {"kernel_shape": (window, window), "strides": (stride, stride), "pads": pads}
    chain: tuple[Step, ...] = (
        pointwise(8, given),
        ("Conv", (made, given, window, window), {**step}),
        RELU,
        pointwise(made, 8),
    )
    return Representative("product", (1, 8, size, size), chain)


def product(kind: str, rows: int, steps: int, columns: int) -> Representative:
    """A matrix product with a weight."""
    return Representative(kind, (rows, steps), (("MatMul", (steps, columns), {}), RELU))


REPRESENTATIVES: Sequence[Representative] = (
    *(depthwise(size, channels, 1) for size, channels in ((112, 32), (56, 144), (28, 192), (14, 384), (7, 960))),
    *(depthwise(size, channels, 2) for size, channels in ((112, 96), (56, 144), (28, 192), (14, 576))),
    *(pooling("MaxPool", size, channels, 3, 2) for size, channels in ((111, 64), (55, 128), (27, 256))),
    *(pooling("MaxPool", size, channels, 2, 2) for size, channels in ((112, 32), (28, 128))),
    *(pooling("AveragePool", size, channels, 3, 1) for size, channels in ((30, 64), (16, 128))),
    *(convolution(size, given, made) for size, given, made in ((56, 24, 144), (28, 192, 32), (14, 96, 576))),
    *(convolution(size, given, made) for size, given, made in ((14, 576, 96), (7, 160, 960), (7, 960, 160))),
    *(convolution(size, given, made, 3, 2) for size, given, made in ((56, 16, 32), (28, 64, 64))),
    product("product", 128, 384, 1536),
    product("product", 128, 384, 384),
    product("vector", 1, 1280, 1000),
    product("vector", 1, 256, 512),
    Representative("map", (128, 1536), (("Sigmoid", (), {}),)),
    Representative("map", (64, 56, 56), (("Add", (64, 56, 56), {}), RELU)),
    Representative("reduction", (128, 384), (("ReduceMean", (), {"axes": (1,)}),)),
    Representative("reduction", (64, 2048), (("ReduceMax", (), {"axes": (1,)}),)),
)
