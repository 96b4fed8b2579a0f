"""Powers, remainders, shifts, casts and tests against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.arithmetic import PowOp
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

TYPES = (
    "float32",
    "float64",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
)
NUMBERS = np.array([0.0, 1.0, 2.75, 3.5, 100.0, 127.9, 0.25])
SIGNED = np.array([-1.0, -2.75, -0.5, -100.0])


@pytest.mark.parametrize("kinds", [("float32",) * 2, ("float64",) * 2, ("float32", "int32"), ("float32", "int64")])
def test_power_of_floats(check: Check, noise: Noise, kinds: tuple[str, str]) -> None:
    base, exponent = np.abs(noise(3, 4, dtype=kinds[0])) + 0.1, noise(4, dtype=kinds[1], seed=1)
    check("Pow", base.astype(kinds[0]), exponent, opset=15, tolerance=1e-4)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_power_of_integers(check: Check, dtype: str) -> None:
    base, exponent = np.array([[0], [1], [-1], [2], [-3], [7]], dtype), np.array([0, 1, 2, 5, 9], dtype)
    check("Pow", base, exponent, opset=15)


def test_power_of_integers_wraps_and_rounds_towards_zero(check: Check) -> None:
    base, exponent = np.array([3, 2, 1, -1, -1, 5], np.int32), np.array([33, 40, -3, -3, -4, -1], np.int32)
    wanted = np.array([3**33 % 2**32 - (2**32 if 3**33 % 2**32 >= 2**31 else 0), 0, 1, -1, 1, 0], np.int32)
    check("Pow", base, exponent, opset=15, expected=[wanted])


def test_power_of_integers_to_a_fraction(check: Check) -> None:
    check("Pow", np.array([4, 9, 16], np.int32), np.array([0.5, 1.5, 2.0], np.float32), opset=15)


@pytest.mark.parametrize("exponent", [1, 2, 3, 0.5, -1])
def test_small_powers_are_products(check: Check, noise: Noise, exponent: float) -> None:
    x = np.abs(noise(3, 4)) + 0.1
    module = check("Pow", x.astype(np.float32), np.array(exponent, np.float32), constants=(1,), opset=15)
    assert not any(isinstance(op, PowOp) for op in module.walk())


def test_a_small_power_that_broadcasts_is_kept(check: Check, noise: Noise) -> None:
    module = check("Pow", noise(4), np.full((3, 4), 2, np.float32), constants=(1,))
    assert any(isinstance(op, PowOp) for op in module.walk())


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32", "uint64"])
@pytest.mark.parametrize("fmod", [0, 1])
def test_remainder_of_integers(check: Check, dtype: str, fmod: int) -> None:
    a, b = np.array([7, -7, 7, -7, 6, 0]).astype(dtype), np.array([3, 3, -3, -3, 3, 5]).astype(dtype)
    check("Mod", a, b, fmod=fmod)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_remainder_of_floats(check: Check, dtype: str) -> None:
    a = np.array([5.5, -5.5, 5.5, -5.5, 0.3, 6.0, 1e6 + 0.5], dtype)
    b = np.array([2.0, 2.0, -2.0, -2.0, 0.1, 3.0, 7.0], dtype)
    check("Mod", a, b, fmod=1)


def test_remainder_of_floats_needs_fmod(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="fmod = 1"):
        check("Mod", noise(3), noise(3), expected=[])


@pytest.mark.parametrize("fmod", [0, 1])
def test_remainder_of_special_floats(check: Check, fmod: int) -> None:
    a = np.array([1.0, -1.0, 1.0, 5.5, -5.5, np.inf, 2.0, np.nan, -0.5], np.float32)
    b = np.array([np.inf, np.inf, -np.inf, -2.0, 2.0, 3.0, 0.0, 1.0, -0.25], np.float32)
    floored = np.array([1.0, np.inf, -np.inf, -0.5, 0.5, np.nan, np.nan, np.nan, 0.0], np.float32)
    truncated = np.array([1.0, -1.0, 1.0, 1.5, -1.5, np.nan, np.nan, np.nan, 0.0], np.float32)
    check("Mod", a, b, opset=28, fmod=fmod, expected=[truncated if fmod else floored])


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64"])
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_bit_shift(check: Check, dtype: str, direction: str) -> None:
    bits = np.dtype(dtype).itemsize * 8
    a, b = np.array([1, 3, 255, 170], dtype), np.array([0, 1, 7, bits - 1], dtype)
    check("BitShift", a, b, direction=direction)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_bit_shift_of_signed_integers(check: Check, dtype: str) -> None:
    bits = np.dtype(dtype).itemsize * 8
    a, b = np.array([-8, 8, -8, -8, 8, 100], dtype), np.array([1, 1, bits, -1, bits, bits - 7], dtype)
    right = np.array([-4, 4, -1, -1, 0, 100 >> (bits - 7)], dtype)
    left = (np.array([-16, 16, 0, 0, 0, (100 << (bits - 7)) % 2**bits], np.object_) + 2**bits) % 2**bits
    left = np.array([v - 2**bits if v >= 2 ** (bits - 1) else v for v in left.tolist()], dtype)
    check("BitShift", a, b, opset=28, direction="RIGHT", expected=[right])
    check("BitShift", a, b, opset=28, direction="LEFT", expected=[left])


def test_bit_shift_beyond_the_end(check: Check) -> None:
    zero = np.zeros(2, np.uint8)
    check("BitShift", np.array([255, 1], np.uint8), np.array([8, 200], np.uint8), direction="LEFT", expected=[zero])


@pytest.mark.parametrize(("source", "to"), list(product(TYPES, TYPES)))
def test_cast(check: Check, source: str, to: str) -> None:
    signed = np.dtype(source).kind not in "ub" and np.dtype(to).kind != "u"
    x = np.concatenate([NUMBERS, SIGNED if signed else SIGNED[:0]]).astype(source)
    check("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))


@pytest.mark.parametrize("to", ["float32", "int32", "bool"])
def test_cast_of_bfloat16(check: Check, to: str) -> None:
    x = NUMBERS.astype(ml_dtypes.bfloat16)
    check("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)), expected=[x.astype(np.float32).astype(to)])
    check("Cast", x.astype(to), to=TensorProto.BFLOAT16, expected=[x.astype(to).astype(ml_dtypes.bfloat16)])


def test_cast_wraps_integers_and_saturates_floats(check: Check) -> None:
    check("Cast", np.array([300, -1, 70000], np.int32), to=TensorProto.UINT8)
    check("Cast", np.array([2**40 + 5, -1], np.int64), to=TensorProto.INT32)
    x = np.array([np.nan, 1e20, -1e20, np.inf], np.float32)
    wanted = np.array([0, 2**31 - 1, -(2**31), 2**31 - 1], np.int32)
    check("Cast", x, to=TensorProto.INT32, expected=[wanted])


@pytest.mark.parametrize("kind", ["Max", "Min"])
def test_extrema_keep_nan(check: Check, kind: str) -> None:
    a = np.array([np.nan, 1.0, np.nan, 2.0, np.inf, np.nan, -np.inf, 3.0], np.float32)
    b = np.array([1.0, np.nan, np.nan, 3.0, np.nan, -np.inf, np.inf, 2.0], np.float32)
    check(kind, a, b)


def test_cast_of_nan_is_true(check: Check) -> None:
    check("Cast", np.array([np.nan, 0.0, -0.0, 0.1], np.float32), to=TensorProto.BOOL)


def test_cast_like(check: Check, noise: Noise) -> None:
    check("CastLike", noise(3, 4), np.zeros(1, np.int64), opset=15)


def test_questions(check: Check) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
    check("IsNaN", x)
    check("IsInf", x)
    check("IsInf", x, detect_negative=0)
    check("IsInf", x, detect_positive=0)
    check("IsInf", x, detect_positive=0, detect_negative=0)
    check("IsNaN", x.astype(np.float16))


def test_rounding_is_to_even(check: Check) -> None:
    check("Round", np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6], np.float32))
