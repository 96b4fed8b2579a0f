"""Converters of the recurrent layers: one operator for each direction, its results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, StringAttr, f64
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn import recurrence as dnn
from webdnn.dialects.dnn.base import flag, integer, ints, number
from webdnn.dialects.dnn.elementwise import AddOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.shape import ConcatOp, SliceOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped, transposed
from webdnn.frontends.onnx.registry import converter
from webdnn.support.weights import numpy_dtype

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
"""Whether each of a node's directions runs in reverse"""

NAMES = {name.replace("_", ""): name for name in dnn.ACTIVATIONS}
"""ONNX's names of activations, in small letters"""

ALPHAS: dict[str, float | None] = {
    "affine": None,
    "elu": 1.0,
    "hard_sigmoid": 0.2,
    "leaky_relu": 0.01,
    "scaled_tanh": None,
    "thresholded_relu": 1.0,
}
BETAS: dict[str, float | None] = {"affine": None, "hard_sigmoid": 0.5, "scaled_tanh": None}
"""The activations that have such a parameter, and its default where ONNX gives one"""


@dataclass(frozen=True)
class Layer:
    """An ONNX node being taken apart into directions; `functions` are the activations of each direction's default."""

    node: Node
    gates: int
    functions: tuple[str, ...]

    @property
    def directions(self) -> tuple[bool, ...]:
        direction = self.node.text("direction", "forward")
        if direction not in DIRECTIONS:
            self.node.refuse(
                f"has direction '{direction}', expected one of {', '.join(DIRECTIONS)}",
                hint="check the model with onnx.checker",
            )
        return DIRECTIONS[direction]

    @property
    def hidden(self) -> int:
        return self.node.shape(2)[-1]

    @property
    def batch_first(self) -> bool:
        return bool(self.node.integer("layout", 0))

    @property
    def batch(self) -> int:
        return self.node.shape(0)[0 if self.batch_first else 1]

    # Operands.

    def input(self) -> SSAValue:
        """(T, B, I)"""
        return transposed(self.node, self.node.operand(0), (1, 0, 2) if self.batch_first else (0, 1, 2))

    def part(self, i: int, direction: int, shape: Sequence[int]) -> SSAValue | None:
        """A direction's part of an operand whose first axis counts directions; None where the operand is left out."""
        value = self.node.optional(i)
        return None if value is None else self.taken(value, direction, 1, shape)

    def taken(self, value: SSAValue, start: int, count: int, shape: Sequence[int]) -> SSAValue:
        """`count` elements of the first axis, under another shape."""
        whole = shape_of(value)
        if whole[0] != count:
            starts, steps = ints([start, *[0] * (len(whole) - 1)]), ints([1] * len(whole))
            value = self.node.add(SliceOp.of(value, starts=starts, sizes=ints([count, *whole[1:]]), steps=steps))
        return reshaped(self.node, value, shape)

    def state(self, i: int, direction: int) -> SSAValue | None:
        """An initial state (B, H) of a direction."""
        value = self.node.optional(i)
        if value is None:
            return None
        by_direction = transposed(self.node, value, (1, 0, 2) if self.batch_first else (0, 1, 2))
        return self.taken(by_direction, direction, 1, (self.batch, self.hidden))

    def weights(self, i: int, direction: int) -> SSAValue:
        """(G, H, …)"""
        found = self.part(i, direction, (self.gates, self.hidden, self.node.shape(i)[-1]))
        assert found is not None
        return found

    def biases(self, direction: int) -> tuple[SSAValue, SSAValue]:
        """(G, H) of the input, and of the state."""
        shape = (self.gates, self.hidden)
        both = self.part(3, direction, (2, *shape))
        if both is None:
            zero = self.node.constant_value(as_array(np.zeros(shape, numpy_dtype(self.node.element(0)))))
            return zero, zero
        return self.taken(both, 0, 1, shape), self.taken(both, 1, 1, shape)

    def sum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.node.add(AddOp(a, b))

    # Attributes.

    def properties(self, direction: int) -> dict[str, Attribute | None]:
        functions = self.activations()[direction * len(self.functions) :][: len(self.functions)]
        clip = self.node.number("clip") if self.node.has("clip") else None
        return {
            "activations": ArrayAttr([StringAttr(name) for name, _, _ in functions]),
            "alphas": DenseArrayBase.from_list(f64, [alpha for _, alpha, _ in functions]),
            "betas": DenseArrayBase.from_list(f64, [beta for _, _, beta in functions]),
            "clip": None if clip is None else number(clip),
            "reverse": flag(self.directions[direction]),
        }

    def activations(self) -> list[tuple[str, float, float]]:
        """Name, alpha and beta of every activation; the attributes' values go to those that have such a parameter."""
        default = self.functions * len(self.directions)
        names = [self.named(name) for name in self.node.texts("activations", default) or default]
        if len(names) != len(default):
            self.node.refuse(
                f"has {len(names)} activations, expected {len(default)}", hint="check the model with onnx.checker"
            )
        alphas, betas = iter(self.node.numbers("activation_alpha", ())), iter(self.node.numbers("activation_beta", ()))
        return [
            (
                name,
                self.parameter(name, "activation_alpha", next(alphas, ALPHAS[name])) if name in ALPHAS else 0.0,
                self.parameter(name, "activation_beta", next(betas, BETAS[name])) if name in BETAS else 0.0,
            )
            for name in names
        ]

    def named(self, name: str) -> str:
        known = NAMES.get(name.lower())
        if known is None:
            self.node.refuse(
                f"has the activation '{name}', which ONNX does not list", hint=f"known are {', '.join(sorted(NAMES))}"
            )
        return known

    def parameter(self, name: str, attribute: str, value: float | None) -> float:
        if value is None:
            self.node.refuse(f"has the activation '{name}' without its parameter", hint=f"set '{attribute}'")
        return float(np.float32(value))

    # Results.

    def results(self, directions: Sequence[Sequence[SSAValue]]) -> list[SSAValue]:
        """Y (T, D, B, H), then states (D, B, H), up to the last that is read; batches first where the model has it."""
        found: list[SSAValue] = []
        for i, parts in enumerate(zip(*directions, strict=True)):
            if any(self.node.outputs[i:]):
                axis, order = (1, (2, 0, 1, 3)) if i == 0 else (0, (1, 0, 2))
                whole = self.joined([reshaped(self.node, v, self.with_direction(v, axis)) for v in parts], axis)
                found.append(transposed(self.node, whole, order) if self.batch_first else whole)
        return found

    @staticmethod
    def with_direction(value: SSAValue, axis: int) -> tuple[int, ...]:
        shape = shape_of(value)
        return (*shape[:axis], 1, *shape[axis:])

    def joined(self, parts: Sequence[SSAValue], axis: int) -> SSAValue:
        return parts[0] if len(parts) == 1 else self.node.add(ConcatOp.of(parts, axis=integer(axis)))


