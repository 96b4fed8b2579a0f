"""Kernel forms of the normalizations: statistics as reductions, and the point they are applied to, in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects import math
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn import normalization as dnn
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, broadcast_indices, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.window import read_or
from webdnn.support.index import Index, floordiv

Reader = Callable[..., SSAValue]
"""(body, *indices over the normalized axes) -> an element"""


class Statistics:
    """Sums over the normalized axes, of one scalar type."""

    def __init__(self, body: Body, sizes: Sequence[int], read: Reader, type: Attribute) -> None:
        self.body, self.sizes, self.read, self.type = body, sizes, read, type

    def mean_of(self, value: Callable[[Body, SSAValue], SSAValue]) -> SSAValue:
        """The mean of value(x)."""

        def element(inner: Body, *k: Index) -> SSAValue:
            return value(inner, self.read(inner, *k))

        total = self.body.reduce(ReduceKind.ADD, self.sizes, element, type=self.type)
        return self.body.divide(total, self.body.constant(prod(self.sizes), self.type))

    def mean(self) -> SSAValue:
        return self.mean_of(lambda inner, x: x)

    def variance(self, mean: SSAValue) -> SSAValue:
        """The mean square of what is left when the mean is taken away: no cancellation of large squares."""

        def square(inner: Body, x: SSAValue) -> SSAValue:
            centred = inner.minus(x, mean)
            return inner.times(centred, centred)

        return self.mean_of(square)

    def inverse_root(self, value: SSAValue, epsilon: float) -> SSAValue:
        """1 / sqrt(value + epsilon)"""
        shifted = self.body.plus(value, self.body.constant(epsilon, self.type))
        return self.body.divide(self.body.constant(1, self.type), self.body.sqrt(shifted))

    def standardized(self, x: SSAValue, epsilon: float) -> SSAValue:
        """(x - mean) / sqrt(variance + epsilon)"""
        mean = self.mean()
        scale = self.inverse_root(self.variance(mean), epsilon)
        return self.body.times(self.body.minus(x, mean), scale)


@lowers(dnn.BatchNormOp)
def batch_norm(op: dnn.BatchNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, …] = (x[n, c, …] - mean[c]) · (scale[c] / sqrt(variance[c] + epsilon)) + bias[c]"""

    def point(body: Body, *at: Index) -> SSAValue:
        x = low.read(body, op.input, at)
        scale, bias, mean, variance = (low.read(body, v, [at[1]]) for v in (op.scale, op.bias, op.mean, op.variance))
        epsilon = body.constant(op.epsilon.value.data, variance.type)
        factor = body.divide(scale, body.sqrt(body.plus(variance, epsilon)))
        return body.plus(body.times(body.minus(x, mean), factor), bias)

    return low.compute([op.output], point)


def over_last_axes(
    op: dnn.LayerNormOp | dnn.RmsNormOp, low: Lowering, body: Body, at: Sequence[Index]
) -> tuple[SSAValue, Statistics]:
    """The element at `at`, and the statistics of its row: `axis` and all axes behind it."""
    axis = op.axis.value.data

    def read(inner: Body, *k: Index) -> SSAValue:
        return low.read(inner, op.input, [*at[:axis], *k])

    sizes = shape_of(op.input)[axis:]
    return low.read(body, op.input, at), Statistics(body, sizes, read, low.scalar(op.input))


@lowers(dnn.LayerNormOp)
def layer_norm(op: dnn.LayerNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i, k] = (x[i, k] - mean[i]) / sqrt(variance[i] + epsilon) · scale[k] + bias[k]"""

    def point(body: Body, *at: Index) -> SSAValue:
        x, row = over_last_axes(op, low, body, at)
        y = row.standardized(x, op.epsilon.value.data)
        y = body.times(y, low.read(body, op.scale, broadcast_indices(op.scale, at)))
        return body.plus(y, low.read(body, op.bias, broadcast_indices(op.bias, at))) if op.bias else y

    return low.compute([op.output], point)


@lowers(dnn.RmsNormOp)
def rms_norm(op: dnn.RmsNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i, k] = x[i, k] / sqrt(mean(x[i]²) + epsilon) · scale[k]"""

    def point(body: Body, *at: Index) -> SSAValue:
        x, row = over_last_axes(op, low, body, at)
        factor = row.inverse_root(row.mean_of(lambda inner, v: inner.times(v, v)), op.epsilon.value.data)
        return body.times(body.times(x, factor), low.read(body, op.scale, broadcast_indices(op.scale, at)))

    return low.compute([op.output], point)


