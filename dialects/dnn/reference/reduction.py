"""Numpy meanings of reductions and prefix sums. Half floats are summed in f32, as on the targets."""

from __future__ import annotations

from math import prod

import numpy as np

from webdnn.dialects.dnn.reduction import (
    CumProdOp,
    CumSumOp,
    PrefixOp,
    ReduceLogSumExpOp,
    ReduceMaxOp,
    ReduceMeanOp,
    ReduceMinOp,
    ReduceProdOp,
    ReduceSumOp,
    ReductionOp,
)
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.elementwise import divide, wide
from webdnn.dialects.dnn.reference.registry import meaning


def axes_of(op: ReductionOp) -> tuple[int, ...]:
    return tuple(op.axes.get_values())


def kept(op: ReductionOp) -> bool:
    return bool(op.keepdims.value.data)


@meaning(ReduceSumOp)
def reduce_sum(op: ReduceSumOp, x: Array) -> Array:
    x = wide(x)
    return as_array(np.asarray(np.sum(x, axes_of(op), x.dtype, keepdims=kept(op))))


@meaning(ReduceMeanOp)
def reduce_mean(op: ReduceMeanOp, x: Array) -> Array:
    x = as_array(x.astype(np.int32)) if x.dtype.kind in "iu" and x.dtype.itemsize < 4 else wide(x)
    count = np.array(prod(x.shape[a] for a in axes_of(op))).astype(x.dtype)
    return divide(np.asarray(np.sum(x, axes_of(op), x.dtype, keepdims=kept(op))), count)


@meaning(ReduceProdOp)
def reduce_prod(op: ReduceProdOp, x: Array) -> Array:
    x = wide(x)
    return np.prod(x, axes_of(op), x.dtype, keepdims=kept(op))


def bound(x: Array, sign: int) -> Array:
    """The least (sign -1) or greatest (1) number of a type: what an extreme of no elements is."""
    if x.dtype.kind == "b":
        return np.asarray(sign > 0)
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype.name)
        return np.asarray(limits.min if sign < 0 else limits.max, x.dtype)
    return np.asarray(sign * np.inf, x.dtype)


@meaning(ReduceMaxOp)
def reduce_max(op: ReduceMaxOp, x: Array) -> Array:
    x = wide(x)
    return np.max(x, axes_of(op), keepdims=kept(op), initial=bound(x, -1).item())


@meaning(ReduceMinOp)
def reduce_min(op: ReduceMinOp, x: Array) -> Array:
    x = wide(x)
    return np.min(x, axes_of(op), keepdims=kept(op), initial=bound(x, 1).item())


@meaning(ReduceLogSumExpOp)
def reduce_log_sum_exp(op: ReduceLogSumExpOp, x: Array) -> Array:
    x = wide(x)
    peak = np.max(x, axes_of(op), keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(peak), peak, np.zeros((), x.dtype))
    total = np.sum(np.exp(x - shift), axes_of(op), x.dtype, keepdims=True)
    return (np.log(total) + shift).reshape(op.infer()[0].get_shape())


def prefixes(op: PrefixOp, x: Array, combine: np.ufunc, neutral: int) -> Array:
    axis = op.axis.value.data
    forwards = np.moveaxis(wide(x), axis, -1)
    if op.reverse.value.data:
        forwards = forwards[..., ::-1]
    result = combine.accumulate(forwards, -1, forwards.dtype)
    if op.exclusive.value.data:
        result = np.concatenate([np.full_like(result[..., :1], neutral), result[..., :-1]], -1)
    return as_array(np.moveaxis(result[..., ::-1] if op.reverse.value.data else result, -1, axis))


@meaning(CumSumOp)
def cum_sum(op: CumSumOp, x: Array) -> Array:
    return prefixes(op, x, np.add, 0)


@meaning(CumProdOp)
def cum_prod(op: CumProdOp, x: Array) -> Array:
    return prefixes(op, x, np.multiply, 1)
