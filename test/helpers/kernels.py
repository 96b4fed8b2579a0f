"""Random small kernel functions: computes that read each other in all ways, concatenations, reshapes, several types.

Floats hold small whole numbers, so that every order of additions gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType, f32, i1, i32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import compute_type, element_attribute, element_type, shape_of, tensor_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, compute, is_float
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import YieldOp
from webdnn.support.index import Index, constant, floordiv, mod, stays_inside, symbol
from webdnn.support.weights import STORE, Array, numpy_dtype

T = TypeVar("T")
SIZES = (1, 2, 3, 4, 5, 8, 9)
ELEMENTS = ("f32", "f32", "f32", "f32", "f16", "f64", "i32", "i64", "bool", "u8", "i8")
KINDS = (ReduceKind.ADD, ReduceKind.ADD, ReduceKind.ADD, ReduceKind.MAX, ReduceKind.MIN)
PREDICATES = ("olt", "oge", "oeq", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true", "false")
BOOL_KINDS = (ReduceKind.AND, ReduceKind.OR)
LIMIT = 8
"""Floats stay between minus this and this"""


class Case:
    """A module whose function `main` computes on tensors, and arrays for its arguments.

    No dataclass, of which Hypothesis would spell every field of every value of the IR.
    """

    def __init__(self, module: ModuleOp, inputs: Sequence[Array]) -> None:
        self.module, self.inputs = module, inputs

    def __repr__(self) -> str:
        """The module's text and the inputs."""
        return f"{self.module}\n{self.inputs}"


@dataclass
class Space:
    """Axes and how far each goes."""

    axes: list[tuple[Index, int]]

    def and_of(self, more: Sequence[tuple[Index, int]]) -> Space:
        return Space([*self.axes, *more])


