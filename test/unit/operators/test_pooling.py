"""Poolings against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.base import flag, ints
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.pooling import MaxPoolOp
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.shapes import ShapeError

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

WINDOWS = [
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 2], "pads": [1, 0, 2, 1], "strides": [2, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 2], "dilations": [2, 2], "strides": [2, 3], "ceil_mode": 1},
    {"kernel_shape": [3, 4], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"kernel_shape": [3, 4], "auto_pad": "SAME_LOWER", "strides": [1, 2]},
    {"kernel_shape": [3, 4], "auto_pad": "VALID"},
]


@pytest.mark.parametrize("window", WINDOWS)
def test_max_pool(check: Check, noise: Noise, window: dict[str, object]) -> None:
    check("MaxPool", noise(2, 3, 7, 8), opset=12, **window)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("storage_order", [0, 1])
def test_max_pool_with_indices(check: Check, noise: Noise, window: dict[str, object], storage_order: int) -> None:
    check("MaxPool", noise(2, 3, 7, 8), opset=12, outputs=2, storage_order=storage_order, **window)


@pytest.mark.parametrize("shape", [(2, 3, 9), (1, 2, 5, 6, 4)])
def test_pools_of_any_rank(check: Check, noise: Noise, shape: tuple[int, ...]) -> None:
    rank = len(shape) - 2
    window = {"kernel_shape": [3, 2, 2][:rank], "strides": [2, 1, 2][:rank], "pads": [1, 0, 1][:rank] * 2}
    check("MaxPool", noise(*shape), opset=12, outputs=2, **window)
    check("MaxPool", noise(*shape), opset=12, outputs=2, storage_order=1, **window)
    check("AveragePool", noise(*shape), opset=11, **window)
    check("LpPool", noise(*shape), opset=11, **window)


def test_the_first_of_equals(check: Check) -> None:
    check("MaxPool", np.zeros((1, 1, 4, 4), np.float32), outputs=2, kernel_shape=[2, 2])
    lowest = np.full((1, 1, 4), -np.inf, np.float32)
    module = check(
        "MaxPool",
        lowest,
        outputs=2,
        kernel_shape=[3],
        pads=[1, 1],
        expected=[lowest, np.array([[[0, 0, 1, 2]]], np.int64)],
    )
    assert "dnn.max_pool_with_indices" in str(module)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_max_pool_of_integers(check: Check, noise: Noise, dtype: str) -> None:
    check("MaxPool", noise(1, 3, 6, dtype=dtype), kernel_shape=[3], pads=[1, 1], opset=12)


def test_refuses_bools() -> None:
    with pytest.raises(ShapeError, match="found elements of type bool"):
        MaxPoolOp.of(
            ConstantOp.weight("w", ELEMENT_TYPES["bool"], (1, 1, 4)).output,
            **{name: ints([1]) for name in ("kernel", "strides", "dilations")},
            pads=ints([0, 0]),
            ceil_mode=flag(False),
        )


def test_an_index_that_nobody_reads_is_not_computed(check: Check, noise: Noise) -> None:
    assert "with_indices" not in str(check("MaxPool", noise(1, 2, 6), kernel_shape=[2]))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool(check: Check, noise: Noise, window: dict[str, object], include: int) -> None:
    check("AveragePool", noise(2, 3, 7, 8), opset=19, count_include_pad=include, **window)


def test_the_mean_of_no_elements_is_zero(check: Check, noise: Noise) -> None:
    check("AveragePool", noise(1, 2, 1), opset=19, kernel_shape=[2], dilations=[2], pads=[1, 1])


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pool(check: Check, noise: Noise, window: dict[str, object], p: int) -> None:
    check("LpPool", noise(2, 3, 7, 8), opset=18, p=p, **window)


@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 6)])
def test_global_pools(check: Check, noise: Noise, op_type: str, shape: tuple[int, ...]) -> None:
    check(op_type, noise(*shape), opset=13)


def test_max_unpool(check: Check) -> None:
    x = np.array([[[[5, 6], [7, 8]]]], np.float32)
    indices = np.array([[[[5, 7], [13, 15]]]], np.int64)
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    check("MaxUnpool", x, indices, **window)
    wanted = np.zeros((1, 1, 5, 5), np.float32)
    wanted[0, 0, [1, 1, 3, 3], [1, 3, 1, 3]] = [5, 6, 7, 8]
    shape = np.array([1, 1, 5, 5], np.int64)
    check("MaxUnpool", x, indices, shape, constants=[2], expected=[wanted], **window)


def test_refuses_a_window_of_the_wrong_rank(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="2 spatial axes"):
        check("MaxPool", noise(1, 2, 4, 4), kernel_shape=[2], expected=[])
