"""All hand-written programs, and which targets must refuse them."""

from __future__ import annotations

from math import erf

import numpy as np

from validation import integer_programs, kernel_programs
from validation.kernel_programs import Array, Case, unary

CASES: tuple[Case, ...] = (
    kernel_programs.matmul(),
    kernel_programs.ragged_matmul(),
    kernel_programs.convolution(),
    kernel_programs.convolution_channels_first(),
    kernel_programs.max_pool(),
    kernel_programs.transposed_convolution(),
    kernel_programs.special_values(),
    kernel_programs.half_floats(),
    kernel_programs.softmax(),
    kernel_programs.shared_kernel(),
    kernel_programs.power(),
    integer_programs.gather(),
    integer_programs.small_integers(),
    integer_programs.words(),
    integer_programs.short_words(),
    integer_programs.longs(),
    integer_programs.powers(),
    integer_programs.scaled(),
    integer_programs.arg_max(),
    integer_programs.booleans(),
    integer_programs.quantize(),
)

REFUSALS = {
    ("words", "webgl1"): "'arith.muli' may leave the integers -16777215 … 16777215",
    ("short_words", "webgl1"): "'arith.muli' may leave the integers -16777215 … 16777215",
    ("scaled", "webgpu"): "'arith.muli' may leave the integers -2147483648 … 2147483647",
    ("scaled", "webgl2"): "'arith.muli' may leave the integers -2147483648 … 2147483647",
    ("scaled", "webgl1"): "'arith.muli' may leave the integers -16777215 … 16777215",
}
"""(program, backend) -> what the diagnostic says"""

TOO_LARGE = {
    ("words", "webgl2"),
    ("longs", "webgpu"),
    ("longs", "webgl2"),
    ("longs", "webgl1"),
}
"""(program, backend) where a run refuses the numbers that the program is given"""


def reciprocal_root(x: Array) -> Array:
    return 1 / np.sqrt(x)


def round_away(x: Array) -> Array:
    return np.trunc(x + np.copysign(0.5, x))


FUNCTIONS: tuple[Case, ...] = (
    unary("acos", np.arccos, -1, 1),
    unary("acosh", np.arccosh, 1, 30),
    unary("asin", np.arcsin, -1, 1),
    unary("asinh", np.arcsinh, -30, 30),
    unary("atan", np.arctan, -8, 8),
    unary("atanh", np.arctanh, -0.99, 0.99),
    unary("cbrt", np.cbrt, -8, 8),
    unary("ceil", np.ceil, -4, 3.9),
    unary("cos", np.cos, -20, 20),
    unary("cosh", np.cosh, -5, 5),
    unary("erf", np.vectorize(erf), -5, 5),
    unary("exp", np.exp, -5, 5),
    unary("exp2", np.exp2, -8, 8),
    unary("expm1", np.expm1, -3, 3),
    unary("floor", np.floor, -4, 3.9),
    unary("log", np.log, 0.1, 9),
    unary("log10", np.log10, 0.1, 100),
    unary("log1p", np.log1p, -0.9, 3),
    unary("log2", np.log2, 0.1, 9),
    unary("round", round_away, -4, 3.875),
    unary("roundeven", np.rint, -4, 3.875),
    unary("rsqrt", reciprocal_root, 0.1, 9),
    unary("sin", np.sin, -20, 20),
    unary("sinh", np.sinh, -5, 5),
    unary("sqrt", np.sqrt, 0, 9),
    unary("tan", np.tan, -1, 1),
    unary("tanh", np.tanh, -12, 12),
    unary("trunc", np.trunc, -4, 3.9),
)


def assert_close(case: Case, found: Array, expected: Array) -> None:
    """Equal integers; floats within the case's tolerance."""
    if expected.dtype.kind == "f":
        got, want = found.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
        np.testing.assert_allclose(got, want, rtol=case.tolerance, atol=case.tolerance)
    else:
        np.testing.assert_array_equal(found.ravel(), expected.ravel())
