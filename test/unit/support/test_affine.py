"""Affine maps compose, move with the elements that they map, and say where they would round too much."""

from __future__ import annotations

import numpy as np
import pytest

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.support.affine import Affine, Array, fits, identity, rounds, scaling, shifting, shrunk, stored

RANDOM = np.random.default_rng(5)


def numbers(*shape: int) -> Array:
    return np.asarray(RANDOM.uniform(0.5, 2, shape))


def applied(affine: Affine, x: Array) -> Array:
    return np.asarray(x * affine.scale + affine.bias)


def test_one_map_after_another() -> None:
    x, first, second = numbers(2, 3), Affine(numbers(1, 3), numbers(2, 1)), Affine(numbers(1, 1), numbers(1, 3))
    np.testing.assert_allclose(applied(first.then(second), x), applied(second, applied(first, x)))


def test_maps_of_integers_wrap() -> None:
    hundred = as_array(np.full((1,), 100, np.int8))
    both = shifting(hundred).then(scaling(hundred)).then(shifting(hundred))
    with np.errstate(all="ignore"):
        x = np.arange(-128, 128).astype(np.int8)
        np.testing.assert_array_equal(x * both.scale + both.bias, (x + hundred) * hundred + hundred)


def test_a_map_moves_with_its_elements() -> None:
    x, affine = numbers(2, 3, 4), Affine(numbers(1, 3, 1), numbers(2, 1, 1))

    def move(array: Array) -> Array:
        return array.transpose(1, 0, 2).reshape(3, 8)

    np.testing.assert_allclose(applied(affine.moved(move, x.shape), move(x)), move(applied(affine, x)))


def test_a_map_of_a_part_does_nothing_to_the_rest() -> None:
    x, affine = numbers(2, 3), Affine(numbers(2, 2), numbers(1, 2))
    places = np.arange(6).reshape(2, 3)[:, 1:]
    before = applied(affine.before(places, x.shape), x)
    np.testing.assert_allclose(before[:, 1:], applied(affine, x[:, 1:]))
    np.testing.assert_array_equal(before[:, 0], x[:, 0])


def test_parts_ranks_and_vectors() -> None:
    affine = Affine(numbers(1, 3, 1), numbers(1, 1, 1))
    assert affine.varies == {1}
    assert affine.part(1, 1, 2).scale.shape == (1, 2, 1)
    assert affine.with_rank(2).scale.shape == (1, 3)
    assert affine.of_rank(2).scale.shape == (3, 1)
    scale, bias = affine.vectors(3)
    assert scale.shape == bias.shape == (3,)


def test_what_is_shifted_before_it_is_scaled() -> None:
    x, affine = numbers(4), Affine(numbers(4), numbers(4))
    first = affine.shift_first()
    assert first is not None
    np.testing.assert_allclose((x + first) * affine.scale, applied(affine, x))
    assert Affine(np.zeros(1), np.ones(1)).shift_first() is None


def test_what_is_equal_along_an_axis_is_held_once() -> None:
    assert shrunk(np.broadcast_to(numbers(1, 3), (2, 3))).shape == (1, 3)
    assert shrunk(np.array([[1.0, 2.0], [1.0, 3.0]])).shape == (2, 2)
    assert not identity(3).scales
    assert not identity(3).shifts


def test_which_arrays_fit() -> None:
    assert fits(np.ones((1, 3)), (3,))
    assert fits(np.ones(()), (2, 3))
    assert not fits(np.ones((2, 3)), (3,))
    assert not fits(np.ones(3), (2, 1))


@pytest.mark.parametrize(
    ("name", "large", "small"), [("float32", 2.0**21, 2.0**20), ("float16", 256, 128), ("float64", 2.0**50, 2.0**49)]
)
def test_large_numbers_round_what_they_are_added_to(name: str, large: float, small: float) -> None:
    assert rounds(np.array([-large]), np.dtype(name))
    assert not rounds(np.array([small]), np.dtype(name))


def test_what_a_type_can_hold() -> None:
    single = np.dtype(np.float32)
    assert stored(np.array([1e39]), single) is None
    assert stored(np.array([1e-45]), single) is None
    assert stored(np.array([1.0, 1e-45]), single) is not None
    assert stored(np.array([0.0]), single) is not None
    assert stored(as_array(np.array([7], np.int8)), np.dtype(np.int8)) is not None
