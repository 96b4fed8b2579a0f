"""Kernel forms of products of matrices."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, broadcast_indices, lowers
from webdnn.support.index import Index


@lowers(MatmulOp)
def matmul(op: MatmulOp, low: Lowering) -> Sequence[SSAValue]:
    """y[…, m, n] = sum(k) a[…, m, k] · b[…, k, n]"""
    depth = shape_of(op.lhs)[-1]

    def point(body: Body, *at: Index) -> SSAValue:
        *batch, m, n = at

        def product(inner: Body, k: Index) -> SSAValue:
            a = low.read(inner, op.lhs, broadcast_indices(op.lhs, [*batch, m, k]))
            return inner.times(a, low.read(inner, op.rhs, broadcast_indices(op.rhs, [*batch, k, n])))

        return body.reduce(ReduceKind.ADD, [depth], product, names="k", type=low.scalar(op.output))

    return low.compute([op.output], point)
