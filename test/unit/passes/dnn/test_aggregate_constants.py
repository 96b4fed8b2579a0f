"""Constants that move keep what a graph computes, and each rewriting lowers its cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Region, SSAValue

from helpers.linear_graphs import LinearGraph
from webdnn.dialects.dnn.base import BinaryOp, DnnOp, ints, text
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import AddOp, MaxOp, MulOp, NegOp, ReluOp, SubOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, constant_of
from webdnn.dialects.dnn.shape import PadOp
from webdnn.dialects.element import element_attribute, shape_of
from webdnn.dialects.kernel.reference import run_function
from webdnn.passes.dnn.aggregate_constants import DnnAggregateConstantsPass
from webdnn.support.verification import verify_module
from webdnn.targets.pipelines import GRAPH
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context

SHAPE = (1, 4, 5, 6)


def inputs(seed: int) -> Array:
    return as_array(np.random.default_rng(seed).standard_normal(SHAPE))


def results(module: ModuleOp, x: object) -> list[Array]:
    return [as_array(array) for array in run_function(module, [as_array(x)])]


def check_same(found: list[Array], expected: list[Array], tolerance: float) -> None:
    """Differences are no larger than a part of the largest element."""
    for a, b in zip(found, expected, strict=True):
        assert np.isfinite(b).all()
        size = np.abs(b).max(initial=1e-3)
        np.testing.assert_allclose(a / size, b / size, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_compute_the_same(seed: int) -> None:
    """In f64, so that what differs is no rounding."""
    module = LinearGraph(seed, shape=SHAPE).grow(4 + seed % 16)
    expected = results(module, inputs(seed))
    DnnAggregateConstantsPass().apply(Context(), module)
    verify_module(module)
    check_same(results(module, inputs(seed)), expected, 1e-10)


@pytest.mark.parametrize("seed", range(1000, 1020))
def test_all_passes_of_graphs_compute_the_same(seed: int) -> None:
    module = LinearGraph(seed, "f32", SHAPE).grow(8)
    expected = results(module, inputs(seed))
    Compiler(new_context()).run("graph", module, GRAPH)
    verify_module(module)
    check_same(results(module, inputs(seed)), expected, 1e-5)


def test_random_graphs_get_smaller() -> None:
    """Many of them do; none gets more operators that compute, or more bytes of weights than it saves elements."""
    fewer = 0
    for seed in range(40):
        module = LinearGraph(seed, shape=SHAPE).grow(12)
        before, text_before = size_of(module), str(module)
        DnnAggregateConstantsPass().apply(Context(), module)
        after = size_of(module)
        changed = str(module) != text_before
        assert (after < before) == changed
        fewer += changed
        again = str(module)
        DnnAggregateConstantsPass().apply(Context(), module)
        assert str(module) == again
    assert fewer >= 20


def test_rewritings_end() -> None:
    """A scale that moves from a normalization through a product does not move back."""
    module = LinearGraph(1210, shape=SHAPE).grow(20)
    DnnAggregateConstantsPass().apply(Context(), module)
    again = str(module)
    DnnAggregateConstantsPass().apply(Context(), module)
    assert str(module) == again


def size_of(module: ModuleOp) -> int:
    """Bytes of weights, elements that are computed, and multiply-adds of products of matrices."""
    total = 0
    for op in module.walk():
        if isinstance(op, ConstantOp):
            total += byte_size(op.output)
        elif isinstance(op, MatmulOp):
            total += int(np.prod(shape_of(op.output))) * shape_of(op.lhs)[-1]
        elif isinstance(op, DnnOp) and op.name in WORK:
            parts = WORK[op.name] + sum(2 for v in op.operands[1:] if op.name == "dnn.layer_norm" and shape_of(v))
            total += parts * int(np.prod(shape_of(op.results[0])))
    return total


WORK = {"dnn.add": 1, "dnn.sub": 1, "dnn.mul": 1, "dnn.div": 1, "dnn.neg": 1, "dnn.batch_norm": 4, "dnn.layer_norm": 0}


def module_of(
    build: Callable[[SSAValue, Callable[[object], SSAValue]], SSAValue], element: str, shape: tuple[int, ...]
) -> ModuleOp:
    """A function of one tensor; `build` gets it, and what makes a constant of an array of any type."""
    block = Block(arg_types=[TensorType(element_attribute(element), shape)])

    def constant(array: object) -> SSAValue:
        op = constant_of(as_array(array))
        block.add_op(op)
        return op.output

    result = build(block.args[0], constant)
    pending, made = [result], list[DnnOp]()
    while pending:
        op = pending.pop().owner
        if isinstance(op, DnnOp) and op.parent is None and op not in made:
            made.append(op)
            pending += op.operands
    for op in reversed(made):
        block.add_op(op)
    block.add_op(func.ReturnOp(result))
    return ModuleOp([func.FuncOp("main", ([block.args[0].type], [result.type]), Region(block))])


def names(module: ModuleOp) -> list[str]:
    return [op.name for op in module.walk() if isinstance(op, DnnOp) and not isinstance(op, ConstantOp)]


@pytest.mark.parametrize("element", ["i8", "u8", "i32", "i64", "u16"])
def test_integers_wrap_as_before(element: str) -> None:
    """For every x: 100 * (7 - (x + 100)) + 3 in the range of the type."""
    dtype = np.dtype(element.replace("i", "int").replace("u", "uint"))

    def build(x: SSAValue, constant: Callable[[object], SSAValue]) -> SSAValue:
        hundred, seven, three = (constant(np.full((), value, dtype)) for value in (100, 7, 3))
        inner = SubOp(seven, AddOp(x, hundred).output)
        return NegOp(AddOp(MulOp(inner.output, hundred).output, three).output).output

    module = module_of(build, element, (300,))
    x = np.arange(300).astype(dtype) + np.array(2**62, np.uint64).astype(dtype)
    expected = results(module, x)
    DnnAggregateConstantsPass().apply(Context(), module)
    np.testing.assert_array_equal(results(module, x)[0], expected[0])
    assert names(module) == ["dnn.mul", "dnn.add"]


def test_infinities_and_nan_pass_as_before() -> None:
    def build(x: SSAValue, constant: Callable[[object], SSAValue]) -> SSAValue:
        one, zero = constant(np.float32(1.5)), constant(np.float32(0))
        scaled = MulOp(MulOp(AddOp(x, one).output, zero).output, one)
        return MaxOp(MaxOp(scaled.output, zero).output, one).output

    module = module_of(build, "f32", (5,))
    x = np.array([np.nan, np.inf, -np.inf, 1, -3], np.float32)
    expected = results(module, x)
    DnnAggregateConstantsPass().apply(Context(), module)
    np.testing.assert_array_equal(results(module, x)[0], expected[0])
    assert len(names(module)) < 5


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_constants_that_are_not_finite_stay(number: float) -> None:
    def build(x: SSAValue, constant: Callable[[object], SSAValue]) -> SSAValue:
        return AddOp(AddOp(x, constant(np.float32(number))).output, constant(np.float32(1))).output

    module = module_of(build, "f32", (5,))
    DnnAggregateConstantsPass().apply(Context(), module)
    assert names(module) == ["dnn.add", "dnn.add"]


@pytest.mark.parametrize("kind", [MulOp, AddOp])
def test_one_value_read_twice_by_an_operator_stays(kind: type[BinaryOp]) -> None:
    """(2 x) * (2 x) is not 2 (x * x)."""

    def build(x: SSAValue, constant: Callable[[object], SSAValue]) -> SSAValue:
        twice = MulOp(x, constant(np.float32(2)))
        return MatmulOp.of(kind(twice.output, twice.output).output, constant(np.eye(3, dtype=np.float32))).output

    module = module_of(build, "f32", (3, 3))
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    expected = results(module, x)
    DnnAggregateConstantsPass().apply(Context(), module)
    np.testing.assert_array_equal(results(module, x)[0], expected[0])


def test_padding_is_not_shifted() -> None:
    """pad(x * 2 + 1) takes neither the sum, since zeros are added, nor the scale, which has no one to take it."""

    def build(x: SSAValue, constant: Callable[[object], SSAValue]) -> SSAValue:
        shifted = AddOp(MulOp(x, constant(np.float32(2))).output, constant(np.float32(1)))
        padded = PadOp.of(shifted.output, None, pads=ints([1, 0, 0, 0]), mode=text("constant"))
        return MatmulOp.of(ReluOp(padded.output).output, constant(np.full((3, 2), 3, np.float32))).output

    module = module_of(build, "f32", (2, 3))
    x = np.arange(6, dtype=np.float32).reshape(2, 3) - 3
    expected = results(module, x)
    DnnAggregateConstantsPass().apply(Context(), module)
    np.testing.assert_allclose(results(module, x)[0], expected[0])
    assert names(module) == ["dnn.add", "dnn.pad", "dnn.relu", "dnn.matmul"]
