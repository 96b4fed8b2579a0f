"""Element-wise operators against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.elementwise import AddOp, MaxOp
from webdnn.frontends.onnx.converters import elementwise

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, 0.5, 3.0, -7.0, np.nan, np.inf, -np.inf], np.float32)
BITS = ("BitwiseNot", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
LOGIC = ("And", "Or", "Xor", "Not")
AREA = ("Acosh",)  # defined from 1 on
INTEGERS = ("int8", "int32", "int64", "uint8")
FLOATS_ONLY = sorted(elementwise.UNARY.keys() - {*BITS, *LOGIC, "Abs", "Neg", "Relu", "Sign"})


@pytest.mark.parametrize("op_type", FLOATS_ONLY)
def test_unary(check: Check, noise: Noise, op_type: str) -> None:
    check(op_type, np.abs(noise(2, 3, 5)) + 1 if op_type in AREA else noise(2, 3, 5), opset=22, tolerance=1e-5)


@pytest.mark.parametrize("op_type", ["Floor", "Ceil", "Round", "Sqrt", "Relu", "Abs", "Neg", "Sign", "Exp", "Tanh"])
def test_unary_of_special_numbers(check: Check, op_type: str) -> None:
    check(op_type, SPECIAL)


@pytest.mark.parametrize("op_type", ["Abs", "Neg", "Sign"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float32", "float64"])
def test_unary_of_types(check: Check, noise: Noise, op_type: str, dtype: str) -> None:
    check(op_type, noise(3, 4, dtype=dtype))


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64"])
def test_sign_of_unsigned(check: Check, noise: Noise, dtype: str) -> None:
    check("Sign", noise(3, 4, dtype=dtype))


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "Greater"])
@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1)), ((4,), (2, 1, 1)), ((), (3, 2))])
def test_binary_broadcasts(check: Check, noise: Noise, op_type: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    check(op_type, *(noise(*shape, seed=i) for i, shape in enumerate(shapes)))


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint32", "float16", "float64"])
def test_arithmetic_of_types(check: Check, noise: Noise, op_type: str, dtype: str) -> None:
    a, b = noise(3, 4, dtype=dtype), noise(3, 4, dtype=dtype, seed=1)
    divisor = np.where(b == 0, np.ones_like(b), b)
    check(op_type, a, divisor if op_type == "Div" else b, tolerance=2e-3 if dtype == "float16" else None)


def test_integers_wrap(check: Check) -> None:
    check("Add", np.array([120, -128], np.int8), np.array([10, -1], np.int8))
    check("Mul", np.array([200, 255], np.uint8), np.array([2, 255], np.uint8))
    check("Sub", np.array([-(2**31)], np.int32), np.array([1], np.int32))


def test_division_rounds_towards_zero(check: Check) -> None:
    check("Div", np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32))


@pytest.mark.parametrize("op_type", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_comparisons(check: Check, noise: Noise, op_type: str, dtype: str) -> None:
    check(op_type, noise(3, 4, dtype=dtype), noise(3, 4, dtype=dtype, seed=1), opset=16)


@pytest.mark.parametrize("op_type", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Max", "Min"])
def test_nan_is_unordered(check: Check, op_type: str) -> None:
    check(op_type, SPECIAL, SPECIAL[::-1].copy())


@pytest.mark.parametrize("op_type", ["And", "Or", "Xor", "Equal"])
def test_logic(check: Check, op_type: str) -> None:
    check(op_type, np.array([[True], [False]]), np.array([True, False]), opset=11)


def test_not(check: Check) -> None:
    check("Not", np.array([True, False]))


@pytest.mark.parametrize("op_type", ["BitwiseAnd", "BitwiseOr", "BitwiseXor"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_bitwise(check: Check, noise: Noise, op_type: str, dtype: str) -> None:
    check(op_type, noise(3, 4, dtype=dtype), noise(3, 4, dtype=dtype, seed=1), opset=18)
    check("BitwiseNot", noise(3, 4, dtype=dtype), opset=18)


@pytest.mark.parametrize("op_type", ["Max", "Min", "Sum", "Mean"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_variadic(check: Check, noise: Noise, op_type: str, count: int) -> None:
    module = check(op_type, *(noise(2, 3, seed=i) for i in range(count)), opset=8)
    links = sum(isinstance(op, AddOp | MaxOp) for op in module.walk())
    assert links == (0 if op_type == "Min" else count - 1)


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "uint8", "bool"])
def test_where(check: Check, noise: Noise, dtype: str) -> None:
    a, b = (noise(3, 1, seed=i).astype(dtype) for i in range(2))
    condition = np.array([True, False])
    expected = [np.where(condition, a, b)] if dtype == "bool" else None
    check("Where", condition, a, b, opset=16, expected=expected)


@pytest.mark.parametrize("opset", [7, 13, 22])
def test_opsets(check: Check, noise: Noise, opset: int) -> None:
    check("Add", noise(2, 3), noise(3), opset=opset)
    check("Sigmoid", noise(2, 3), opset=opset)
