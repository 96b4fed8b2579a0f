"""What the ONNX backend tests expect: as our importer keeps it, and how results are compared with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from webdnn.frontends.onnx.tensors import ENCODED, read_tensor
from webdnn.support.float_format import FLOAT_FORMATS

Array = NDArray[np.generic]

TWO_UNITS_IN_THE_LAST_PLACE = {"float16": 2.0**-9, "bfloat16": 2.0**-6}
"""Half floats are computed in f32 and rounded once, where the suite's own numbers were rounded at every step"""

NOISY = re.compile(r"test_dft_inverse(_opset19)?$")
"""Tests that expect the rounding errors of f32 (2e-7) where the result is zero: compared with the result in f64"""

RANDOM = re.compile(r"test_(bernoulli|training_dropout(?!_zero))")
"""Tests that expect numpy's random numbers: of ours it is only asked that they could have come out"""


def stored(value: object) -> Array:
    """A value as the importer keeps it: floats of 8 and 4 bits as their codes, integers of less as bytes."""
    return np.asarray(read_tensor(value, Path()) if isinstance(value, TensorProto) else value)


def adjusted(
    name: str, given: Sequence[object], expected: Sequence[object], results: Sequence[Array]
) -> Sequence[object]:
    """What a test expects, but for those whose expectation cannot be met."""
    if NOISY.match(name):
        return [exact_inverse(stored(given[0]))]
    if RANDOM.match(name):
        return possible(stored(given[0]), [stored(e) for e in expected], results)
    return expected


def exact_inverse(parts: Array) -> Array:
    """The inverse transform of axis 1 of complex numbers, in f64."""
    whole = parts.astype(np.float64)
    signal = np.fft.ifft(whole[..., 0] + 1j * whole[..., 1], axis=1)
    return np.stack([signal.real, signal.imag], -1).astype(np.float32)


def possible(given: Array, expected: Sequence[Array], results: Sequence[Array]) -> list[Array]:
    """The results themselves where each element is one that the operator can give for its operand, else others.

    A Bernoulli's are 0 and 1; a dropout's 0 and its operand, scaled as the kept ones that the test expects.
    """
    first, x, found = (np.asarray(a, np.float64) for a in (expected[0], given, results[0]))
    kept = first != 0
    largest = x * np.median(first[kept] / x[kept]) if len(first.shape) > 1 else np.ones_like(first)
    wanted = np.where(found == 0, 0.0, largest).astype(expected[0].dtype)
    return [wanted, *(np.asarray(found != 0) for _ in expected[1:])]


def numbers(array: Array, format: int) -> NDArray[np.float64]:
    """The numbers that elements stand for, codes of an ONNX type decoded."""
    if format not in ENCODED or array.dtype != np.uint8:
        return array.astype(np.float64)
    meaning = FLOAT_FORMATS[ENCODED[format]]
    table = np.array([meaning.value(code) for code in range(meaning.count)])
    return np.take(table, array.astype(np.int64))


def difference(found: Array, expected: object, rtol: float, atol: float) -> str:
    """What is wrong with a result; empty where it is as expected."""
    wanted = stored(expected)
    if found.shape != wanted.shape:
        return f"found shape {list(found.shape)}, expected {list(wanted.shape)}"
    if found.dtype != wanted.dtype:
        return f"found {found.dtype}, expected {wanted.dtype}"
    format = expected.data_type if isinstance(expected, TensorProto) else 0
    a, b = numbers(found, format), numbers(wanted, format)
    rtol = max(rtol, TWO_UNITS_IN_THE_LAST_PLACE.get(found.dtype.name, 0.0))
    if np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    return f"largest error {np.nanmax(np.abs(a - b)) if a.size else 0:.3g}"