@dataclass
class Generator:
    """A function being drawn."""

    draw: st.DrawFn
    values: list[SSAValue] = field(default_factory=list[SSAValue])
    ops: list[Operation] = field(default_factory=list[Operation])
    counters: list[tuple[Index, int]] = field(default_factory=list[tuple[Index, int]])
    """Those of the loops around, and how far they go."""

    def pick(self, among: Sequence[T]) -> T:
        return self.draw(st.sampled_from(among))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def shape(self, most: int = 3) -> list[int]:
        sizes = [self.pick(SIZES) for _ in range(self.number(0, most))]
        return sizes if prod(sizes) <= 200 else sizes[:1]

    def argument(self) -> TensorType[Attribute]:
        return TensorType(element_attribute(self.pick(ELEMENTS)), self.shape())

    # Operations of the function.

    def step(self) -> None:
        kind = self.number(0, 9)
        if kind == 0:
            self.reshape()
        elif kind == 1:
            self.concat()
        elif kind == 2 and len(self.counters) < 2:
            self.scan()
        else:
            self.compute()

    def add(self, op: Operation) -> None:
        self.ops.append(op)
        self.values += op.results

    def reshape(self) -> None:
        source = self.recent()
        type = tensor_type(source)
        elements = prod(type.get_shape())
        first = self.pick([d for d in range(1, elements + 1) if elements % d == 0])
        shape = self.pick([[elements], [first, elements // first], [1, first, elements // first]])
        self.add(ReshapeOp(source, TensorType(type.element_type, shape)))

    def concat(self) -> None:
        first = self.recent()
        type = tensor_type(first)
        shape = type.get_shape()
        if not shape or prod(shape) > 100:
            return
        axis = self.number(0, len(shape) - 1)

        def fits(value: SSAValue) -> bool:
            other = tensor_type(value)
            there = other.get_shape()
            same = len(there) == len(shape) and all(
                a == b for i, (a, b) in enumerate(zip(shape, there, strict=True)) if i != axis
            )
            return same and other.element_type == type.element_type

        others = [self.pick([v for v in self.values if fits(v)]) for _ in range(self.number(1, 2))]
        parts = [first, *others] if self.number(0, 1) else [*others, first]
        total = sum(shape_of(p)[axis] for p in parts)
        sizes = [*shape[:axis], total, *shape[axis + 1 :]]
        self.add(ConcatOp(axis, parts, TensorType(type.element_type, sizes)))

    def recent(self) -> SSAValue:
        """Any value, most often one of the last."""
        return self.pick([*self.values, *self.values[-2:] * 3])

    def compute(self) -> None:
        sizes = list(shape_of(self.recent())) if self.number(0, 2) else self.shape()
        elements = [self.pick(ELEMENTS) for _ in range(1 if self.number(0, 3) else 2)]
        self.compute_of([TensorType(element_attribute(e), sizes) for e in elements])

    def compute_of(self, types: Sequence[TensorType[Attribute]]) -> SSAValue:
        """A compute with these results, of one shape; the first of them."""
        sizes = types[0].get_shape()

        def point(body: Body, *axes: Index) -> list[SSAValue]:
            space = Space([*zip(axes, sizes, strict=True), *self.counters])
            return [self.limited(body, self.value(body, space, compute_type(t.element_type), 2)) for t in types]

        op = compute(sizes, types, point)
        self.add(op)
        return op.res[0]

    def scan(self) -> None:
        """A loop that carries a few values, which change or change places, and stacks others."""
        trips = self.number(1, 5)
        inits = [self.recent() for _ in range(self.number(0, 2))]
        reverse = bool(self.number(0, 1))
        draft = ScanOp(trips, inits, Region(block := ScanOp.block_for(inits)))  # ranges come from it
        counters = [*self.counters, (symbol(block.args[0]), trips)]
        inner = Generator(self.draw, [*self.values, *block.args[1:]], counters=counters)
        for _ in range(self.number(0, 2)):
            inner.step()
        nexts = [inner.next_of(tensor_type(init)) for init in inits]
        rows = [v for v in (inner.recent() for _ in range(self.number(0, 2))) if prod(shape_of(v)) <= 100]
        block.add_ops([*inner.ops, YieldOp([*nexts, *rows])])
        stacked = [TensorType(tensor_type(row).element_type, [trips, *shape_of(row)]) for row in rows]
        self.add(ScanOp(trips, inits, draft.detach_region(0), stacked, reverse=reverse))
        draft.drop_all_references()

    def next_of(self, type: TensorType[Attribute]) -> SSAValue:
        """What a carried value becomes: most often something new."""
        known = [v for v in self.values if v.type == type]
        return self.pick(known) if not self.number(0, 4) else self.compute_of([type])

    # Values of bodies.

    def limited(self, body: Body, value: SSAValue) -> SSAValue:
        if value.type == i1:
            return value
        low, high = (body.constant(v, value.type) for v in (-LIMIT, LIMIT))
        return body.maximum(body.minimum(value, high), low)

    def value(self, body: Body, space: Space, type: Attribute, depth: int) -> SSAValue:
        choice = self.number(0, 7) if depth else self.number(0, 3)
        if choice <= 3:
            return self.leaf(body, space, type)
        if choice == 4 and len(space.axes) < 5:
            return self.reduce(body, space, type, depth - 1)
        if choice == 5:
            other = self.pick([f32, i32])
            a, b = (self.value(body, space, other, depth - 1) for _ in range(2))
            test = body.add(arith.CmpfOp(a, b, self.pick(PREDICATES))) if is_float(a) else body.less(a, b)
            if self.number(0, 1):
                test = self.combined(body, test, self.leaf(body, space, i1))
            if type == i1:
                return test
            yes, no = (self.value(body, space, type, depth - 1) for _ in range(2))
            return body.select(test, yes, no)
        a, b = (self.value(body, space, type, depth - 1) for _ in range(2))
        return self.combined(body, a, b)

    def combined(self, body: Body, a: SSAValue, b: SSAValue) -> SSAValue:
        if a.type == i1:
            return body.add(self.pick([arith.AndIOp, arith.OrIOp, arith.XOrIOp])(a, b))
        return self.pick([body.plus, body.minus, body.times, body.maximum, body.minimum])(a, b)

    def leaf(self, body: Body, space: Space, type: Attribute) -> SSAValue:
        found = [v for v in self.values if compute_type(tensor_type(v).element_type) == type]
        if found and self.number(0, 9):
            return self.read(body, space, self.pick([*found, *found[-2:] * 2]))
        if type in (f32, i32, i64) and space.axes and self.number(0, 1):
            return body.index(self.pick(space.axes)[0], type)
        return body.constant(self.number(0, 1) if type == i1 else self.number(-3, 3), type)

    def reduce(self, body: Body, space: Space, type: Attribute, depth: int) -> SSAValue:
        kind = self.pick(BOOL_KINDS if type == i1 else KINDS)
        sizes = [self.pick((1, 2, 3, 5, 8, 9)) for _ in range(self.number(1, 2))]
        sizes = sizes if prod(sizes) <= 20 else sizes[:1]
        init = self.value(body, space, type, 0) if self.number(0, 1) else None

        def element(inner: Body, *axes: Index) -> SSAValue:
            within = space.and_of(list(zip(axes, sizes, strict=True)))
            if type == f32 and kind is ReduceKind.ADD and self.number(0, 2):
                return inner.times(*(self.limited(inner, self.leaf(inner, within, type)) for _ in range(2)))
            return self.limited(inner, self.value(inner, within, type, depth))

        found = body.reduce(kind, sizes, element, init=init, type=type)
        return self.limited(body, found) if is_float(found) else found

    def read(self, body: Body, space: Space, source: SSAValue) -> SSAValue:
        shape = shape_of(source)
        matching = [a for a, _ in space.axes][: len(shape)]
        straight = [s for _, s in space.axes][: len(shape)] == list(shape)
        if straight and self.number(0, 2):
            return body.read(source, matching)
        indices = [self.index(body, space, extent) for extent in shape]
        type = compute_type(tensor_type(source).element_type)
        inside = stays_inside(indices, shape, range_of)
        outside = None if inside or self.number(0, 2) else body.constant(self.number(0, 1), type)
        return body.read(source, indices, outside)

    def index(self, body: Body, space: Space, extent: int) -> Index:
        whole = [axis for axis, size in space.axes if size == extent]
        if whole and self.number(0, 1):
            return self.pick(whole)
        if not space.axes:
            return constant(self.number(0, extent - 1))
        (a, size), (b, inner) = self.pick(space.axes), self.pick(space.axes)
        match self.number(0, 8):
            case 0:
                return constant(self.number(0, extent - 1))
            case 1:
                return a + self.number(-2, 2)
            case 2:
                return a * 2 + self.number(-1, 1)
            case 3:
                return floordiv(a, self.number(2, 3), range_of)
            case 4:
                return mod(a, extent, range_of)
            case 5:
                return a + b - self.number(0, 1)
            case 6:
                return constant(extent - 1) - a
            case 7:
                return floordiv(a * inner + b - self.number(0, 3), self.number(2, 4), range_of)
            case _:
                found = [v for v in self.values if tensor_type(v).element_type in (i32, i64)]
                if not found:
                    return mod(a * inner + b, extent, range_of)
                return body.clamped(self.read(body, Space([(a, size)]), self.pick(found)), extent)


@st.composite
def kernel_functions(draw: st.DrawFn, steps: int = 5) -> Case:
    """A function of a few tensors and constants, of so many steps, that returns some of its values."""
    made = Generator(draw)
    block = Block(arg_types=[TensorType(f32, made.shape()), *(made.argument() for _ in range(made.number(0, 2)))])
    made.values += block.args
    inputs = [numbers(made.number(0, 99), tensor_type(a)) for a in block.args]
    if made.number(0, 1):
        made.add(weight(made.number(0, 99), TensorType(f32, made.shape())))
    for _ in range(steps):
        made.step()
    results = [made.recent() for _ in range(made.number(1, 2))]
    block.add_ops([*made.ops, func.ReturnOp(*results)])
    types = FunctionType.from_lists([a.type for a in block.args], [r.type for r in results])
    module = ModuleOp([func.FuncOp("main", types, Region(block))])
    module.verify()
    return Case(module, inputs)


def numbers(seed: int, type: TensorType[Attribute]) -> Array:
    """Small whole numbers of a type."""
    element = element_type(type)
    low = 0 if element.name in ("u8", "bool") else -4
    high = 1 if element.name == "bool" else 4
    found = np.random.default_rng(seed).integers(low, high, type.get_shape(), endpoint=True)
    return found.astype(numpy_dtype(element))


def weight(seed: int, type: TensorType[Attribute]) -> ConstantOp:
    return ConstantOp.weight(STORE.put(numbers(seed, type)), element_type(type), type.get_shape())


def same(found: Sequence[Array], wanted: Sequence[Array]) -> None:
    """Raise AssertionError where elements or their types differ; a buffer may have another shape than what it holds."""
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.reshape(-1), b.reshape(-1))
