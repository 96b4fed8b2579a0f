"""Reads and writes at computed indices, against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


def below(extent: int, *shape: int, unique: bool = False) -> Array:
    """Indices below an extent, some counted from the end."""
    generator = np.random.default_rng([extent, *shape])
    if unique:
        return generator.permutation(extent)[: shape[0]].astype(np.int64)
    return generator.integers(-extent, extent, shape, np.int64)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather(check: Check, noise: Noise, axis: int) -> None:
    check("Gather", noise(5, 4, 3), below(3, 2, 2), axis=axis)


def test_gather_at_known_places(check: Check, noise: Noise) -> None:
    check("Gather", noise(5, 4), np.array(-2, np.int64), constants=[1])
    check("Gather", noise(5, 4), np.array([3, 1], np.int64), constants=[1], axis=1)
    check("Gather", noise(5, 4), np.array([[3, 1], [0, 0]], np.int64), constants=[1], axis=1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gather_elements(check: Check, noise: Noise, axis: int) -> None:
    check("GatherElements", noise(5, 4, 3), below(3, 4, 2, 3), axis=axis)


@pytest.mark.parametrize(("shape", "indices", "batch"), [((5, 4, 3), (2, 2), 0), ((3, 4, 3), (3, 2, 2), 1)])
def test_gather_nd(check: Check, noise: Noise, shape: tuple[int, ...], indices: tuple[int, ...], batch: int) -> None:
    check("GatherND", noise(*shape), below(3, *indices), batch_dims=batch, opset=13)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("axis", [0, -1])
def test_scatter_elements(check: Check, noise: Noise, reduction: str, axis: int) -> None:
    indices = np.argsort(noise(4, 3), axis=axis).astype(np.int64)
    check("ScatterElements", noise(4, 3), indices, noise(4, 3, seed=1), opset=18, reduction=reduction, axis=axis)


def test_scatter_elements_that_meet(check: Check, noise: Noise) -> None:
    operands = noise(5, 4, dtype="int32"), below(5, 4, 3), noise(4, 3, seed=1, dtype="int32")
    check("ScatterElements", *operands, opset=18, reduction="add")
    check("ScatterElements", *operands, opset=18)


@pytest.mark.parametrize("reduction", ["none", "add", "mul"])
def test_scatter_booleans(check: Check, noise: Noise, reduction: str) -> None:
    indices = np.argsort(noise(5, 4), axis=0).astype(np.int64)
    operands = noise(5, 4).astype(np.float64) > 0, indices, noise(5, 4, seed=1).astype(np.float64) > 0
    check("ScatterElements", *operands, opset=18, reduction=reduction)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_nd(check: Check, noise: Noise, reduction: str) -> None:
    indices = below(6, 3, unique=True).reshape(3, 1)
    check("ScatterND", noise(6, 5), indices, noise(3, 5, seed=1), opset=18, reduction=reduction)
    check("ScatterND", noise(3, 5), below(3, 2, 2, 2), noise(2, 2, seed=1), opset=18, reduction="add")


def test_scatter_refuses_too_many_comparisons(check: Check) -> None:
    x = np.zeros(1 << 15, np.float32)
    with pytest.raises(DiagnosticError, match="comparisons"):
        check("ScatterElements", x, np.arange(1 << 15), x, expected=[x])


@pytest.mark.parametrize("axis", [0, 1, None])
def test_compress(check: Check, noise: Noise, axis: int | None) -> None:
    attributes = {} if axis is None else {"axis": axis}
    check("Compress", noise(3, 4), np.array([False, True, True]), constants=[1], **attributes)


@pytest.mark.parametrize(("time", "batch"), [(0, 1), (1, 0)])
def test_reverse_sequence(check: Check, noise: Noise, time: int, batch: int) -> None:
    check("ReverseSequence", noise(4, 4, 2), np.array([1, 4, 2, 3], np.int64), time_axis=time, batch_axis=batch)
