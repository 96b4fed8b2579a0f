"""Numbers as few bits: errors within half a step, what is packed comes back, and scales that saturate nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from webdnn.support.quantization import (
    Bytes,
    Floats,
    Integers,
    pack_nibbles,
    quantize,
    relative_error,
    runs_of,
    unpack_nibbles,
)

FLOATS = st.floats(-1e4, 1e4, width=32)
SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=9)
bounded = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@bounded
@given(x=arrays(np.float32, SHAPES, elements=FLOATS), block=st.integers(1, 9), data=st.data())
@pytest.mark.parametrize("bits", [8, 16])
def test_integers_err_by_half_a_step(bits: int, x: Floats, block: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, x.ndim - 1))
    found = quantize(x, axis, block, bits)
    assert found.integers.itemsize * 8 == bits
    assert found.scales.shape[axis] == -(-x.shape[axis] // block)
    errors = np.abs(runs_of(found.decoded() - x, axis, block)).max(axis=-1)
    steps = np.moveaxis(found.scales, axis, -1)
    largest = np.abs(runs_of(x, axis, block)).max(axis=-1)
    assert bool((errors <= steps * 0.5001 + largest * 3e-7 + 1e-30).all())
    assert (found.integers != -(1 << (bits - 1))).all()


@bounded
@given(x=arrays(np.float32, SHAPES, elements=FLOATS), block=st.integers(1, 9))
def test_four_bits_err_by_no_more_than_the_largest_allows(x: Floats, block: int) -> None:
    found = quantize(x, 0, block, 4)
    assert (np.abs(found.integers) <= 7).all()
    assert (found.scales == found.scales.astype(np.float16)).all()
    runs = runs_of(x, 0, block)
    coarse = np.abs(runs).max(axis=-1) / 7
    errors = np.sqrt(np.square(runs_of(found.decoded() - x, 0, block)).sum(axis=-1))
    assert (errors <= np.sqrt(block) * coarse * 0.51 + 1e-3 * coarse * block + 1e-6 * block).all()


def test_a_run_has_a_scale_of_its_own() -> None:
    x = np.array([[1.0, 100.0], [0.5, 50.0], [0.001, 0.1]], np.float32)
    found = quantize(x, 0, 2, 8)
    assert found.integers.tolist() == [[127, 127], [64, 64], [127, 127]]
    np.testing.assert_allclose(found.scales, [[1 / 127, 100 / 127], [0.001 / 127, 0.1 / 127]], rtol=1e-6)


def test_zeros_stay_zero() -> None:
    found = quantize(np.zeros((4, 2), np.float32), 0, 4, 4)
    assert not found.decoded().any()
    assert relative_error(np.zeros(3, np.float32), np.zeros(3, np.float32)) == 0


@pytest.mark.parametrize(("bits", "least", "most"), [(8, 0.005, 0.015), (4, 0.07, 0.12)])
def test_errors_of_normal_numbers(bits: int, least: float, most: float) -> None:
    x = np.random.default_rng(0).standard_normal((256, 64)).astype(np.float32)
    found = quantize(x, 0, 256 if bits == 8 else 32, bits)
    assert least < relative_error(x, found.decoded()) < most


def test_what_is_not_finite_errs_without_bound() -> None:
    assert relative_error(np.ones(2, np.float32), np.array([1, np.inf], np.float32)) == np.inf


@bounded
@given(half=arrays(np.int8, array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.integers(-8, 7)))
def test_nibbles_there_and_back(half: Integers) -> None:
    for axis in range(half.ndim):
        whole = np.concatenate([half, half[::-1]], axis=axis)
        packed = pack_nibbles(whole, axis)
        assert packed.size * 2 == whole.size
        np.testing.assert_array_equal(unpack_nibbles(packed, axis), whole)


def test_the_first_of_two_is_the_low_half() -> None:
    packed: Bytes = pack_nibbles(np.array([[-8, 7], [1, 0]], np.int8), 0)
    assert packed.tolist() == [[0x90, 0x8F]]
