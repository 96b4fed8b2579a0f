"""Numpy meanings of the activations with attributes."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import FloatAttr, IntegerAttr

from webdnn.dialects.dnn import activation as dnn
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import erf, wide
from webdnn.dialects.dnn.reference.registry import meaning


def real(attribute: FloatAttr, like: Array) -> Array:
    """A property as a number of the type that it is computed in."""
    return np.asarray(attribute.value.data, like.dtype)


@meaning(dnn.LeakyReluOp)
def leaky_relu(op: dnn.LeakyReluOp, x: Array) -> Array:
    x = wide(x)
    return np.where(x < 0, real(op.alpha, x) * x, x)


@meaning(dnn.EluOp)
def elu(op: dnn.EluOp, x: Array) -> Array:
    x = wide(x)
    return np.where(x < 0, real(op.alpha, x) * np.expm1(real(op.rate, x) * np.minimum(x, 0)), x)


@meaning(dnn.HardSigmoidOp)
def hard_sigmoid(op: dnn.HardSigmoidOp, x: Array) -> Array:
    x = wide(x)
    line = real(op.alpha, x) * x + real(op.beta, x)
    return np.maximum(0, np.minimum(1, line))


@meaning(dnn.GeluOp)
def gelu(op: dnn.GeluOp, x: Array) -> Array:
    x = wide(x)
    half, one = np.asarray(0.5, x.dtype), np.asarray(1, x.dtype)
    if op.approximate.value.data:
        inner = np.asarray(np.sqrt(2 / np.pi), x.dtype) * (x + np.asarray(0.044715, x.dtype) * x * x * x)
        return half * x * (one + np.tanh(inner))
    return half * x * (one + erf(x * np.asarray(np.sqrt(0.5), x.dtype)))


@meaning(dnn.ClipOp)
def clip(op: dnn.ClipOp, x: Array) -> Array:
    x = wide(x)
    if op.low is not None:
        x = np.maximum(x, bound(op.low, x))
    return x if op.high is None else np.minimum(x, bound(op.high, x))


def bound(attribute: FloatAttr | IntegerAttr, like: Array) -> Array:
    return np.asarray(attribute.value.data, like.dtype)


@meaning(dnn.PReluOp)
def prelu(op: dnn.PReluOp, x: Array, slope: Array) -> Array:
    x = wide(x)
    return np.where(x < 0, wide(slope) * x, x)