@converter("LSTM")
def lstm(node: Node) -> Sequence[SSAValue]:
    layer = Layer(node, 4, ("sigmoid", "tanh", "tanh"))
    found: list[list[SSAValue]] = []
    for d in range(len(layer.directions)):
        op = dnn.LstmOp.of(
            layer.input(),
            layer.weights(1, d),
            layer.weights(2, d),
            layer.sum(*layer.biases(d)),
            node.optional(4),
            layer.state(5, d),
            layer.state(6, d),
            layer.part(7, d, (3, layer.hidden)),
            input_forget=flag(bool(node.integer("input_forget", 0))),
            **layer.properties(d),
        )
        found.append(node.add_all(op))
    return layer.results(found)


@converter("GRU")
def gru(node: Node) -> Sequence[SSAValue]:
    """The biases of a gate are one, but for that of the hidden gate's state where the reset comes after it."""
    layer, linear = Layer(node, 3, ("sigmoid", "tanh")), bool(node.integer("linear_before_reset", 0))
    found: list[list[SSAValue]] = []
    for d in range(len(layer.directions)):
        of_input, of_state = layer.biases(d)
        hidden_bias = layer.taken(of_state, 2, 1, (layer.hidden,)) if linear else None
        if linear:
            shape = (1, layer.hidden)
            gates = [
                layer.sum(layer.taken(of_input, g, 1, shape), layer.taken(of_state, g, 1, shape)) for g in range(2)
            ]
            bias = layer.joined([*gates, layer.taken(of_input, 2, 1, shape)], 0)
        else:
            bias = layer.sum(of_input, of_state)
        op = dnn.GruOp.of(
            layer.input(),
            layer.weights(1, d),
            layer.weights(2, d),
            bias,
            hidden_bias,
            node.optional(4),
            layer.state(5, d),
            linear_before_reset=flag(linear),
            **layer.properties(d),
        )
        found.append(node.add_all(op))
    return layer.results(found)


@converter("RNN")
def rnn(node: Node) -> Sequence[SSAValue]:
    layer = Layer(node, 1, ("tanh",))
    found: list[list[SSAValue]] = []
    for d in range(len(layer.directions)):
        op = dnn.RnnOp.of(
            layer.input(),
            layer.weights(1, d),
            layer.weights(2, d),
            layer.sum(*layer.biases(d)),
            node.optional(4),
            layer.state(5, d),
            **layer.properties(d),
        )
        found.append(node.add_all(op))
    return layer.results(found)
