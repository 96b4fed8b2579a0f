"""Builds ONNX graphs node by node, with seeded weights that keep activations at their size."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Array = NDArray[np.generic]
Attribute = int | float | str | Sequence[int] | Sequence[float]

OPSET = 17
BIAS = 0.05
"""The deviation of biases, and of what normalisations scale by around 1."""

AFTER_RELU = 2.0
"""The gain of weights whose results lose their negative half (He et al., 2015)."""

RESIDUAL = 0.3
"""The gain of the last weights of a branch that is added to what it came from: sums of many stay small."""


@dataclass(frozen=True)
class Value:
    """A tensor in the graph."""

    name: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        return self.shape[1]


class Graph:
    """A graph that grows; methods add nodes and give their results."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._generator = np.random.default_rng(zlib.crc32(name.encode()))
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._inputs: list[Value] = []
        self._outputs: list[Value] = []
        self._types: dict[str, int] = {}

    def input(self, name: str, shape: Sequence[int], type: int = TensorProto.FLOAT) -> Value:
        value = Value(name, tuple(shape))
        self._inputs.append(value)
        self._types[name] = type
        return value

    def output(self, value: Value, name: str) -> None:
        """Give a value a name and return it."""
        self._nodes.append(helper.make_node("Identity", [value.name], [name], name))
        self._outputs.append(Value(name, value.shape))

    def node(self, operator: str, operands: Sequence[Value], shape: Sequence[int], **attributes: Attribute) -> Value:
        """The one result of a node, whose shape the caller knows."""
        result = Value(f"{operator.lower()}{len(self._nodes)}", tuple(shape))
        names = [operand.name for operand in operands]
        name = f"{operator}_{len(self._nodes)}"
        node = helper.make_node(operator, names, [result.name], name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return result

    def constant(self, values: Array) -> Value:
        """An initializer."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values, name))
        return Value(name, values.shape)

    def integers(self, values: Sequence[int]) -> Value:
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> Value:
        return self.constant(np.array(value, np.float32))

    def normal(self, shape: Sequence[int], deviation: float, mean: float = 0.0) -> Value:
        """A constant of normally distributed numbers."""
        values = self._generator.standard_normal(tuple(shape), np.float32)
        return self.constant((mean + deviation * values).astype(np.float32))

    def weight(self, shape: Sequence[int], terms: int, gain: float = 1.0) -> Value:
        """Weights of sums of so many terms."""
        return self.normal(shape, sqrt(gain / terms))

    def bias(self, size: int) -> Value:
        return self.normal([size], BIAS)

    def conv(
        self,
        x: Value,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        pad: int | None = None,
        group: int = 1,
        gain: float = 1.0,
    ) -> Value:
        """A convolution with a bias, alike along all axes; without `pad`, it is half the kernel."""
        before = kernel // 2 if pad is None else pad
        extents = [(extent + 2 * before - kernel) // stride + 1 for extent in x.shape[2:]]
        inputs = x.channels // group
        taps = [kernel] * len(extents)
        weight = self.weight([channels, inputs, *taps], inputs * prod(taps), gain)
        return self.node(
            "Conv",
            [x, weight, self.bias(channels)],
            [x.shape[0], channels, *extents],
            kernel_shape=taps,
            strides=[stride] * len(taps),
            pads=[before] * 2 * len(taps),
            group=group,
        )

    def elementwise(self, operator: str, *operands: Value) -> Value:
        """An operator that broadcasts."""
        return self.node(operator, operands, np.broadcast_shapes(*(operand.shape for operand in operands)))

    def concat(self, parts: Sequence[Value], axis: int) -> Value:
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self.node("Concat", parts, shape, axis=axis)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """One extent may be -1."""
        rest = prod(extent for extent in shape if extent != -1)
        known = [prod(x.shape) // rest if extent == -1 else extent for extent in shape]
        return self.node("Reshape", [x, self.integers(shape)], known)

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        return self.node("Transpose", [x], [x.shape[axis] for axis in order], perm=order)

    def matmul(self, a: Value, b: Value) -> Value:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return self.node("MatMul", [a, b], [*batch, a.shape[-2], b.shape[-1]])

    def linear(self, x: Value, width: int, gain: float = 1.0) -> Value:
        """MatMul and Add, as PyTorch's exporter writes a linear layer on more than two axes."""
        weight = self.weight([x.shape[-1], width], x.shape[-1], gain)
        return self.elementwise("Add", self.bias(width), self.matmul(x, weight))

    def layer_norm(self, x: Value) -> Value:
        width = x.shape[-1]
        scale = self.normal([width], BIAS, mean=1.0)
        return self.node("LayerNormalization", [x, scale, self.bias(width)], x.shape, axis=-1, epsilon=1e-6)

    def gelu(self, x: Value) -> Value:
        """The exact one, by the error function."""
        error = self.elementwise("Erf", self.elementwise("Div", x, self.scalar(sqrt(2))))
        doubled = self.elementwise("Mul", x, self.elementwise("Add", error, self.scalar(1)))
        return self.elementwise("Mul", doubled, self.scalar(0.5))

    def upsample(self, x: Value) -> Value:
        """Nearest neighbours, twice as high and wide."""
        batch, channels, height, width = x.shape
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.node(
            "Resize",
            [x, Value("", ()), scales],
            [batch, channels, 2 * height, 2 * width],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def max_pool(self, x: Value, kernel: int, *, stride: int, pad: int = 0) -> Value:
        extents = [(extent + 2 * pad - kernel) // stride + 1 for extent in x.shape[2:]]
        shape = [*x.shape[:2], *extents]
        return self.node("MaxPool", [x], shape, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def model(self) -> ModelProto:
        """The finished model."""
        graph = helper.make_graph(
            self._nodes,
            self.name,
            [self._info(value) for value in self._inputs],
            [self._info(value) for value in self._outputs],
            self._weights,
        )
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", OPSET)])

    def _info(self, value: Value) -> ValueInfoProto:
        return helper.make_tensor_value_info(value.name, self._types.get(value.name, TensorProto.FLOAT), value.shape)
