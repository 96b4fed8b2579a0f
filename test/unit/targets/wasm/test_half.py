"""Half floats as arithmetic: every f16 and bf16 widened, and f32 narrowed to the nearest even."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from xdsl.dialects.builtin import f32, i32
from xdsl.dialects.test import TestOp
from xdsl.ir import Attribute, Block, SSAValue

from unit.targets.wasm.evaluator import Evaluator
from webdnn.dialects.kernel.reference.casts import Numbers
from webdnn.support.weights import Array
from webdnn.targets.wasm.half import Made, bfloat_to_float, float_to_bfloat, float_to_half, half_to_float

ALL = np.arange(1 << 16, dtype=np.int32)
BITS = arrays(np.uint32, 256, elements=st.integers(0, 2**32 - 1))


def apply(make: Callable[[SSAValue], Made], type: Attribute, x: Array) -> Array:
    source = TestOp(result_types=[type])
    ops, value = make(source.results[0])
    Block([source, *ops]).verify()
    evaluator = Evaluator({source.results[0]: x})
    evaluator.run(ops)
    return evaluator.values[value]


def nearest_bfloat(x: Array) -> Array:
    """By comparing the two neighbours; NaN stays NaN."""
    bits = x.view(np.uint32).astype(np.int64)
    low = bits >> 16
    rest = bits & 0xFFFF
    up = (rest > 0x8000) | ((rest == 0x8000) & (low & 1 == 1))
    return np.where(np.isnan(x), (low & 0x8000) | 0x7FC0, low + up)


def test_every_half_is_widened_exactly() -> None:
    found = apply(half_to_float, i32, ALL.astype(np.int16).astype(np.int32))
    np.testing.assert_array_equal(found, ALL.astype(np.uint16).view(np.float16).astype(np.float32))
    np.testing.assert_array_equal(np.signbit(found), ALL >= 0x8000)


def test_every_half_is_narrowed_back() -> None:
    halves = ALL.astype(np.uint16).view(np.float16)
    found = apply(float_to_half, f32, halves.astype(np.float32))
    np.testing.assert_array_equal(found[~np.isnan(halves)], ALL[~np.isnan(halves)])
    np.testing.assert_array_equal(found[np.isnan(halves)].astype(np.int32) & 0x7FFF, 0x7E00)


def test_ties_and_their_neighbours_are_narrowed_to_even() -> None:
    finite = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    ties = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    x = np.concatenate([ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))])
    x = np.concatenate([x, -x, np.array([65504, 65519.99, 65520, 1e9, np.inf, -np.inf, 1e-9, 1e-45], np.float32)])
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(apply(float_to_half, f32, x), expected)


@settings(max_examples=50, deadline=None)
@given(BITS)
def test_any_float_is_narrowed(bits: Numbers) -> None:
    x = bits.view(np.float32)
    x = x[~np.isnan(x)]
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(apply(float_to_half, f32, x), x.astype(np.float16).view(np.uint16))


def test_every_bfloat_is_widened_exactly() -> None:
    found = apply(bfloat_to_float, i32, ALL)
    np.testing.assert_array_equal(found.view(np.uint32), ALL.astype(np.uint32) << 16)


@settings(max_examples=50, deadline=None)
@given(BITS)
def test_any_float_is_narrowed_to_bfloat(bits: Numbers) -> None:
    x = np.concatenate([bits, bits & 0xFFFF0000 | 0x8000, bits | 0x7F800000]).view(np.float32)
    np.testing.assert_array_equal(apply(float_to_bfloat, f32, x), nearest_bfloat(x))
