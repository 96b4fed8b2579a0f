"""Random nodes that work element by element: which values they take, and the attributes that they draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import helper

from random_graphs.graph import FLOATS, INTEGERS, NUMBERS, TYPES, Attribute, Graph, Node

Draw = Callable[[Graph], Node]
SIGNED = (*FLOATS, "int32", "int64", "int8")
SMALL_FLOATS = ("float32", "float16")


@dataclass(frozen=True)
class Unary:
    """An operator of one operand. `moves` where it rounds nothing."""

    op: str
    types: Sequence[str] = FLOATS
    attributes: Callable[[Graph], Mapping[str, Attribute]] = field(default=lambda graph: {})
    moves: bool = False

    def __call__(self, graph: Graph) -> Node:
        return Node(self.op, [graph.any(self.types)], self.attributes(graph), moves=self.moves)


@dataclass(frozen=True)
class Binary:
    """An operator of two operands of a type, which broadcast."""

    op: str
    types: Sequence[str] = NUMBERS
    moves: bool = False
    attributes: Callable[[Graph], Mapping[str, Attribute]] = field(default=lambda graph: {})

    def __call__(self, graph: Graph) -> Node:
        first = graph.any(self.types)
        operands = [first, graph.broadcast(first)]
        if graph.chance(0.3):
            operands.reverse()
        moves = self.moves or first.type in INTEGERS
        return Node(self.op, operands, self.attributes(graph), moves=moves)


@dataclass(frozen=True)
class Variadic:
    """An operator of one to four operands, which broadcast."""

    op: str
    types: Sequence[str] = FLOATS
    moves: bool = False

    def __call__(self, graph: Graph) -> Node:
        first = graph.any(self.types)
        others = [graph.broadcast(first, grows=False) for _ in range(graph.whole(0, 3))]
        return Node(self.op, [first, *others], moves=self.moves)


def where(graph: Graph) -> Node:
    value = graph.any(TYPES)
    return Node("Where", [graph.broadcast(value, "bool"), value, graph.broadcast(value, grows=False)], moves=True)


def cast(graph: Graph) -> Node:
    value, to = graph.any(TYPES), graph.word(*TYPES)
    if to == "uint8" and value.array.min(initial=0) < 0:  # of which C++ and numpy think differently
        to = "int8"
    return Node("Cast", [value], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(to))}, moves=True)


def clip(graph: Graph) -> Node:
    value = graph.any(("float32", "float64", "float16", "int32", "int64", "int8", "uint8"))
    low, high = sorted((graph.whole(-3, 3), graph.whole(-3, 4)))
    if value.type == "uint8":
        low, high = abs(low), abs(low) + 3
    bounds = [graph.new(np.array(n, value.type), known=0.7) for n in (low, high)]
    kept = [b if graph.chance(0.8) else None for b in bounds]
    return Node("Clip", [value, *kept] if kept[1] else [value, kept[0]] if kept[0] else [value], moves=True)


def prelu(graph: Graph) -> Node:
    value = graph.any(FLOATS)
    return Node("PRelu", [value, graph.broadcast(value, grows=False)])


def power(graph: Graph) -> Node:
    base = graph.any((*FLOATS, "int32", "int64"))
    exponent = graph.new(graph.random.integers(1, 4, [1] * graph.whole(0, 2)).astype(base.type), known=0.7)
    return Node("Pow", [base, exponent], moves=base.type in INTEGERS)


def shift(graph: Graph) -> Node:
    value = graph.any(("uint8",))
    amount = graph.new(graph.random.integers(0, 4, [1] * graph.whole(0, 2)).astype(value.type), known=0.5)
    return Node("BitShift", [value, amount], {"direction": graph.word("LEFT", "RIGHT")}, moves=True)


def modulo(graph: Graph) -> Node:
    value = graph.any(NUMBERS)
    numbers = graph.random.integers(1, 5, [1] * graph.whole(0, 2)).astype(value.type)
    fmod = int(value.type in FLOATS or graph.chance(0.3))
    return Node("Mod", [value, graph.new(numbers, known=0.5)], {"fmod": fmod}, moves=True)


def divide(graph: Graph) -> Node:
    value = graph.any(NUMBERS)
    if value.type in FLOATS:
        return Node("Div", [value, graph.broadcast(value)])
    numbers = graph.random.integers(1, 5, [1] * graph.whole(0, 2)).astype(value.type)
    return Node("Div", [value, graph.new(numbers, known=0.5)], moves=True)


def slope(low: float, high: float, *names: str) -> Callable[[Graph], Mapping[str, Attribute]]:
    """Float attributes between bounds, each of which may be left out."""
    return lambda graph: {name: graph.number(low, high) for name in names if graph.chance(0.7)}


def gelu(graph: Graph) -> Mapping[str, Attribute]:
    return {"approximate": graph.word("none", "tanh")}


def infinities(graph: Graph) -> Mapping[str, Attribute]:
    return {"detect_negative": graph.whole(0, 1), "detect_positive": graph.whole(0, 1)}


ELEMENTWISE: Sequence[Draw] = (
    Unary("Abs", NUMBERS, moves=True),
    Unary("Neg", SIGNED, moves=True),
    Unary("Sign", NUMBERS, moves=True),
    Unary("Identity", TYPES, moves=True),
    Unary("Relu", SIGNED, moves=True),
    *(Unary(op, moves=True) for op in ("Floor", "Ceil", "Round")),
    *(Unary(op) for op in ("Exp", "Log", "Sqrt", "Reciprocal", "Sigmoid", "Tanh", "Erf", "Sin", "Cos", "Tan")),
    *(Unary(op) for op in ("Atan", "Sinh", "Cosh", "Asinh", "Asin", "Acos", "Acosh", "Atanh")),
    *(Unary(op) for op in ("Softplus", "Softsign", "HardSwish", "Mish")),
    Unary("LeakyRelu", attributes=slope(0.01, 0.5, "alpha")),
    Unary("Elu", attributes=slope(0.3, 1.5, "alpha")),
    Unary("Celu", attributes=slope(0.3, 1.5, "alpha")),
    Unary("Selu", attributes=slope(0.5, 1.5, "alpha", "gamma")),
    Unary("HardSigmoid", attributes=slope(0.1, 0.5, "alpha", "beta")),
    Unary("ThresholdedRelu", attributes=slope(0.1, 1, "alpha")),
    Unary("Shrink", attributes=slope(0.1, 1, "lambd", "bias")),
    Unary("Gelu", attributes=gelu),
    Unary("Not", ("bool",), moves=True),
    Unary("BitwiseNot", INTEGERS, moves=True),
    Unary("IsNaN", FLOATS, moves=True),
    Unary("IsInf", ("float32", "float64"), infinities, moves=True),
    *(Binary(op) for op in ("Add", "Sub", "Mul", "Add", "Mul")),
    *(Binary(op, moves=True) for op in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")),
    *(Binary(op, ("bool",), moves=True) for op in ("And", "Or", "Xor", "Equal")),
    *(Binary(op, INTEGERS, moves=True) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    *(Variadic(op, NUMBERS, moves=True) for op in ("Max", "Min")),
    *(Variadic(op) for op in ("Sum", "Mean")),
    where,
    cast,
    clip,
    prelu,
    power,
    shift,
    modulo,
    divide,
)
