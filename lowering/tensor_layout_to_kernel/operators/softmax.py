"""Kernel forms of softmax and its logarithm: maximum, sum and quotient in one compute."""

from collections.abc import Sequence

from xdsl.dialects import math
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.softmax import LogSoftmaxOp, NormalizedExponentialOp, SoftmaxOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.support.index import Index


@lowers(SoftmaxOp, LogSoftmaxOp)
def softmax(op: NormalizedExponentialOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = exp(x[i] - max) / sum(k) exp(x[k] - max), or the logarithm of that"""
    axis, extent, scalar = op.axis.value.data, shape_of(op.input)[op.axis.value.data], low.scalar(op.output)

    def point(body: Body, *at: Index) -> SSAValue:
        def value(inner: Body, k: Index) -> SSAValue:
            return low.read(inner, op.input, [*at[:axis], k, *at[axis + 1 :]])

        peak = body.reduce(ReduceKind.MAX, [extent], value, names="k", type=scalar)

        def power(inner: Body, k: Index) -> SSAValue:
            return inner.exp(inner.minus(value(inner, k), peak))

        total = body.reduce(ReduceKind.ADD, [extent], power, names="k", type=scalar)
        if isinstance(op, SoftmaxOp):
            return body.divide(power(body, at[axis]), total)
        return body.minus(body.minus(value(body, at[axis]), peak), body.add(math.LogOp(total)))

    return low.compute([op.output], point)
