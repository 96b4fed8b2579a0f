"""Reductions, prefix sums and selections, against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

Array = NDArray[np.float64]
"""An array of any element type: arithmetic needs one in its annotations."""
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]


def operand(noise: Noise, kind: str) -> Array:
    """Logarithms need positive numbers."""
    x = noise(2, 5, 3)
    return np.abs(x) + 1 if kind == "LogSum" else x


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize(("axes", "keepdims"), [((1,), 1), ((0, -1), 0), ((), 1), ((2, 1, 0), 0)])
def test_reductions(check: Check, noise: Noise, kind: str, axes: Sequence[int], keepdims: int) -> None:
    x = operand(noise, kind)
    given = {"axes": list(axes)} if axes else {}
    check(f"Reduce{kind}", x, opset=12, keepdims=keepdims, **given)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_axes_as_an_operand(check: Check, noise: Noise, kind: str) -> None:
    x = operand(noise, kind)
    check(f"Reduce{kind}", x, np.array([-2], np.int64), constants=[1], opset=18)
    check(f"Reduce{kind}", x, opset=18, keepdims=0)


def test_no_axes_may_mean_none(check: Check, noise: Noise) -> None:
    check("ReduceSum", noise(2, 3), np.array([], np.int64), constants=[1], noop_with_empty_axes=1)
    check("ReduceMax", noise(2, 3), noop_with_empty_axes=1, opset=18)


@pytest.mark.parametrize("kind", ["Max", "Mean", "Min", "Prod", "Sum"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_reductions_of_integers(check: Check, noise: Noise, kind: str, dtype: str) -> None:
    check(f"Reduce{kind}", noise(3, 4, dtype=dtype), np.array([1], np.int64), constants=[1], opset=18)


@pytest.mark.parametrize(("kind", "wanted"), [("L2", 5), ("LogSum", 1), ("LogSumExp", 4)])
def test_roots_and_logarithms_of_integers(check: Check, kind: str, wanted: int) -> None:
    """They are computed in floats, and the fraction is dropped."""
    check(f"Reduce{kind}", np.array([3, 4], np.int32), opset=13, keepdims=0, expected=[np.array(wanted, np.int32)])


@pytest.mark.parametrize("kind", ["Max", "Min"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_extremes_of_narrow_integers(check: Check, noise: Noise, kind: str, dtype: str) -> None:
    check(f"Reduce{kind}", noise(3, 4, dtype=dtype), np.array([1], np.int64), constants=[1], opset=18)


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_extremes_of_large_unsigned_numbers(check: Check, dtype: str) -> None:
    """They have no sign to compare by."""
    greatest = int(np.iinfo(dtype).max)
    x = np.array([[1, greatest, 5], [7, 2, greatest // 2 + 2]], dtype)
    check("ReduceMax", x, axes=[1], opset=13, expected=[x.max(1, keepdims=True)])
    check("ReduceMin", x, axes=[1], opset=13, keepdims=0, expected=[x.min(1)])


def test_extremes_of_bools(check: Check) -> None:
    x = np.array([[True, False], [False, False], [True, True]])
    axes = np.array([1], np.int64)
    check("ReduceMax", x, axes, constants=[1], opset=20, expected=[x.any(1, keepdims=True)])
    check("ReduceMin", x, axes, constants=[1], opset=20, expected=[x.all(1, keepdims=True)])


def test_the_logarithm_of_exponentials_does_not_overflow(check: Check) -> None:
    x = np.array([[1000, 1000, 999], [-np.inf, -np.inf, -np.inf], [np.inf, 0, 1]], np.float32)
    wanted = np.array([1000 + np.log(2 + np.exp(-1)), -np.inf, np.inf], np.float32)
    check("ReduceLogSumExp", x, axes=[1], keepdims=0, opset=13, expected=[wanted])


@pytest.mark.parametrize("extent", [5, 40, 300])
@pytest.mark.parametrize(("exclusive", "reverse"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_cum_sum(check: Check, noise: Noise, extent: int, exclusive: int, reverse: int) -> None:
    axis = np.array(-1, np.int64)
    x = noise(2, extent, dtype="int32")
    check("CumSum", x, axis, constants=[1], opset=14, exclusive=exclusive, reverse=reverse)


@pytest.mark.parametrize("extent", [5, 40])
@pytest.mark.parametrize(("exclusive", "reverse"), [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_cum_prod(check: Check, noise: Noise, extent: int, exclusive: int, reverse: int, dtype: str) -> None:
    """The products of integers wrap."""
    x = noise(2, extent, dtype=dtype)
    turned = x[:, ::-1] if reverse else x
    wanted = np.cumprod(turned, 1, turned.dtype)
    if exclusive:
        wanted = np.concatenate([np.ones_like(wanted[:, :1]), wanted[:, :-1]], 1)
    expected = [np.ascontiguousarray(wanted[:, ::-1] if reverse else wanted)]
    axis = np.array(-1, np.int64)
    check(
        "CumProd",
        x,
        axis,
        constants=[1],
        opset=26,
        exclusive=exclusive,
        reverse=reverse,
        expected=expected,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(("axis", "keepdims"), [(0, 1), (1, 0), (-1, 1)])
def test_arg_extremes_with_ties(check: Check, noise: Noise, kind: str, last: int, axis: int, keepdims: int) -> None:
    x = np.round(noise(4, 6, 5))
    check(kind, x, opset=13, axis=axis, keepdims=keepdims, select_last_index=last)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize(("axis", "k"), [(0, 2), (1, 6), (-1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_top_k_with_ties(check: Check, noise: Noise, largest: int, axis: int, k: int, dtype: str) -> None:
    x = np.round(noise(4, 6, 5)).astype(dtype)
    check("TopK", x, np.array([k], np.int64), constants=[1], outputs=2, opset=11, axis=axis, largest=largest)


def test_top_k_of_unsigned_numbers_and_by_attribute(check: Check, noise: Noise) -> None:
    x = np.array([3, 255, 7, 255], np.uint8)
    wanted = [np.array([255, 255, 7], np.uint8), np.array([1, 3, 2], np.int64)]
    check("TopK", x, np.array([3], np.int64), constants=[1], outputs=2, expected=wanted)
    check("TopK", noise(3, 4), opset=9, outputs=2, k=2)
