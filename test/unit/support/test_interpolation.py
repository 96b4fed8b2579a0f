"""Interpolation tables: weights that add up, places that are near, and tables that are affine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webdnn.support.interpolation import COORDINATES, ROUNDINGS, Axis, Rule, as_affine, taps

extents = st.integers(1, 40)


def rule(mode: str, coordinates: str, *, exclude_outside: bool = False, antialias: bool = False) -> Rule:
    return Rule(mode, coordinates, "floor", -0.75, exclude_outside, antialias)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("antialias", [False, True])
@given(source=extents, result=extents, coordinates=st.sampled_from(sorted(COORDINATES)), exclude=st.booleans())
def test_weights_add_up_to_one(
    mode: str, antialias: bool, source: int, result: int, coordinates: str, exclude: bool
) -> None:
    own = rule(mode, coordinates, exclude_outside=exclude, antialias=antialias)
    table = taps(own, Axis(source, result, result / source))
    np.testing.assert_allclose(table.weights.sum(1), 1, atol=1e-5)


@given(source=extents, result=extents, rounding=st.sampled_from(sorted(ROUNDINGS)))
def test_the_nearest_element_is_inside(source: int, result: int, rounding: str) -> None:
    for coordinates in COORDINATES:
        own = Rule("nearest", coordinates, rounding, 0.0, False, False)
        first = taps(own, Axis(source, result, result / source)).first
        assert 0 <= first.min() <= first.max() < source


@pytest.mark.parametrize(
    ("rounding", "source", "result", "expected"),
    [
        ("round_prefer_ceil", 7, 4, [0, 2, 4, 5]),
        ("round_prefer_floor", 7, 4, [0, 2, 3, 5]),
        ("round_prefer_ceil", 10, 12, [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9]),
        ("round_prefer_floor", 10, 12, [0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9]),
    ],
)
@pytest.mark.parametrize("up", [-1, 0, 1])
def test_coordinates_near_the_middle_lie_there(
    rounding: str, source: int, result: int, expected: list[int], up: int
) -> None:
    """As onnxruntime does, for the scale that is nearest to the ratio and for its neighbours."""
    nearest = np.float32(result / source)
    scale = float(nearest if not up else np.nextafter(nearest, np.float32(100 * up)))
    own = Rule("nearest", "asymmetric", rounding, 0.0, False, False)
    assert taps(own, Axis(source, result, scale)).first.tolist() == expected


@given(source=extents, factor=st.integers(1, 9))
def test_integral_scales_are_affine(source: int, factor: int) -> None:
    grown = taps(rule("nearest", "asymmetric"), Axis(source, source * factor, factor)).first
    assert as_affine(grown, source) == (1, 0, factor)


@given(source=extents, result=extents)
def test_an_affine_form_gives_the_table(source: int, result: int) -> None:
    first = taps(rule("nearest", "half_pixel"), Axis(source, result, result / source)).first
    form = as_affine(first, source)
    if form is not None:
        p, c, q = form
        assert [(o * p + c) // q for o in range(result)] == list(first)


def test_a_table_that_is_not_affine() -> None:
    assert as_affine(np.array([0, 3, 1, 2], np.int32), 4) is None


def test_outside_of_a_region() -> None:
    axis = Axis(5, 3, 3 / 5, (-0.5, 1.0))
    table = taps(rule("linear", "tf_crop_and_resize"), axis)
    assert list(table.outside) == [True, False, False]
