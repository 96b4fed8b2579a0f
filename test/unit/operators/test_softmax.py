"""Softmax and its relatives, against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

Array = NDArray[np.float64]
"""An array of any element type: arithmetic needs one in its annotations."""
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

KINDS = ["Softmax", "LogSoftmax", "Hardmax"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("opset", [11, 13])
def test_axes(check: Check, noise: Noise, kind: str, axis: int | None, opset: int) -> None:
    """Before opset 13 all axes from the given one on count as one."""
    check(kind, noise(2, 3, 5), opset=opset, **({} if axis is None else {"axis": axis}))


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_large_numbers_do_not_overflow(check: Check, noise: Noise, kind: str) -> None:
    check(kind, noise(3, 4) * 1000)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 2e-3), ("float64", 1e-12)])
def test_other_types(check: Check, noise: Noise, dtype: str, tolerance: float) -> None:
    check("Softmax", noise(3, 4, dtype=dtype), tolerance=tolerance)


def test_hardmax_takes_the_first_of_equal_elements(check: Check) -> None:
    check("Hardmax", np.array([[1, 3, 3], [2, 2, 2]], np.float32), opset=13)
