"""A random ONNX graph as it grows: its values, with arrays as onnxruntime computes them, and new ones of all kinds.

A value has a companion that was computed from operands a little wrong. A node whose results differ too much from their
companions (rounding beside a half, the index of the larger of two equals, a quotient by almost zero) is not taken: so
what is left must agree between engines that round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Array = NDArray[np.generic]
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str] | TensorProto | GraphProto

FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int32", "int64", "int8", "uint8")
TYPES = (*FLOATS, *INTEGERS, "bool")
NUMBERS = (*FLOATS, *INTEGERS)
SHARES = (0.62, 0.03, 0.06, 0.07, 0.07, 0.04, 0.05, 0.06)
"""How often a new value has each of TYPES"""

OPSET = 21
ELEMENTS = 1500
"""The largest value that is kept"""

LARGEST = 1e3
"""The largest number that is kept, in f32"""

NOISE = {"float32": 1e-4, "float64": 1e-4, "float16": 2e-3}
"""Relative errors of companions: a hundred times those of f32, twice those of f16"""

FATAL = 4


class Named(Protocol):
    name: str


class Session(Protocol):
    def get_inputs(self) -> Sequence[Named]: ...
    def run(self, names: None, inputs: Mapping[str, Array]) -> Sequence[Array]: ...


class UnfitError(Exception):
    """A node cannot be drawn: no value fits, onnxruntime refuses it, or its results are not stable."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph, and its companion. `exact` where engines must agree in every bit."""

    name: str
    array: Array
    near: Array
    exact: bool = True
    known: bool = False
    half: bool = False

    @property
    def type(self) -> str:
        return self.array.dtype.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def rank(self) -> int:
        return self.array.ndim


@dataclass(frozen=True)
class Node:
    """A node that is drawn. `moves` where it rounds nothing: exact operands give an exact result."""

    op: str
    operands: Sequence[Value | None]
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    outputs: int = 1
    moves: bool = False


