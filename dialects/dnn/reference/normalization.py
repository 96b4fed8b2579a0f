"""Numpy meanings of the normalizations."""

from __future__ import annotations

import numpy as np

from webdnn.dialects.dnn import normalization as dnn
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning


def per_channel(values: Array, rank: int) -> Array:
    """A vector (C) that broadcasts to (N, C, …)."""
    return wide(values).reshape(-1, *[1] * (rank - 2))


def standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon), in two passes."""
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.mean(centred * centred, axis=axes, keepdims=True)
    return centred / np.sqrt(variance + np.asarray(epsilon, x.dtype))


@meaning(dnn.BatchNormOp)
def batch_norm(op: dnn.BatchNormOp, x: Array, scale: Array, bias: Array, mean: Array, variance: Array) -> Array:
    x = wide(x)
    scale, bias, mean, variance = (per_channel(v, x.ndim) for v in (scale, bias, mean, variance))
    return (x - mean) * (scale / np.sqrt(variance + op.epsilon.value.data)) + bias


@meaning(dnn.LayerNormOp)
def layer_norm(op: dnn.LayerNormOp, x: Array, scale: Array, bias: Array | None) -> Array:
    axes = tuple(range(op.axis.value.data, x.ndim))
    scaled = standardized(wide(x), axes, op.epsilon.value.data) * wide(scale)
    return scaled if bias is None else scaled + wide(bias)


@meaning(dnn.RmsNormOp)
def rms_norm(op: dnn.RmsNormOp, x: Array, scale: Array) -> Array:
    x, axes = wide(x), tuple(range(op.axis.value.data, x.ndim))
    square = np.mean(x * x, axis=axes, keepdims=True)
    return x / np.sqrt(square + np.asarray(op.epsilon.value.data, x.dtype)) * wide(scale)


@meaning(dnn.GroupNormOp)
def group_norm(op: dnn.GroupNormOp, x: Array, scale: Array, bias: Array) -> Array:
    x = wide(x)
    grouped = x.reshape(x.shape[0], op.groups.value.data, -1)
    normal = standardized(grouped, (2,), op.epsilon.value.data).reshape(x.shape)
    return normal * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


@meaning(dnn.LrnOp)
def lrn(op: dnn.LrnOp, x: Array) -> Array:
    x, size, channels = wide(x), op.size.value.data, x.shape[1]
    before = (size - 1) // 2
    squares = np.pad(x * x, [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
    total = np.asarray(sum(squares[:, i : i + channels] for i in range(size)))
    alpha, beta, bias = (np.asarray(a.value.data, x.dtype) for a in (op.alpha, op.beta, op.bias))
    return x / (bias + alpha / size * total) ** beta


@meaning(dnn.MeanVarianceNormOp)
def mean_variance_norm(op: dnn.MeanVarianceNormOp, x: Array) -> Array:
    x, axes = wide(x), tuple(op.axes.get_values())
    centred = x - x.mean(axis=axes, keepdims=True)
    deviation = np.sqrt(np.mean(centred * centred, axis=axes, keepdims=True))
    return centred / (deviation + np.asarray(1e-9, x.dtype))


@meaning(dnn.LpNormOp)
def lp_norm(op: dnn.LpNormOp, x: Array) -> Array:
    x, axis = wide(x), op.axis.value.data
    if op.p.value.data == 1:
        norm = np.sum(np.abs(x), axis=axis, keepdims=True)
    else:
        norm = np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
    return np.where(norm == 0, np.zeros((), x.dtype), x / norm)