@lowers(dnn.GroupNormOp)
def group_norm(op: dnn.GroupNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, p] = (x[n, c, p] - mean[n, group(c)]) / sqrt(variance[n, group(c)] + epsilon) · scale[c] + bias[c]"""
    _, channels, *spatial = shape_of(op.input)
    own = channels // op.groups.value.data

    def point(body: Body, n: Index, c: Index, *at: Index) -> SSAValue:
        first = floordiv(c, own, range_of) * own

        def read(inner: Body, *k: Index) -> SSAValue:
            if own == 1 and spatial:
                return low.read(inner, op.input, [n, c, *k])
            return low.read(inner, op.input, [n, first + k[0], *k[1:]])

        sizes = spatial if own == 1 and spatial else [own, *spatial]
        group = Statistics(body, sizes, read, low.scalar(op.input))
        y = group.standardized(low.read(body, op.input, [n, c, *at]), op.epsilon.value.data)
        return body.plus(body.times(y, low.read(body, op.scale, [c])), low.read(body, op.bias, [c]))

    return low.compute([op.output], point)


@lowers(dnn.MeanVarianceNormOp)
def mean_variance_norm(op: dnn.MeanVarianceNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y = (x - mean) / (sqrt(variance) + 1e-9)"""
    axes, scalar = op.axes.get_values(), low.scalar(op.input)

    def point(body: Body, *at: Index) -> SSAValue:
        def read(inner: Body, *k: Index) -> SSAValue:
            free = dict(zip(axes, k, strict=True))
            return low.read(inner, op.input, [free.get(axis, index) for axis, index in enumerate(at)])

        statistics = Statistics(body, [shape_of(op.input)[axis] for axis in axes], read, scalar)
        mean = statistics.mean()
        deviation = body.plus(body.sqrt(statistics.variance(mean)), body.constant(1e-9, scalar))
        return body.divide(body.minus(low.read(body, op.input, at), mean), deviation)

    return low.compute([op.output], point)


@lowers(dnn.LpNormOp)
def lp_norm(op: dnn.LpNormOp, low: Lowering) -> Sequence[SSAValue]:
    """y = x / norm, and zero where the norm is"""
    axis, scalar = op.axis.value.data, low.scalar(op.input)

    def point(body: Body, *at: Index) -> SSAValue:
        def power(inner: Body, k: Index) -> SSAValue:
            x = low.read(inner, op.input, [*at[:axis], k, *at[axis + 1 :]])
            return inner.add(math.AbsFOp(x)) if op.p.value.data == 1 else inner.times(x, x)

        total = body.reduce(ReduceKind.ADD, [shape_of(op.input)[axis]], power, type=scalar)
        norm, zero = (total if op.p.value.data == 1 else body.sqrt(total)), body.constant(0, scalar)
        return body.select(body.equal(norm, zero), zero, body.divide(low.read(body, op.input, at), norm))

    return low.compute([op.output], point)


@lowers(dnn.LrnOp)
def lrn(op: dnn.LrnOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, c, p] = x[n, c, p] / (bias + alpha / size · sum(j) x[n, c + j - (size - 1) floordiv 2, p]²)^beta"""
    size, scalar = op.size.value.data, low.scalar(op.input)
    alpha, beta, bias = (a.value.data for a in (op.alpha, op.beta, op.bias))

    def point(body: Body, n: Index, c: Index, *at: Index) -> SSAValue:
        def square(inner: Body, j: Index) -> SSAValue:
            neighbour = [n, c + j - (size - 1) // 2, *at]
            x = read_or(low, inner, op.input, neighbour, inner.constant(0, scalar), [1])
            return inner.times(x, x)

        total = body.reduce(ReduceKind.ADD, [size], square, type=scalar)
        base = body.plus(body.times(total, body.constant(alpha / size, scalar)), body.constant(bias, scalar))
        return body.divide(low.read(body, op.input, [n, c, *at]), power_of(body, base, beta))

    return low.compute([op.output], point)


def power_of(body: Body, base: SSAValue, exponent: float) -> SSAValue:
    """base^exponent, by square roots for the exponents of well-known networks."""
    if exponent == 1:
        return base
    root = body.sqrt(base)
    if exponent == 0.5:
        return root
    if exponent == 0.75:
        return body.times(root, body.sqrt(root))
    return body.add(math.PowFOp(base, body.constant(exponent, base.type)))
