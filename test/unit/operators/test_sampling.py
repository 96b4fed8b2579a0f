"""Sampling at computed places against onnxruntime, and against the definition where it has no kernel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
def test_grid_sample(check: Check, noise: Noise, padding: str, aligned: int, mode: str) -> None:
    """Places inside, and up to two widths outside."""
    x, grid = noise(2, 3, 4, 5), noise(2, 3, 4, 2, seed=1)
    check(
        "GridSample",
        x,
        grid,
        opset=20,
        mode=mode,
        padding_mode=padding,
        align_corners=aligned,
        tolerance=1e-4,
        kernels=mode == "linear",
    )


def test_grid_sample_in_three_dimensions(check: Check, noise: Noise) -> None:
    check("GridSample", noise(1, 2, 3, 4, 5), noise(1, 2, 2, 2, 3, seed=1), opset=20, mode="linear", tolerance=1e-4)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("transformation", ["half_pixel", "output_half_pixel"])
def test_roi_align(check: Check, noise: Noise, mode: str, transformation: str) -> None:
    """Regions inside, across the edge, and empty ones."""
    regions = np.array([[0, 0, 7, 5], [2.3, 1.1, 11, 9], [-6, -4, 2, 3], [3, 3, 3, 3]], np.float32)
    check(
        "RoiAlign",
        np.abs(noise(2, 3, 8, 9)),
        regions,
        np.array([0, 1, 1, 0], np.int64),
        opset=16,
        mode=mode,
        output_height=2,
        output_width=3,
        sampling_ratio=2,
        spatial_scale=0.8,
        coordinate_transformation_mode=transformation,
        tolerance=1e-4,
    )


def test_deformed_convolution_without_offsets_is_a_convolution(check: Check, noise: Noise) -> None:
    x, w, bias = noise(2, 4, 6, 5), noise(6, 2, 3, 2, seed=1), noise(6, seed=2)
    module = check("Conv", x, w, bias, opset=11, group=2, pads=[1, 0, 1, 1], strides=[2, 1], tolerance=1e-4)
    from webdnn.dialects.kernel.reference import run_function

    (wanted,) = run_function(module, [x, w, bias])
    offset = np.zeros((2, 2 * 3 * 2 * 2, *wanted.shape[2:]), np.float32)
    mask = np.ones((2, 2 * 3 * 2, *wanted.shape[2:]), np.float32)
    check(
        "DeformConv",
        x,
        w,
        offset,
        bias,
        mask,
        opset=19,
        group=2,
        offset_group=2,
        pads=[1, 0, 1, 1],
        strides=[2, 1],
        expected=[wanted],
        tolerance=1e-4,
    )


def test_deformed_convolution_moves_its_taps(check: Check, noise: Noise) -> None:
    """Offsets of one row read the next row; what lies outside is zero, and the mask halves it."""
    x, w = noise(1, 1, 4, 4), np.ones((1, 1, 1, 1), np.float32)
    offset = np.zeros((1, 2, 4, 4), np.float32)
    offset[:, 0] = 1
    mask = np.full((1, 1, 4, 4), 0.5, np.float32)
    wanted = np.zeros_like(x)
    wanted[:, :, :3] = x[:, :, 1:] / 2
    check("DeformConv", x, w, offset, None, mask, opset=19, expected=[wanted])
