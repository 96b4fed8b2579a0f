"""Scalars in kernels have exactly the semantics of their types."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.reference import run_function

Array = NDArray[np.generic]
Parse = Callable[[str], ModuleOp]

NAN, INF = float("nan"), float("inf")
ELEMENTS = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "bool": "i1"}


def apply(parse: Parse, line: str, arrays: Sequence[Array], result: str) -> Array:
    """`%r = line` at each element of one-dimensional arrays, read as %0, %1, …"""
    types = [f"tensor<{a.size}x{ELEMENTS[a.dtype.name]}>" for a in arrays]
    arguments = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types))
    reads = "\n".join(f"%{i} = kernel.read %a{i}[%i] : {t}" for i, t in enumerate(types))
    count = arrays[0].size
    module = parse(f"""
        func.func @main({arguments}) -> tensor<{count}x{result}> {{
          %y = kernel.compute (%i = {count}) -> tensor<{count}x{result}> {{
            {reads}
            %r = {line}
            kernel.yield %r : {result}
          }}
          func.return %y : tensor<{count}x{result}>
        }}""")
    (found,) = run_function(module, arrays)
    return found


def f32(*values: float) -> Array:
    return np.array(values, np.float32)


def f64(*values: float) -> Array:
    return np.array(values, np.float64)


def i32(*values: int) -> Array:
    return np.array(values, np.int32)


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def i1(*values: bool) -> Array:
    return np.array(values, np.bool)


LEAST = -(1 << 31)

CASES: list[tuple[str, list[Array], Array]] = [
    # Floats keep their precision, integers wrap.
    ("arith.addf %0, %1 : f32", [f32(1 << 24, 0.1), f32(1, 0.2)], f32(1 << 24, 0.30000001192092896)),
    ("arith.addf %0, %1 : f64", [f64(1 << 24), f64(1)], f64((1 << 24) + 1)),
    ("arith.addi %0, %1 : i32", [i32((1 << 31) - 1), i32(1)], i32(LEAST)),
    ("arith.muli %0, %1 : i32", [i32(1 << 20), i32(1 << 12)], i32(0)),
    ("arith.muli %0, %1 : i64", [i64(1 << 20), i64(1 << 12)], i64(1 << 32)),
    ("arith.subi %0, %1 : i32", [i32(LEAST), i32(1)], i32((1 << 31) - 1)),
    # Quotients and remainders, signed and not; a division by zero is zero.
    (
        "arith.divsi %0, %1 : i32",
        [i32(7, -7, 7, -7, 6, -1, LEAST), i32(2, 2, -2, -2, 3, 0, -1)],
        i32(3, -3, -3, 3, 2, 0, LEAST),
    ),
    ("arith.remsi %0, %1 : i32", [i32(7, -7, 7, -7), i32(2, 2, -2, -2)], i32(1, -1, 1, -1)),
    ("arith.divui %0, %1 : i32", [i32(-1, 7), i32(2, 2)], i32((1 << 31) - 1, 3)),
    ("arith.remui %0, %1 : i32", [i32(-1), i32(10)], i32(5)),
    ("arith.floordivsi %0, %1 : i32", [i32(7, -7), i32(2, 2)], i32(3, -4)),
    ("arith.ceildivsi %0, %1 : i32", [i32(7, -7, 6), i32(2, 2, 2)], i32(4, -3, 3)),
    # Bits.
    ("arith.shli %0, %1 : i32", [i32(1, 1, 3), i32(31, 32, 31)], i32(LEAST, 1, LEAST)),
    ("arith.shrsi %0, %1 : i32", [i32(-8, 8), i32(1, 1)], i32(-4, 4)),
    ("arith.shrui %0, %1 : i32", [i32(-1, 8), i32(28, 1)], i32(15, 4)),
    ("arith.xori %0, %1 : i1", [i1(True, False), i1(True, True)], i1(False, True)),
    # The order of numbers.
    ("arith.maxui %0, %1 : i32", [i32(-1, 1), i32(1, 2)], i32(-1, 2)),
    ("arith.minsi %0, %1 : i32", [i32(-1, 1), i32(1, 2)], i32(-1, 1)),
    ("arith.maximumf %0, %1 : f32", [f32(NAN, 1, 2), f32(1, NAN, 3)], f32(NAN, NAN, 3)),
    ("arith.minimumf %0, %1 : f32", [f32(NAN, 1, 2), f32(1, NAN, 3)], f32(NAN, NAN, 2)),
    ("arith.maxnumf %0, %1 : f32", [f32(NAN, 1), f32(1, NAN)], f32(1, 1)),
    ("arith.select %0, %1, %2 : f32", [i1(True, False), f32(1, 2), f32(3, 4)], f32(1, 4)),
    # Casts.
    (
        "arith.fptosi %0 : f32 to i32",
        [f32(1.9, -1.9, NAN, INF, -INF, 3e9)],
        i32(1, -1, 0, (1 << 31) - 1, LEAST, (1 << 31) - 1),
    ),
    ("arith.fptosi %0 : f64 to i64", [f64(NAN, 1e300, -1e300, -2.5)], i64(0, (1 << 63) - 1, -(1 << 63), -2)),
    ("arith.fptoui %0 : f32 to i32", [f32(3e9, -1, NAN, 1e20)], i32(3000000000 - (1 << 32), 0, 0, -1)),
    ("arith.sitofp %0 : i32 to f32", [i32(-3, 16777217)], f32(-3, 16777216)),
    ("arith.uitofp %0 : i32 to f64", [i32(-1)], f64((1 << 32) - 1)),
    ("arith.uitofp %0 : i1 to f32", [i1(True, False)], f32(1, 0)),
    ("arith.sitofp %0 : i1 to f32", [i1(True, False)], f32(-1, 0)),
    ("arith.extui %0 : i1 to i32", [i1(True, False)], i32(1, 0)),
    ("arith.extsi %0 : i1 to i32", [i1(True, False)], i32(-1, 0)),
    ("arith.extsi %0 : i32 to i64", [i32(-1)], i64(-1)),
    ("arith.extui %0 : i32 to i64", [i32(-1)], i64((1 << 32) - 1)),
    ("arith.trunci %0 : i64 to i32", [i64((1 << 32) + 5, -1)], i32(5, -1)),
    ("arith.trunci %0 : i32 to i1", [i32(2, 3)], i1(False, True)),
    ("arith.extf %0 : f32 to f64", [f32(0.1)], f64(float(np.float32(0.1)))),
    ("arith.truncf %0 : f64 to f32", [f64(0.1)], f32(0.1)),
    ("arith.bitcast %0 : f32 to i32", [f32(1)], i32(0x3F800000)),
    # Functions.
    ("math.roundeven %0 : f32", [f32(0.5, 1.5, -2.5)], f32(0, 2, -2)),
    ("math.round %0 : f32", [f32(0.5, 1.5, -2.5, 0.49999997)], f32(1, 2, -3, 0)),
    ("math.rsqrt %0 : f32", [f32(4)], f32(0.5)),
    ("math.fma %0, %1, %2 : f32", [f32(1 + 2**-12), f32(1 - 2**-12), f32(-1)], f32(-(2**-24))),
    ("math.erf %0 : f32", [f32(0, 0.5, -3)], f32(0, 0.5204999, -0.9999779)),
]


@pytest.mark.parametrize(("line", "operands", "expected"), CASES, ids=[case[0].split(" :")[0] for case in CASES])
def test_scalar(parse: Parse, line: str, operands: list[Array], expected: Array) -> None:
    found = apply(parse, line, operands, ELEMENTS[expected.dtype.name])
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


ORDERS: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
PAIRS = [(a, b) for a in (1.0, 2.0, NAN) for b in (1.0, 2.0, NAN)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("unordered", [False, True])
def test_float_comparison(parse: Parse, order: str, unordered: bool) -> None:
    expected = [unordered if a != a or b != b else ORDERS[order](a, b) for a, b in PAIRS]
    line = f"arith.cmpf {'u' if unordered else 'o'}{order}, %0, %1 : f32"
    assert apply(parse, line, [f32(*(a for a, _ in PAIRS)), f32(*(b for _, b in PAIRS))], "i1").tolist() == expected


@pytest.mark.parametrize(("predicate", "expected"), [("ord", True), ("uno", False), ("true", True), ("false", False)])
def test_float_comparison_that_only_asks_for_nan(parse: Parse, predicate: str, expected: bool) -> None:
    found = apply(parse, f"arith.cmpf {predicate}, %0, %1 : f32", [f32(1, 1), f32(2, NAN)], "i1")
    assert found.tolist() == [expected, expected if predicate in ("true", "false") else not expected]


@pytest.mark.parametrize("order", ORDERS)
def test_integer_comparison(parse: Parse, order: str) -> None:
    pairs = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    operands = [i32(*(a for a, _ in pairs)), i32(*(b for _, b in pairs))]
    for sign, modulus in (("s", 0), ("u", 1 << 32)) if order not in ("eq", "ne") else (("", 0),):
        found = apply(parse, f"arith.cmpi {sign}{order}, %0, %1 : i32", operands, "i1")
        expected = [ORDERS[order](a % modulus, b % modulus) if modulus else ORDERS[order](a, b) for a, b in pairs]
        assert found.tolist() == expected
