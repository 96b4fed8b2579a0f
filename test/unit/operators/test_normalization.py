"""Normalizations against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.reference.arrays import as_array

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


def statistics(noise: Noise, *shape: int) -> list[Array]:
    """Scale, bias, mean and a positive variance."""
    scale, bias, mean = (noise(*shape, seed=seed) for seed in (1, 2, 3))
    return [scale, bias, mean, as_array(np.abs(noise(*shape, seed=4)) + np.float32(0.5))]


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3), (1, 5, 3)])
def test_batch_norm(check: Check, noise: Noise, opset: int, shape: tuple[int, ...]) -> None:
    module = check("BatchNormalization", noise(*shape), *statistics(noise, shape[1]), opset=opset, epsilon=1e-3)
    assert "dnn.batch_norm" in str(module)


def test_batch_norm_of_a_vector(check: Check, noise: Noise) -> None:
    x, (scale, bias, mean, variance) = noise(6), statistics(noise, 1)
    wanted = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * scale + bias
    check("BatchNormalization", x, scale, bias, mean, variance, opset=15, expected=[wanted])


def test_batch_norm_of_each_place(check: Check, noise: Noise) -> None:
    x, (scale, bias, mean, variance) = noise(2, 3, 4), statistics(noise, 3, 4)
    wanted = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * scale + bias
    check("BatchNormalization", x, scale, bias, mean, variance, opset=7, spatial=0, expected=[wanted])


@pytest.mark.parametrize(
    ("axis", "scale", "bias"), [(-1, (5,), (5,)), (1, (3, 5), None), (2, (5,), (5,)), (1, (1, 5), (5,))]
)
def test_layer_norm(
    check: Check, noise: Noise, axis: int, scale: tuple[int, ...], bias: tuple[int, ...] | None
) -> None:
    parameters = [noise(*scale, seed=1), *([noise(*bias, seed=2)] if bias else [])]
    check("LayerNormalization", noise(2, 3, 5), *parameters, opset=17, axis=axis, epsilon=1e-3)


def test_layer_norm_gives_its_statistics(check: Check, noise: Noise) -> None:
    check("LayerNormalization", noise(2, 3, 5), noise(3, 5), opset=17, axis=1, outputs=3)


def test_layer_norm_far_from_zero(check: Check, noise: Noise) -> None:
    """The sum of squares would lose the variance: two passes keep it."""
    x = np.asarray(noise(4, 64) + np.float32(1000))
    wide = x.astype(np.float64)
    exact = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    check("LayerNormalization", x, np.ones(64, np.float32), expected=[exact.astype(np.float32)], tolerance=1e-3)


@pytest.mark.parametrize(("axis", "scale"), [(-1, (5,)), (1, (3, 5)), (0, (5,))])
def test_rms_norm(check: Check, noise: Noise, axis: int, scale: tuple[int, ...]) -> None:
    x, s = noise(2, 3, 5), noise(*scale, seed=1)
    axes = tuple(range(axis % 3, 3))
    wanted = x / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + np.float32(1e-5)) * s
    check("RMSNormalization", x, s, opset=23, axis=axis, expected=[wanted])


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 5, 7)])
def test_instance_norm(check: Check, noise: Noise, shape: tuple[int, ...]) -> None:
    check("InstanceNormalization", noise(*shape), noise(shape[1]), noise(shape[1], seed=1), opset=6 + 1)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("spatial", [(4, 5), (7,)])
def test_group_norm(check: Check, noise: Noise, groups: int, spatial: Sequence[int]) -> None:
    x, scale, bias = noise(2, 6, *spatial), noise(6, seed=1), noise(6, seed=2)
    wide = x.astype(np.float64).reshape(2, groups, -1)
    normal = (wide - wide.mean(2, keepdims=True)) / np.sqrt(wide.var(2, keepdims=True) + 1e-5)
    factors = [v.reshape(6, *[1] * len(spatial)) for v in (scale, bias)]
    wanted = (normal.reshape(x.shape) * factors[0] + factors[1]).astype(np.float32)
    check("GroupNormalization", x, scale, bias, opset=21, num_groups=groups, expected=[wanted])


@pytest.mark.parametrize(
    "attributes",
    [
        {"size": 3},
        {"size": 5, "alpha": 0.5, "beta": 0.5, "bias": 2.0},
        {"size": 1, "beta": 1.0},
        {"size": 3, "beta": 0.3},
    ],
)
def test_lrn(check: Check, noise: Noise, attributes: dict[str, object]) -> None:
    check("LRN", noise(2, 7, 3, 4), opset=13, **attributes)


def test_lrn_of_an_even_size(check: Check, noise: Noise) -> None:
    x = noise(1, 5, 2, 2)
    squares = np.pad(np.square(x), ((0, 0), (1, 2), (0, 0), (0, 0)))
    total = np.stack([squares[:, c : c + 4].sum(1) for c in range(5)], axis=1)
    wanted = x / (1 + np.float32(1e-4 / 4) * total) ** np.float32(0.75)
    check("LRN", x, opset=13, size=4, expected=[wanted.astype(np.float32)])


@pytest.mark.parametrize("attributes", [{}, {"axes": [1, 2]}, {"axes": [-1]}])
def test_mean_variance_norm(check: Check, noise: Noise, attributes: dict[str, object]) -> None:
    check("MeanVarianceNormalization", noise(2, 3, 4, 5), opset=13, **attributes)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("p", [1, 2])
def test_lp_norm(check: Check, noise: Noise, axis: int, p: int) -> None:
    check("LpNormalization", noise(3, 4, 5), opset=7, axis=axis, p=p)


def test_lp_norm_of_zero_is_zero(check: Check) -> None:
    zeros = np.zeros((2, 3), np.float32)
    check("LpNormalization", zeros, opset=7, expected=[zeros])


def test_half_floats(check: Check, noise: Noise) -> None:
    x, s = noise(2, 3, 8, dtype="float16"), noise(8, dtype="float16", seed=1)
    check("LayerNormalization", x, s, opset=17, tolerance=4e-3)