@dataclass
class Graph:
    """The values, nodes and inputs so far."""

    random: np.random.Generator
    values: list[Value] = field(default_factory=list[Value])
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    weights: dict[str, Value] = field(default_factory=dict[str, Value])
    drafts: list[Value] = field(default_factory=list[Value])
    """Inputs and weights of the node that is being drawn"""

    named: int = 0
    """How many inputs and weights have been given a name"""

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def one(self, *options: int) -> int:
        return int(self.random.choice(options))

    def word(self, *options: str) -> str:
        return str(self.random.choice(options))

    def number(self, low: float, high: float) -> float:
        return round(float(self.random.uniform(low, high)), 3)

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def shape(self, rank: int) -> list[int]:
        """Extents of 1 to 7, of which some are the same."""
        common = self.whole(1, 7)
        return [common if self.chance(0.35) else self.whole(1, 7) for _ in range(rank)]

    def numbers(self, type: str, shape: Sequence[int]) -> Array:
        """Random elements: floats around zero, half of the time multiples of 1/4; small integers; booleans."""
        if type == "bool":
            return self.random.integers(0, 2, shape).astype(np.bool_)
        if type in INTEGERS:
            return self.random.integers(0 if type == "uint8" else -6, 7, shape).astype(type)
        grid = self.random.integers(-8, 9, shape) / 4
        return np.asarray(grid if self.chance(0.5) else self.random.standard_normal(shape)).astype(type)

    def new(self, array: Array, known: float = 0.0) -> Value:
        """A new input, or with that probability a weight that the compiler knows."""
        self.named += 1
        name = f"x{self.named}"
        array = np.asarray(array)
        value = Value(name, array, array, known=self.chance(known), half=array.dtype == np.float16)
        self.drafts.append(value)
        return value

    def known(self, values: Sequence[int] | Array, type: str = "int64") -> Value:
        """A weight of axes, a shape, and so on."""
        return self.new(np.asarray(values, type), known=1.0)

    def any(self, types: Sequence[str] = TYPES, low: int = 0, high: int = 5) -> Value:
        """A value of one of these types and ranks: one that there is, later ones more often, or a new input."""
        fits = [v for v in self.values if v.type in types and low <= v.rank <= high]
        if fits and not self.chance(0.15):
            weights = np.arange(1, len(fits) + 1) / sum(range(1, len(fits) + 1))
            return fits[int(self.random.choice(len(fits), p=weights))]
        shares = np.array([s if t in types else 0 for t, s in zip(TYPES, SHARES, strict=True)])
        type = TYPES[int(self.random.choice(len(TYPES), p=shares / shares.sum()))]
        return self.new(self.numbers(type, self.shape(self.whole(low, high))), known=0.15)

    def like(self, type: str, fits: Callable[[tuple[int, ...]], bool], shape: Sequence[int]) -> Value:
        """A value of this type whose shape fits, or a new one of the given shape."""
        found = [v for v in self.values if v.type == type and fits(v.shape)]
        if found and not self.chance(0.25):
            return found[int(self.random.integers(len(found)))]
        return self.new(self.numbers(type, shape), known=0.3)

    def broadcast(self, to: Value, type: str = "", grows: bool = True) -> Value:
        """A value that broadcasts with another one."""

        def fits(shape: tuple[int, ...]) -> bool:
            try:
                result = np.broadcast_shapes(shape, to.shape)
            except ValueError:
                return False
            return grows or result == to.shape

        shape = [1 if self.chance(0.3) else n for n in to.shape]
        if grows and self.chance(0.3):
            shape = [n if n > 1 else self.whole(1, 4) for n in shape]
            shape = [n if m > 1 or self.chance(0.5) else self.whole(1, 4) for n, m in zip(shape, to.shape, strict=True)]
            shape = [m if n > 1 < m else n for n, m in zip(shape, to.shape, strict=True)]
        return self.like(type or to.type, fits, shape[self.whole(0, len(shape)) if self.chance(0.4) else 0 :])

    def parameter(self, type: str, shape: Sequence[int], scale: float = 0.5) -> Value:
        """Weights of a layer: mostly known, or another input."""
        return self.new((self.random.standard_normal(shape) * scale).astype(type), known=0.75)

    def axis(self, rank: int) -> int:
        """An axis, counted from the front or the back."""
        if not rank:
            raise UnfitError
        return self.whole(-rank, rank - 1)

    def axes(self, rank: int, least: int = 0) -> list[int]:
        """Distinct axes, counted from the front or the back."""
        count = self.whole(min(least, rank), rank)
        chosen = [int(a) for a in self.random.permutation(rank)[:count]]
        return [a - rank if self.chance(0.3) else a for a in chosen]

    def add(self, draw: Callable[[Graph], Node], drafts: Sequence[Value] = ()) -> None:
        """Draw a node and take it, with what it needs. Raises UnfitError where that cannot be.

        `drafts` are operands that were made before, of which those that are new inputs and weights are taken too.
        """
        held = {v.name for v in self.values} | self.weights.keys()
        self.drafts = [v for v in drafts if v.name not in held]
        node = draw(self)
        names = [f"v{len(self.values)}_{i}" for i in range(node.outputs)]
        proto = helper.make_node(node.op, [o.name if o else "" for o in node.operands], names)
        proto.attribute.extend(helper.make_attribute(name, value) for name, value in node.attributes.items())
        operands = [o for o in node.operands if o is not None]
        results = self.results(proto, operands, node)
        used = {o.name for o in operands}
        for value in [v for v in self.drafts if v.name in used]:
            (self.weights if value.known else self.inputs)[value.name] = value
        self.values += [v for v in self.drafts if v.name in used and not v.known]
        self.nodes.append(proto)
        self.values += results

    def results(self, node: NodeProto, operands: Sequence[Value], drawn: Node) -> list[Value]:
        """The values that a node computes, if they are stable, finite and not too many."""
        exact = all(o.exact for o in operands)
        session = loaded(node, operands)
        found = computed(session, {o.name: o.array for o in operands})
        near = computed(session, {o.name: (o.near if drawn.moves else self.shaken(o)) for o in operands})
        half = any(o.half for o in operands)
        results: list[Value] = []
        for name, a, b in zip(node.output, found, near, strict=True):
            if a.size > ELEMENTS or not stable(a, b, half or a.dtype == np.float16):
                raise UnfitError
            surely = a.dtype.name not in FLOATS or (drawn.moves and exact)
            results.append(Value(name, a, a if surely else b, surely, half=half or a.dtype == np.float16))
        return results

    def shaken(self, value: Value) -> Array:
        """The companion of a value with noise."""
        if value.type not in NOISE:
            return value.near
        noise = 1 + NOISE[value.type] * self.random.standard_normal(value.shape)
        return np.asarray(value.near.astype(np.float64) * noise).astype(value.type)

    def model(self) -> ModelProto:
        """The model, whose outputs are what no node reads and a few values more."""
        read = {name for node in self.nodes for name in node.input}
        made = {name for node in self.nodes for name in node.output}
        computed = [v for v in self.values if v.name in made]
        outputs = [v for v in computed if v.name not in read or self.chance(0.15)]
        graph = helper.make_graph(
            self.nodes,
            "random",
            [info(v) for v in self.inputs.values()],
            [
                helper.make_tensor_value_info(v.name, helper.np_dtype_to_tensor_dtype(v.array.dtype), None)
                for v in outputs
            ],
            [numpy_helper.from_array(v.array, v.name) for v in self.weights.values()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


def info(value: Value) -> ValueInfoProto:
    return helper.make_tensor_value_info(value.name, helper.np_dtype_to_tensor_dtype(value.array.dtype), value.shape)


def loaded(node: NodeProto, operands: Sequence[Value]) -> Session:
    """A model of one node in onnxruntime."""
    given = {o.name: o for o in operands}
    graph = helper.make_graph(
        [node],
        "node",
        [info(o) for o in given.values() if not o.known],
        [ValueInfoProto(name=name) for name in node.output],
        [numpy_helper.from_array(o.array, o.name) for o in given.values() if o.known and o.type in (*INTEGERS, "bool")],
    )
    graph.input.extend(info(o) for o in given.values() if o.known and o.type in FLOATS)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    library = import_module("onnxruntime")
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = FATAL
    options.intra_op_num_threads = 1
    try:
        return library.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnfitError from error


def computed(session: Session, inputs: Mapping[str, Array]) -> list[Array]:
    known = {value.name for value in session.get_inputs()}
    try:
        return [np.asarray(a) for a in session.run(None, {n: a for n, a in inputs.items() if n in known})]
    except Exception as error:
        raise UnfitError from error


def stable(a: Array, b: Array, half: bool) -> bool:
    """Is a result about that of its companion, finite, and of a moderate size?"""
    if a.shape != b.shape:
        return False
    if a.dtype.name not in FLOATS:
        return bool((a == b).all()) and bool((np.abs(a.astype(np.float64)) < 2**20).all())
    x, y = a.astype(np.float64), b.astype(np.float64)
    if not np.isfinite(x).all() or not np.isfinite(y).all() or np.abs(x).max(initial=0) > LARGEST:
        return False
    spread = float(x.std()) if x.size else 0.0
    relative, absolute = (2e-2, 1e-2) if half else (1e-2, 1e-3)
    return bool((np.abs(x - y) <= relative * np.abs(x) + absolute * spread).all())
