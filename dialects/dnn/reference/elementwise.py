"""Numpy meanings of the element-wise operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import meaning


def erf(x: Array) -> Array:
    """The error function in double precision: a Taylor series near zero, a continued fraction elsewhere.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.5 and 7.1.14.
    """
    z = np.minimum(np.abs(x.astype(np.float64)), 6.0)
    small = np.where(z < 2.5, z, 0.0)
    term, total = small.copy(), small.copy()
    for n in range(1, 60):
        term = term * -(small**2) / n
        total = total + term / (2 * n + 1)
    large = np.where(z < 2.5, 2.5, z)
    fraction = np.zeros_like(z)
    for n in range(60, 0, -1):
        fraction = n / 2 / (large + fraction)
    tail = np.exp(-(large**2)) / (large + fraction) / np.sqrt(np.pi)
    near, far = as_array(2 / np.sqrt(np.pi) * total), as_array(1 - tail)
    size = np.where(z < 2.5, near, far)
    return as_array((np.sign(x) * size).astype(x.dtype))


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def wide(x: Array) -> Array:
    """Half floats are computed in f32, as on the targets."""
    return as_array(x.astype(np.float32)) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x


UNARY: dict[type[DnnOp], Callable[[Array], Array]] = {
    dnn.ReluOp: lambda x: np.maximum(x, np.zeros((), x.dtype)),
    dnn.SigmoidOp: lambda x: 1 / (1 + np.exp(-x)),
    dnn.TanhOp: np.tanh,
    dnn.ExpOp: np.exp,
    dnn.LogOp: np.log,
    dnn.SqrtOp: np.sqrt,
    dnn.ReciprocalOp: lambda x: 1 / x,
    dnn.NegOp: np.negative,
    dnn.AbsOp: np.abs,
    dnn.FloorOp: np.floor,
    dnn.CeilOp: np.ceil,
    dnn.RoundOp: np.rint,
    dnn.SignOp: np.sign,
    dnn.ErfOp: erf,
    dnn.SinOp: np.sin,
    dnn.CosOp: np.cos,
    dnn.TanOp: np.tan,
    dnn.AsinOp: np.arcsin,
    dnn.AcosOp: np.arccos,
    dnn.AtanOp: np.arctan,
    dnn.SinhOp: np.sinh,
    dnn.CoshOp: np.cosh,
    dnn.AsinhOp: np.arcsinh,
    dnn.AcoshOp: np.arccosh,
    dnn.AtanhOp: np.arctanh,
    dnn.SoftplusOp: softplus,
    dnn.SoftsignOp: lambda x: x / (1 + np.abs(x)),
    dnn.HardSwishOp: lambda x: x * np.maximum(0, np.minimum(1, x / 6 + 0.5)),
    dnn.MishOp: lambda x: x * np.tanh(softplus(x)),
    dnn.NotOp: np.logical_not,
    dnn.BitwiseNotOp: np.invert,
}


def divide(a: Array, b: Array) -> Array:
    """Integers round towards zero."""
    if a.dtype.kind in "fV":
        return np.true_divide(a, b)
    quotient = np.abs(a) // np.abs(np.where(b == 0, 1, b))
    return np.where((a < 0) != (b < 0), -quotient, quotient).astype(a.dtype)


BINARY: dict[type[DnnOp], Callable[[Array, Array], Array]] = {
    dnn.AddOp: np.add,
    dnn.SubOp: np.subtract,
    dnn.MulOp: np.multiply,
    dnn.DivOp: divide,
    dnn.MaxOp: np.maximum,
    dnn.MinOp: np.minimum,
    dnn.BitwiseAndOp: np.bitwise_and,
    dnn.BitwiseOrOp: np.bitwise_or,
    dnn.BitwiseXorOp: np.bitwise_xor,
    dnn.EqualOp: np.equal,
    dnn.LessOp: np.less,
    dnn.LessOrEqualOp: np.less_equal,
    dnn.GreaterOp: np.greater,
    dnn.GreaterOrEqualOp: np.greater_equal,
    dnn.AndOp: np.logical_and,
    dnn.OrOp: np.logical_or,
    dnn.XorOp: np.logical_xor,
}


@meaning(*UNARY)
def unary(op: DnnOp, x: Array) -> Array:
    return UNARY[type(op)](wide(x))


@meaning(*BINARY)
def binary(op: DnnOp, a: Array, b: Array) -> Array:
    return BINARY[type(op)](wide(a), wide(b))


@meaning(dnn.WhereOp)
def where(op: dnn.WhereOp, condition: Array, yes: Array, no: Array) -> Array:
    return np.where(condition, yes, no)
