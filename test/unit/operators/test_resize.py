"""Resizing against onnxruntime and ONNX's own reference, and its kernel form against ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.kernel.reference import run_function
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.interpolation import COORDINATES, ROUNDINGS

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

MODES = ["half_pixel", "pytorch_half_pixel", "asymmetric"]


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


def test_the_operator_takes_what_the_tables_know() -> None:
    assert set(ResizeOp.COORDINATES) == COORDINATES.keys()
    assert set(ResizeOp.ROUNDINGS) == ROUNDINGS.keys()


@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("scales", [(2.0, 3.0), (0.6, 0.6), (1.5, 0.8)])
def test_nearest(check: Check, noise: Noise, coordinates: str, rounding: str, scales: Sequence[float]) -> None:
    check(
        "Resize",
        noise(1, 2, 5, 6),
        None,
        floats(1, 1, *scales),
        constants=[2],
        mode="nearest",
        coordinate_transformation_mode=coordinates,
        nearest_mode=rounding,
    )


@pytest.mark.parametrize("coordinates", [*MODES, "half_pixel_symmetric"])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("scales", [(2.0, 3.0), (0.6, 1.7)])
def test_interpolation(check: Check, noise: Noise, coordinates: str, mode: str, scales: Sequence[float]) -> None:
    check(
        "Resize",
        noise(1, 2, 4, 5),
        None,
        floats(1, 1, *scales),
        constants=[2],
        opset=19,
        mode=mode,
        coordinate_transformation_mode=coordinates,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("scales", [(2.0, 3.0), (1.0, 2.0), (0.5, 3.0)])
def test_aligned_corners(check: Check, noise: Noise, mode: str, scales: Sequence[float]) -> None:
    check(
        "Resize",
        noise(1, 2, 4, 5),
        None,
        floats(1, 1, *scales),
        constants=[2],
        mode=mode,
        coordinate_transformation_mode="align_corners",
        tolerance=1e-4,
    )


def test_aligned_corners_at_a_fraction_of_an_element_are_refused(check: Check, noise: Noise) -> None:
    """The suite of ONNX and runtimes disagree on where the last corner then is."""
    with pytest.raises(DiagnosticError, match="a fraction of an element") as caught:
        check(
            "Resize",
            noise(1, 2, 4, 5),
            None,
            floats(1, 1, 0.6, 0.6),
            constants=[2],
            mode="linear",
            coordinate_transformation_mode="align_corners",
        )
    assert "`sizes`" in caught.value.hint


@pytest.mark.parametrize("exclude", [0, 1])
def test_cubic_parameters(check: Check, noise: Noise, exclude: int) -> None:
    check(
        "Resize",
        noise(1, 1, 4, 5),
        None,
        floats(1, 1, 2.5, 0.8),
        constants=[2],
        opset=13,
        mode="cubic",
        cubic_coeff_a=-0.5,
        exclude_outside=exclude,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_sizes(check: Check, noise: Noise, mode: str) -> None:
    sizes = np.array([1, 2, 7, 3], np.int64)
    check("Resize", noise(1, 2, 4, 5), None, None, sizes, constants=[3], mode=mode, tolerance=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_crop_and_resize(check: Check, noise: Noise, mode: str) -> None:
    check(
        "Resize",
        noise(1, 1, 4, 5),
        floats(0, 0, 0.4, -0.2, 1, 1, 0.9, 1.2),
        None,
        np.array([1, 1, 5, 6], np.int64),
        constants=[1, 3],
        opset=13,
        mode=mode,
        coordinate_transformation_mode="tf_crop_and_resize",
        extrapolation_value=10.0,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_axes_and_the_aspect_ratio(check: Check, noise: Noise, policy: str) -> None:
    check(
        "Resize",
        noise(1, 2, 4, 6),
        None,
        None,
        np.array([7, 8], np.int64),
        constants=[3],
        opset=19,
        axes=[2, 3],
        keep_aspect_ratio_policy=policy,
        mode="nearest",
    )


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_antialias(check: Check, noise: Noise, mode: str) -> None:
    check(
        "Resize",
        noise(1, 1, 8, 9),
        None,
        floats(1, 1, 0.6, 0.4),
        constants=[2],
        opset=19,
        mode=mode,
        antialias=1,
        exclude_outside=1,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scales", [(2.0, 2.0), (1.5, 3.0)])
def test_upsample(check: Check, noise: Noise, mode: str, scales: Sequence[float]) -> None:
    check("Upsample", noise(1, 2, 3, 4), opset=7, mode=mode, scales=[1.0, 1.0, *scales])
    check("Upsample", noise(1, 2, 3, 4), floats(1, 1, *scales), constants=[1], opset=9, mode=mode)
    check("Resize", noise(1, 2, 3, 4), floats(1, 1, *scales), constants=[1], opset=10, mode=mode)


def test_opset_10_shrinks_by_rounding_up(check: Check, noise: Noise) -> None:
    check("Resize", noise(1, 2, 6, 7), floats(1, 1, 0.5, 0.6), constants=[1], opset=10, mode="nearest")


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16"])
def test_other_types(check: Check, noise: Noise, dtype: str) -> None:
    x = noise(1, 2, 3, 4, dtype=dtype)
    check("Resize", x, None, floats(1, 1, 2, 2), constants=[2], mode="nearest")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int32", "uint32", "int64", "uint64"])
def test_interpolated_integers_saturate(check: Check, dtype: str) -> None:
    """A cubic overshoots; what the type cannot hold is its least or greatest number."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    x = np.array([[[[low, high, high, low]]]], dtype)
    module = check(
        "Resize",
        x.astype(np.float32),
        None,
        floats(1, 1, 1, 3),
        constants=[2],
        mode="cubic",
        coordinate_transformation_mode="asymmetric",
        kernels=False,
    )
    (exact,) = run_function(module, [x.astype(np.float32)])
    wanted = np.array([min(high, max(low, int(v))) for v in exact.reshape(-1)], dtype).reshape(exact.shape)
    assert (wanted == high).sum() > 2
    check(
        "Resize",
        x,
        None,
        floats(1, 1, 1, 3),
        constants=[2],
        mode="cubic",
        coordinate_transformation_mode="asymmetric",
        expected=[wanted],
        tolerance=1e-3,
    )


def test_one_axis(check: Check, noise: Noise) -> None:
    check("Resize", noise(1, 2, 5), None, floats(1, 1, 2), constants=[2], mode="linear")
