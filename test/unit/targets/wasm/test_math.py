"""Functions as arithmetic: errors in units in the last place, special values, and what wasmtime makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unit.targets.wasm.expanded import dtype_of, evaluate, expanded, kernel, run
from webdnn.dialects.kernel.reference.casts import Numbers
from webdnn.support.weights import Array

WIDE = np.dtype(np.longdouble)
FORMS = {"f32": "f32", "4xf32": "vector<4xf32>", "f64": "f64"}
LARGEST = float(np.finfo(np.float32).max)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -1e-42, 1e-30, -1e-30, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0]


@dataclass(frozen=True)
class Function:
    """A meaning, the intervals on which it is tried, and the errors allowed in f32 and f64."""

    meaning: Callable[..., Array]
    single: float
    double: float
    intervals: tuple[tuple[float, float], ...]
    wide: tuple[float, float] | None = None
    """The same for f64, where its range is wider"""


def erf(x: Numbers) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def rsqrt(x: Numbers) -> Array:
    return 1 / np.sqrt(x)


def away(x: Numbers) -> Array:
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


ANGLES = ((-10.0, 10.0), (-1e6, 1e6), (-1e-3, 1e-3))
POSITIVE = ((1e-3, 3.0), (1e-45, 1e-37), (1.0, 1e38))

FUNCTIONS: dict[str, Function] = {
    "exp": Function(np.exp, 1.2, 1.2, ((-86.9, 88.72), (-1e-3, 1e-3)), (-708.0, 709.78)),
    "exp2": Function(np.exp2, 1.2, 1.2, ((-125.4, 127.99), (-1e-3, 1e-3)), (-1021.4, 1023.99)),
    "expm1": Function(np.expm1, 1.6, 1.7, ((-20.0, 88.72), (-1.0, 1.0), (-1e-6, 1e-6)), (-40.0, 709.78)),
    "log": Function(np.log, 1.0, 1.0, POSITIVE, (1e-320, 1e-300)),
    "log2": Function(np.log2, 2.0, 1.8, POSITIVE, (1e-320, 1e-300)),
    "log10": Function(np.log10, 2.2, 3.0, POSITIVE, (1e-320, 1e-300)),
    "log1p": Function(np.log1p, 1.0, 1.0, ((-0.9999, 3.0), (-1e-6, 1e-6), (1.0, 1e38))),
    "sinh": Function(np.sinh, 2.4, 2.2, ((-89.4, 89.4), (-1.0, 1.0), (-1e-6, 1e-6)), (-710.4, 710.4)),
    "cosh": Function(np.cosh, 1.8, 1.6, ((-89.4, 89.4), (-1.0, 1.0)), (-710.4, 710.4)),
    "tanh": Function(np.tanh, 6.0, 2.2, ((-12.0, 12.0), (-1.0, 1.0), (-1e-6, 1e-6)), (-25.0, 25.0)),
    "asinh": Function(np.arcsinh, 1.8, 1.6, ((-3.0, 3.0), (-1e-6, 1e-6), (-3e38, 3e38)), (1e100, 1e308)),
    "acosh": Function(np.arccosh, 2.2, 1.8, ((1.0, 3.0), (1.0, 3e38)), (1e100, 1e308)),
    "atanh": Function(np.arctanh, 2.2, 1.8, ((-0.9999, 0.9999), (-1e-6, 1e-6))),
    "sin": Function(np.sin, 1.6, 1.6, ANGLES),
    "cos": Function(np.cos, 1.6, 2.0, ANGLES),
    "tan": Function(np.tan, 3.0, 2.8, ANGLES),
    "asin": Function(np.arcsin, 2.5, 2.2, ((-1.0, 1.0), (-1e-6, 1e-6))),
    "acos": Function(np.arccos, 1.5, 1.4, ((-1.0, 1.0),)),
    "atan": Function(np.arctan, 2.8, 2.0, ((-4.0, 4.0), (-1e-6, 1e-6), (1.0, 1e30))),
    "erf": Function(erf, 8.0, 2.5, ((-5.0, 5.0), (-1.0, 1.0), (-1e-6, 1e-6)), (-7.0, 7.0)),
    "cbrt": Function(np.cbrt, 1.0, 1.0, ((-1e-38, 1e-38), (-30.0, 30.0), (-3e38, 3e38)), (1e-320, 1e308)),
    "rsqrt": Function(rsqrt, 1.6, 1.6, ((1e-30, 1.0), (1.0, 1e38))),
    "round": Function(away, 0.0, 0.0, ((-5.0, 5.0), (-1e6, 1e6))),
}


def error(found: Array, exact: Array) -> float:
    """The largest distance from the exact value, in units in the last place of the found type."""
    assert np.isfinite(found).all()
    nearest = exact.astype(found.dtype)
    unit = np.spacing(np.abs(nearest)).astype(WIDE)
    return float(np.max(np.abs(found.astype(WIDE) - exact.astype(WIDE)) / unit))


def points(function: Function, dtype: np.dtype[np.int64]) -> Numbers:
    intervals = [*function.intervals, function.wide] if dtype == np.float64 and function.wide else function.intervals
    return np.concatenate([spread(*i) for i in intervals if i]).astype(dtype)


def spread(low: float, high: float) -> Array:
    """Equal steps, and on one side of zero equal ratios too."""
    steps = np.linspace(low, high, 1200)
    return np.concatenate([steps, np.geomspace(low, high, 1200)]) if low > 0 else steps


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error(name: str, form: str) -> None:
    function = FUNCTIONS[name]
    x = points(function, dtype_of(form))
    exact = function.meaning(x.astype(WIDE))
    for fused in (True, False) if form == "4xf32" else (True,):
        found = evaluate(f"math.{name} %0 : {FORMS[form]}", [form], form, x, fused=fused)
        worst = error(found, exact)
        assert worst <= (function.double if form == "f64" else function.single), f"{worst:.2f} ulp"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, form: str) -> None:
    values = [*SPECIAL, *([] if name in ("sin", "cos", "tan") else [LARGEST, -LARGEST, 1e10, -1e10])]
    x = np.array(values + [0.0] * (-len(values) % 4), dtype_of(form))
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name].meaning(x.astype(np.float64)).astype(x.dtype)
    found = evaluate(f"math.{name} %0 : {FORMS[form]}", [form], form, x)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=5e-45)


@pytest.mark.parametrize("name", ["sinh", "tanh", "asinh", "atanh", "asin", "atan", "erf", "cbrt", "round"])
def test_sign_of_zero(name: str) -> None:
    found = evaluate(
        f"math.{name} %0 : vector<4xf32>", ["4xf32"], "4xf32", np.array([0.0, -0.0, 0.0, -0.0], np.float32)
    )
    np.testing.assert_array_equal(np.signbit(found), [False, True, False, True])


def test_exponential_ends_in_infinity_and_zero() -> None:
    x = np.array([88.72, 88.73, 1e30, np.inf, -86.9, -87.5, -1e30, -np.inf], np.float32)
    found = evaluate("math.exp %0 : vector<4xf32>", ["4xf32"], "4xf32", x)
    assert np.isfinite(found[0])
    assert (found[1:4] == np.inf).all()
    assert found[4] > 1.8e-38
    assert (found[5:] == 0).all()


def test_saturated_functions_are_one() -> None:
    x = np.array([5.0, -5.0, 20.0, -1e30], np.float32)
    for name in ("erf", "tanh"):
        found = evaluate(f"math.{name} %0 : vector<4xf32>", ["4xf32"], "4xf32", x * 2)
        np.testing.assert_array_equal(found, np.sign(x))


def test_logarithm_of_powers_of_two_is_exact() -> None:
    exponents = np.arange(-149, 127, dtype=np.float64)
    found = evaluate("math.log2 %0 : vector<4xf32>", ["4xf32"], "4xf32", np.exp2(exponents).astype(np.float32))
    np.testing.assert_array_equal(found, exponents)


def test_sine_of_large_angles_stays_in_range() -> None:
    found = evaluate("math.sin %0 : f32", ["f32"], "f32", np.geomspace(1e6, 3e38, 400).astype(np.float32))
    assert (np.abs(found) <= 1).all()


@pytest.mark.parametrize("form", FORMS)
def test_atan2(form: str) -> None:
    values = np.array([*SPECIAL, LARGEST, -LARGEST, 7.0], dtype_of(form))
    y, x = (a.reshape(-1) for a in np.meshgrid(values, values))
    found = evaluate(f"math.atan2 %0, %1 : {FORMS[form]}", [form, form], form, y, x)
    exact = np.arctan2(y.astype(np.float64), x).astype(y.dtype)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-30)
    defined = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(found)[defined], np.signbit(exact)[defined])


@pytest.mark.parametrize("form", FORMS)
def test_power_of_special_values(form: str) -> None:
    values = np.array([*SPECIAL, 4.0, -5.0, 2.5, -2.5, 1e9, 0.99, LARGEST], dtype_of(form))
    x, y = (a.reshape(-1) for a in np.meshgrid(values, values))
    found = evaluate(f"math.powf %0, %1 : {FORMS[form]}", [form, form], form, x, y)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y).astype(x.dtype)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-45)
    defined = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(found)[defined], np.signbit(exact)[defined])


@pytest.mark.parametrize("form", FORMS)
def test_power_error(form: str) -> None:
    dtype = dtype_of(form)
    random = np.random.default_rng(1)
    x = np.exp(random.uniform(-80, 80, 4000)).astype(dtype)
    most = 700 if form == "f64" else 80
    y = (random.uniform(-most, most, 4000) / np.log(x)).astype(dtype)
    found = evaluate(f"math.powf %0, %1 : {FORMS[form]}", [form, form], form, x, y)
    exact = np.power(x.astype(WIDE), y.astype(WIDE))
    # np.longdouble has 11 more bits than an f64, which take up most of what y·log(x) adds to its error.
    assert error(found, exact) <= (1.2 if form == "f64" else 0.55)


@pytest.mark.parametrize("form", FORMS)
def test_power_of_integers_is_exact(form: str) -> None:
    dtype = dtype_of(form)
    x, y = (a.reshape(-1) for a in np.meshgrid(np.arange(-12.0, 12.0), np.arange(0.0, 8.0)))
    keep = np.abs(x) ** y < 2.0 ** (24 if dtype == np.float32 else 53)
    count = np.count_nonzero(keep) // 4 * 4
    x, y = (a[keep][:count].astype(dtype) for a in (x, y))
    found = evaluate(f"math.powf %0, %1 : {FORMS[form]}", [form, form], form, x, y)
    np.testing.assert_array_equal(found, x**y)


@pytest.mark.parametrize("exponent", ["0.0", "0.5", "-0.5", "1.0", "2.0", "3.0", "-1.0", "-2.0", "8.0", "2.5"])
@pytest.mark.parametrize("form", ["f32", "4xf32"])
def test_power_by_a_constant(exponent: str, form: str) -> None:
    x = np.array([*SPECIAL, 7.0, 1.5, 10.0], np.float32)
    value = exponent if form == "f32" else f"dense<{exponent}>"
    prelude = f"%c = arith.constant {value} : {FORMS[form]}"
    found = evaluate(f"math.powf %0, %c : {FORMS[form]}", [form], form, x, prelude=prelude)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), np.full_like(x, float(exponent))).astype(np.float32)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-38)


def test_small_constant_powers_are_products() -> None:
    line, prelude = "math.powf %0, %c : f32", "%c = arith.constant 3.0 : f32"
    function = expanded(kernel(line, ["f32"], "f32", 1, prelude))
    names = [op.name for op in function.walk() if op.name.startswith(("math", "arith.mul", "arith.div"))]
    assert names == ["arith.mulf", "arith.mulf"]


def floats(bits: Numbers) -> Numbers:
    return bits.view(dtype_of("f32"))


BITS = arrays(np.uint32, 64, elements=st.integers(0, 2**32 - 1))


@settings(max_examples=25, deadline=None)
@given(BITS, BITS)
def test_power_of_any_numbers(first: Numbers, second: Numbers) -> None:
    x, y = (floats(b) for b in (first, second))
    found = evaluate("math.powf %0, %1 : vector<4xf32>", ["4xf32"] * 2, "4xf32", x, y)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y).astype(np.float32)
    np.testing.assert_allclose(found, exact, rtol=2e-7, atol=1e-45)


@settings(max_examples=25, deadline=None)
@given(BITS, st.sampled_from(["exp", "log", "tanh", "erf", "atan", "asinh", "cbrt", "log1p", "expm1"]))
def test_function_of_any_number(bits: Numbers, name: str) -> None:
    x = floats(bits)
    found = evaluate(f"math.{name} %0 : vector<4xf32>", ["4xf32"], "4xf32", x)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name].meaning(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=2e-38)


@pytest.mark.parametrize("form", FORMS)
def test_copysign(form: str) -> None:
    values = np.array([1.5, -2.5, 0.0, -0.0, np.inf, -np.inf, 3.0, -1e-42], dtype_of(form))
    x, y = (a.reshape(-1) for a in np.meshgrid(values, values))
    found = evaluate(f"math.copysign %0, %1 : {FORMS[form]}", [form, form], form, x, y)
    np.testing.assert_array_equal(found, np.copysign(x, y))


@pytest.mark.parametrize("form", FORMS)
def test_multiply_add_and_integer_exponents(form: str) -> None:
    dtype, integer = dtype_of(form), "4xi32" if form == "4xf32" else "i32"
    x, n = np.array([1.5, -2.0, 0.0, -3.0], dtype), np.array([2, -3, 0, 5], np.int32)
    type = f"{FORMS[form]}, {'vector<4xi32>' if form == '4xf32' else 'i32'}"
    found = evaluate(f"math.fpowi %0, %1 : {type}", [form, integer], form, x, n)
    np.testing.assert_array_equal(found, np.array([2.25, -0.125, 1.0, -243.0], dtype))
    found = evaluate(f"math.fma %0, %0, %0 : {FORMS[form]}", [form], form, x)
    np.testing.assert_array_equal(found, x * x + x)


INTEGERS = {"i32": "i32", "4xi32": "vector<4xi32>", "i64": "i64"}


@pytest.mark.parametrize("form", INTEGERS)
def test_integer_power(form: str) -> None:
    dtype = dtype_of(form)
    bases = np.array([0, 1, -1, 2, -3, 7, 2**31 - 1, 65537], dtype)
    exponents = np.array([0, 1, 2, 5, 31, 2**31 - 1, -1, -2], dtype)
    x, n = (a.reshape(-1) for a in np.meshgrid(bases, exponents))
    found = evaluate(f"math.ipowi %0, %1 : {INTEGERS[form]}", [form, form], form, x, n)
    np.testing.assert_array_equal(
        found, [power_of(int(b), int(e), dtype.itemsize * 8) for b, e in zip(x, n, strict=True)]
    )


def power_of(base: int, exponent: int, bits: int) -> int:
    """Wrapped to a signed number of so many bits."""
    if exponent < 0:
        return base ** (exponent % 2) if base in (1, -1) else 0
    low = pow(base, exponent, 1 << bits)
    return low - (low >> (bits - 1) << bits)


@pytest.mark.parametrize("form", INTEGERS)
def test_absolute_values(form: str) -> None:
    x = np.array([0, 1, -1, 5, -7, 2**31 - 1, -(2**31), 0x0F0F], dtype_of(form))
    found = evaluate(f"math.absi %0 : {INTEGERS[form]}", [form], form, x)
    np.testing.assert_array_equal(found, np.abs(x))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh", "erf", "sin", "asin", "cbrt", "sinh"])
def test_wasmtime_computes_what_numpy_does(name: str, form: str) -> None:
    x = np.concatenate([points(FUNCTIONS[name], dtype_of(form))[:1200], np.array(SPECIAL[:8])])
    x = x.astype(dtype_of(form))
    line = f"math.{name} %0 : {FORMS[form]}"
    found = run(line, [form], form, x)
    np.testing.assert_array_equal(found, evaluate(line, [form], form, x, fused=False))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["powf", "atan2", "copysign"])
def test_wasmtime_computes_functions_of_two_numbers(name: str, form: str) -> None:
    values = np.array([*SPECIAL[:9], 1.5, -1.5, 7.0], dtype_of(form))
    x, y = (a.reshape(-1) for a in np.meshgrid(values, values))
    line = f"math.{name} %0, %1 : {FORMS[form]}"
    found = run(line, [form] * 2, form, x, y)
    np.testing.assert_array_equal(found, evaluate(line, [form] * 2, form, x, y, fused=False))


@pytest.mark.parametrize("form", INTEGERS)
def test_bit_counts(form: str) -> None:
    x = np.array([0, 1, -1, 5, -7, 2**31 - 1, -(2**31), 0x0F0F], dtype_of(form))
    exact = [(int(v) % (1 << x.dtype.itemsize * 8)).bit_count() for v in x]
    np.testing.assert_array_equal(run(f"math.ctpop %0 : {INTEGERS[form]}", [form], form, x), exact)


@pytest.mark.parametrize(("name", "operands"), [("absi", 1), ("ipowi", 2)])
@pytest.mark.parametrize("form", INTEGERS)
def test_wasmtime_computes_functions_of_integers(name: str, operands: int, form: str) -> None:
    x = np.array([0, 1, -1, 5, -7, 2**31 - 1, -(2**31), 0x0F0F], dtype_of(form))
    line = f"math.{name} {'%0, %1' if operands == 2 else '%0'} : {INTEGERS[form]}"
    inputs = [x, np.abs(x) % 40][:operands]
    found = run(line, [form] * operands, form, *inputs)
    np.testing.assert_array_equal(found, evaluate(line, [form] * operands, form, *inputs))


def test_relaxed_multiply_adds_keep_the_error() -> None:
    x = np.linspace(-80, 80, 1024).astype(np.float32)
    found = run("math.exp %0 : vector<4xf32>", ["4xf32"], "4xf32", x, relaxed=True)
    assert error(found, np.exp(x.astype(WIDE))) <= FUNCTIONS["exp"].single


def test_vector_constants_survive_their_text() -> None:
    function = expanded(kernel("math.log %0 : vector<4xf32>", ["4xf32"], "4xf32", 1))
    text = str(function)
    assert "dense<0x" not in text
    assert sum(op.name == "vector.broadcast" for op in function.body.block.ops) >= 3  # inf, -inf and NaN


def test_constants_are_shared_by_all_expansions() -> None:
    once = expanded(kernel("math.exp %0 : f32", ["f32"], "f32", 1))
    prelude = "%z = arith.constant 1.5 : f32 %e = math.exp %z : f32"
    twice = expanded(kernel("math.exp %e : f32", ["f32"], "f32", 1, prelude))
    count = [sum(op.name == "arith.constant" for op in f.body.block.ops) for f in (once, twice)]
    assert count[1] == count[0] + 1  # 1.5
