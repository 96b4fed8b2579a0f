"""Quantization against onnxruntime, and the kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


def scales(*shape: int) -> Array:
    """Powers of two, so that quotients are exact and halves are ties."""
    return as_array(np.exp2(np.arange(prod(shape)) % 4 - 2.0).reshape(shape).astype(np.float32))


def zeros_of(noise: Noise, dtype: str, *shape: int) -> Array:
    return as_array(np.abs(noise(*shape, dtype=dtype, seed=3).astype(np.int32)).astype(dtype))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize(
    ("shape", "parameters", "attributes"),
    [
        ((3, 4), (), {}),
        ((3, 4), (1,), {}),
        ((2, 3, 4), (3,), {}),
        ((2, 3, 4), (4,), {"axis": -1}),
        ((2, 8, 3), (2, 2, 3), {"axis": 1, "block_size": 4}),
    ],
)
def test_there_and_back(
    check: Check,
    noise: Noise,
    dtype: str,
    shape: Sequence[int],
    parameters: Sequence[int],
    attributes: dict[str, object],
) -> None:
    x = np.asarray(noise(*shape) * np.float32(20))
    scale, zero = scales(*parameters), zeros_of(noise, dtype, *parameters)
    check("QuantizeLinear", x, scale, zero, opset=21, constants=[1, 2], **attributes)
    check("QuantizeLinear", x, scale, zero, opset=21, **attributes)
    q = noise(*shape, dtype=dtype)
    check("DequantizeLinear", q, scale, zero, opset=21, constants=[1, 2], **attributes)
    check("DequantizeLinear", q, scale, opset=21, **attributes)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("opset", [10, 13, 19])
def test_ties_go_to_even_and_limits_saturate(check: Check, dtype: str, opset: int) -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, 1e20, -1e20, 126.5, 127.5, 254.5], np.float32)
    check("QuantizeLinear", x, np.ones((), np.float32), np.array(1, dtype), opset=opset)
    check("QuantizeLinear", x, np.ones((), np.float32), np.array(0, dtype), opset=opset)


def test_without_a_zero_point(check: Check, noise: Noise) -> None:
    check("QuantizeLinear", noise(4), scales(), opset=21)
    check("QuantizeLinear", noise(4), scales(), opset=21, output_dtype=TensorProto.INT16)


def test_blocks_need_not_divide_the_axis(check: Check, noise: Noise) -> None:
    q, scale = noise(5, dtype="int8"), scales(2)
    wanted = q.astype(np.float32) * np.repeat(scale, 3)[:5]
    check("DequantizeLinear", q, scale, opset=21, axis=0, block_size=3, expected=[wanted])


def test_dequantize_sums(check: Check, noise: Noise) -> None:
    check("DequantizeLinear", noise(2, 3, dtype="int32"), scales(), opset=13)


@pytest.mark.parametrize("offset", [0, 3, -3])
def test_dynamic_quantize(check: Check, noise: Noise, offset: int) -> None:
    x = np.asarray(noise(3, 5) + np.float32(offset))
    check("DynamicQuantizeLinear", x, outputs=3, opset=11)


def test_dynamic_quantize_of_zeros(check: Check) -> None:
    x = np.zeros((2, 2), np.float32)
    wanted = [np.zeros((2, 2), np.uint8), np.ones((), np.float32), np.zeros((), np.uint8)]
    check("DynamicQuantizeLinear", x, outputs=3, opset=11, expected=wanted, kernels=False)


@pytest.mark.parametrize("zero", [None, (), (4,)])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_matmul_integer(check: Check, noise: Noise, zero: Sequence[int] | None, dtype: str) -> None:
    a, b = noise(2, 3, dtype="uint8"), noise(3, 4, dtype=dtype, seed=1)
    points = [] if zero is None else [np.array(2, np.uint8), zeros_of(noise, dtype, *zero)]
    check("MatMulInteger", a, b, *points, opset=10)


def test_matmul_integer_with_a_zero_point_for_each_row(check: Check, noise: Noise) -> None:
    a, b, zero = noise(2, 3, dtype="uint8"), noise(3, 4, dtype="uint8"), np.array([1, 5], np.uint8)
    wanted = (a.astype(np.int32) - zero.astype(np.int32)[:, np.newaxis]) @ b.astype(np.int32)
    check("MatMulInteger", a, b, zero, opset=10, expected=[wanted])


@pytest.mark.parametrize("zero", [(), (4,)])
def test_conv_integer(check: Check, noise: Noise, zero: Sequence[int]) -> None:
    x, w = noise(1, 3, 5, 5, dtype="uint8"), noise(4, 3, 3, 3, dtype="uint8", seed=1)
    zeros, window = zeros_of(noise, "uint8", *zero), {"pads": [1, 1, 1, 1], "strides": [2, 2]}
    if not zero:
        check("ConvInteger", x, w, np.array(3, np.uint8), zeros, opset=10, **window)
        return
    padded = np.pad(x.astype(np.int32) - 3, ((0, 0), (0, 0), (1, 1), (1, 1)))
    own = w.astype(np.int32) - zeros.astype(np.int32).reshape(4, 1, 1, 1)
    rows = [[np.sum(padded[0, :, i : i + 3, j : j + 3] * own, axis=(1, 2, 3)) for j in (0, 2, 4)] for i in (0, 2, 4)]
    wanted = np.array(rows, np.int32).transpose(2, 0, 1)[np.newaxis]
    check("ConvInteger", x, w, np.array(3, np.uint8), zeros, opset=10, expected=[wanted], **window)


@pytest.mark.parametrize("channels", [(), (4,)])
@pytest.mark.parametrize("bias", [False, True])
def test_quantized_conv(check: Check, noise: Noise, channels: Sequence[int], bias: bool) -> None:
    x, w = noise(1, 3, 5, 5, dtype="uint8"), noise(4, 3, 3, 3, dtype="int8", seed=1)
    points = [np.float32(0.1), np.array(3, np.uint8)]
    weights = [w, (scales(*channels) * np.float32(0.3)).astype(np.float32), np.zeros(channels, np.int8)]
    result = [np.array(0.7, np.float32), np.array(100, np.uint8)]
    rest = [noise(4, dtype="int32", seed=5)] if bias else []
    operands = [x, np.array(points[0]), points[1], *weights, *result, *rest]
    check("QLinearConv", *operands, opset=10, constants=[3, 4, 5], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_quantized_matmul(check: Check, noise: Noise, dtype: str) -> None:
    a, b = noise(2, 3, 4, dtype=dtype), noise(2, 4, 5, dtype=dtype, seed=1)
    one = [np.array(v, np.float32) for v in (0.1, 0.2, 0.3)]
    zero = [np.array(v, dtype) for v in (1, 2, 3)]
    check("QLinearMatMul", a, one[0], zero[0], b, one[1], zero[1], one[2], zero[2], opset=10)


def test_refuses_integers_of_32_bits(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="8 or 16 bits"):
        check("QuantizeLinear", noise(4), scales(), opset=25, output_dtype=TensorProto.INT32, expected=[])
