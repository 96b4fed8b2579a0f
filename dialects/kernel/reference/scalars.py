"""Numpy meanings of the scalar operations of `arith`, `math` and `vector`, on arrays that hold a value at each point.

Floats are computed in their own precision and integers wrap. Shifts count modulo the bits of the type, and a division
by zero gives 0, where the targets either do so or stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr
from xdsl.ir import Attribute, Operation

from webdnn.dialects.dnn.reference.elementwise import erf
from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.lanewise import ON_SCALARS
from webdnn.dialects.kernel.pairs import DotPairsOp, SpreadBytesOp
from webdnn.dialects.kernel.reference.casts import CASTS, DType, Numbers, dtype_of, unsigned
from webdnn.support.diagnostic import fail
from webdnn.support.weights import Array

Unary = Callable[[Numbers], Array]
Binary = Callable[[Numbers, Numbers], Array]
Function = Callable[..., Array]


def truncated_quotient(a: Numbers, b: Numbers) -> Array:
    """Rounded towards zero."""
    quotient = a // b
    inexact = (b != 0) & (quotient * b != a) & ((a < 0) != (b < 0))
    return quotient + inexact.astype(a.dtype)


def ceiled_quotient(a: Numbers, b: Numbers) -> Array:
    return a // b + ((b != 0) & (a % b != 0)).astype(a.dtype)


def on_bits(function: Binary) -> Binary:
    """The function on operands taken without sign."""

    def applied(a: Numbers, b: Numbers) -> Array:
        found = function(unsigned(a), unsigned(b))
        return found if found.dtype.kind == "b" else found.view(a.dtype)

    return applied


def shift(function: Binary) -> Binary:
    def applied(a: Numbers, count: Numbers) -> Array:
        return function(a, count & (a.dtype.itemsize * 8 - 1))

    return applied


def or_unordered(function: Binary) -> Binary:
    """True also where an operand is NaN."""

    def applied(a: Numbers, b: Numbers) -> Array:
        return function(a, b) | np.isnan(a) | np.isnan(b)

    return applied


def round_half_away(x: Numbers) -> Array:
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.sign(x), whole)


def reciprocal_root(x: Numbers) -> Array:
    return np.reciprocal(np.sqrt(x))


def fused_multiply_add(a: Numbers, b: Numbers, c: Numbers) -> Array:
    return (a.astype(np.float64) * b + c).astype(a.dtype)


def low_half(a: Numbers) -> Numbers:
    return (a << 16) >> 16


def dot_pairs(a: Numbers, b: Numbers) -> Array:
    return low_half(a) * low_half(b) + (a >> 16) * (b >> 16)


def spread_bytes(a: Numbers) -> Array:
    low, high = (a << 24) >> 24, (a << 16) >> 24
    return (low & 0xFFFF) | (high << 16)


def never(a: Numbers, b: Numbers) -> Array:
    return (a != a) & (a == b)


def ordered(a: Numbers, b: Numbers) -> Array:
    return (a == a) & (b == b)


def differ(a: Numbers, b: Numbers) -> Array:
    return (a < b) | (a > b)


UNARY: dict[type[Operation], Unary] = {
    arith.NegfOp: np.negative,
    math.AbsFOp: np.abs,
    math.AbsIOp: np.abs,
    math.AcosOp: np.arccos,
    math.AcoshOp: np.arccosh,
    math.AsinOp: np.arcsin,
    math.AsinhOp: np.arcsinh,
    math.AtanOp: np.arctan,
    math.AtanhOp: np.arctanh,
    math.CbrtOp: np.cbrt,
    math.CeilOp: np.ceil,
    math.CosOp: np.cos,
    math.CoshOp: np.cosh,
    math.CtPopOp: np.bitwise_count,
    math.ExpOp: np.exp,
    math.Exp2Op: np.exp2,
    math.ExpM1Op: np.expm1,
    math.FloorOp: np.floor,
    math.LogOp: np.log,
    math.Log10Op: np.log10,
    math.Log1pOp: np.log1p,
    math.Log2Op: np.log2,
    math.RoundOp: round_half_away,
    math.RoundEvenOp: np.rint,
    math.RsqrtOp: reciprocal_root,
    math.SinOp: np.sin,
    math.SinhOp: np.sinh,
    math.SqrtOp: np.sqrt,
    math.TanOp: np.tan,
    math.TanhOp: np.tanh,
    math.TruncOp: np.trunc,
}

BINARY: dict[type[Operation], Binary] = {
    arith.AddiOp: np.add,
    arith.SubiOp: np.subtract,
    arith.MuliOp: np.multiply,
    arith.DivSIOp: truncated_quotient,
    arith.DivUIOp: on_bits(np.floor_divide),
    arith.FloorDivSIOp: np.floor_divide,
    arith.CeilDivSIOp: ceiled_quotient,
    arith.CeilDivUIOp: on_bits(ceiled_quotient),
    arith.RemSIOp: np.fmod,
    arith.RemUIOp: on_bits(np.fmod),
    arith.MinSIOp: np.minimum,
    arith.MaxSIOp: np.maximum,
    arith.MinUIOp: on_bits(np.minimum),
    arith.MaxUIOp: on_bits(np.maximum),
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.ShLIOp: shift(np.left_shift),
    arith.ShRSIOp: shift(np.right_shift),
    arith.ShRUIOp: shift(on_bits(np.right_shift)),
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.true_divide,
    arith.MinimumfOp: np.minimum,
    arith.MaximumfOp: np.maximum,
    arith.MinnumfOp: np.fmin,
    arith.MaxnumfOp: np.fmax,
    math.Atan2Op: np.arctan2,
    math.CopySignOp: np.copysign,
    math.PowFOp: np.power,
}

FUNCTIONS: dict[type[Operation], Function] = {
    **UNARY,
    **BINARY,
    math.ErfOp: erf,
    arith.SelectOp: np.where,
    DotPairsOp: dot_pairs,
    SpreadBytesOp: spread_bytes,
    math.FmaOp: fused_multiply_add,
    vector.FMAOp: fused_multiply_add,
}

ORDER: dict[str, Binary] = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}

INTEGER_COMPARISONS: dict[str, Binary] = {
    "eq": np.equal,
    "ne": np.not_equal,
    **{"s" + name: function for name, function in ORDER.items()},
    **{"u" + name: on_bits(function) for name, function in ORDER.items()},
}

FLOAT_COMPARISONS: dict[str, Binary] = {
    "false": never,
    "true": or_unordered(ordered),
    "ord": ordered,
    "uno": or_unordered(never),
    "oeq": np.equal,
    "une": np.not_equal,
    "one": differ,
    "ueq": or_unordered(np.equal),
    **{"o" + name: function for name, function in ORDER.items()},
    **{"u" + name: or_unordered(function) for name, function in ORDER.items()},
}


def evaluate_scalar(op: Operation, operands: Sequence[Array]) -> Array:
    """The result of a scalar operation at every point at once. Vectors have their lanes as the last axis."""
    dtype = dtype_of(op.results[0].type)
    with np.errstate(all="ignore"):
        return np.asarray(meaning_of(op, dtype)(*operands)).astype(dtype, copy=False)


def meaning_of(op: Operation, dtype: DType) -> Function:
    """The function from an operation's operands to its result."""
    match op:
        case arith.ConstantOp():
            return lambda: constant_array(op.value, dtype)
        case arith.CmpiOp():
            return INTEGER_COMPARISONS[arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]]
        case arith.CmpfOp():
            return FLOAT_COMPARISONS[arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]]
        case vector.BroadcastOp() if not is_vector(op.source.type):
            return broadcast_to_lanes(op.vector.type.get_shape()[0])
        case vector.ExtractOp() if not op.dynamic_position:
            return lane(op.static_position.get_values())
        case _ if (kind := ON_SCALARS.get(type(op), type(op))) in CASTS:
            return cast_to(dtype, kind)
        case _ if kind in FUNCTIONS:
            return FUNCTIONS[kind]
        case _:
            fail(op, "has no numpy meaning in a kernel", hint="add one in dialects/kernel/reference/scalars.py")


def cast_to(dtype: DType, kind: type[Operation]) -> Unary:
    return lambda value: CASTS[kind](value, dtype)


def broadcast_to_lanes(count: int) -> Unary:
    return lambda value: np.repeat(value[..., None], count, axis=-1)


def lane(position: Sequence[int]) -> Unary:
    return lambda value: value[(..., *position)]


def constant_array(value: Attribute, dtype: DType) -> Array:
    """A constant in its type; integers keep their low bits."""
    match value:
        case FloatAttr():
            return np.array(value.value.data, dtype)
        case IntegerAttr() if dtype.kind == "b":
            return np.array(value.value.data != 0, dtype)
        case IntegerAttr():
            bits = dtype.itemsize * 8
            return np.array(value.value.data % (1 << bits), np.dtype(f"u{dtype.itemsize}")).view(dtype)
        case DenseIntOrFPElementsAttr():
            return np.array(value.get_values(), dtype)
        case _:
            raise AssertionError(f"{value} is no constant of a scalar or vector")
