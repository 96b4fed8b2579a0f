"""Recurrent layers of ONNX with operands and attributes of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

Array = NDArray[np.generic]
Noise = Callable[..., NDArray[np.float64]]
Attributes = dict[str, int | float | str]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass(frozen=True)
class Layer:
    """Extents of a layer, and the operands that it takes beside the input and the weights."""

    op: str
    steps: int = 4
    batch: int = 2
    inputs: int = 3
    hidden: int = 5
    directions: int = 1
    batch_first: bool = False
    bias: bool = True
    lengths: tuple[int, ...] | None = None
    states: bool = False
    peepholes: bool = False

    @property
    def outputs(self) -> int:
        return 3 if self.op == "LSTM" else 2

    def operands(self, noise: Noise) -> list[Array | None]:
        gates, half = GATES[self.op] * self.hidden, np.float32(0.5)
        shape = (self.batch, self.steps) if self.batch_first else (self.steps, self.batch)
        outer = (self.batch, self.directions) if self.batch_first else (self.directions, self.batch)
        found: list[Array | None] = [
            noise(*shape, self.inputs),
            noise(self.directions, gates, self.inputs, seed=1) * half,
            noise(self.directions, gates, self.hidden, seed=2) * half,
            noise(self.directions, 2 * gates, seed=3) * half if self.bias else None,
            None if self.lengths is None else np.array(self.lengths, np.int32),
            noise(*outer, self.hidden, seed=4) if self.states else None,
        ]
        if self.op == "LSTM":
            found.append(noise(*outer, self.hidden, seed=5) if self.states else None)
            found.append(noise(self.directions, 3 * self.hidden, seed=6) * half if self.peepholes else None)
        while found[-1] is None:
            found.pop()
        return found

    def model(self, noise: Noise, attributes: Attributes) -> tuple[ModelProto, dict[str, Array]]:
        """A model of this layer, whose weights are constants, and an array for each of its inputs."""
        named = {f"x{i}": np.asarray(a) for i, a in enumerate(self.operands(noise)) if a is not None}
        given = {name: a for name, a in named.items() if name in ("x0", "x4", "x5", "x6")}
        results = ["y", "h", "c"][: self.outputs]
        names = [f"x{i}" if f"x{i}" in named else "" for i in range(len(self.operands(noise)))]
        node = helper.make_node(self.op, names, results)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        value = helper.make_tensor_value_info
        inputs = [value(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for name, a in given.items()]
        weights = [numpy_helper.from_array(a, name) for name, a in named.items() if name not in given]
        graph = helper.make_graph([node], "layer", inputs, [value(name, 1, None) for name in results], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), given


DIRECTIONS = ("forward", "reverse", "bidirectional")


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, Attributes]:
    """A layer, and the attributes of its node."""
    op, direction = draw(st.sampled_from(list(GATES))), draw(st.sampled_from(DIRECTIONS))
    steps, batch, hidden = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 5))
    attributes: Attributes = {"hidden_size": hidden, "direction": direction}
    if draw(st.booleans()):
        attributes["clip"] = draw(st.sampled_from([0.25, 1.0]))
    if op == "LSTM" and draw(st.booleans()):
        attributes["input_forget"] = 1
    if op == "GRU" and draw(st.booleans()):
        attributes["linear_before_reset"] = 1
    ends = st.lists(st.integers(1, steps), min_size=batch, max_size=batch).map(tuple)
    layer = Layer(
        op,
        steps,
        batch,
        draw(st.integers(1, 4)),
        hidden,
        2 if direction == "bidirectional" else 1,
        bias=draw(st.booleans()),
        lengths=draw(st.none() | ends),
        states=draw(st.booleans()),
        peepholes=op == "LSTM" and draw(st.booleans()),
    )
    return layer, attributes
