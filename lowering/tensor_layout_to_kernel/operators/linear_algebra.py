"""Kernel forms of products of matrices and of tensors."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.linear_algebra import EinsumOp, MatmulOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, broadcast_indices, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import narrowed
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

        total = body.reduce(ReduceKind.ADD, [depth], product, names="k", type=low.scalar(op.output))
        return narrowed(body, total, element_type(op.output.type))

    return low.compute([op.output], point)


@lowers(EinsumOp)
def einsum(op: EinsumOp, low: Lowering) -> Sequence[SSAValue]:
    """y[result] = sum(other letters) product(operands) a[its letters]"""
    (terms, result), extents = op.terms, op.extents
    summed = [letter for letter in extents if letter not in result]

    def point(body: Body, *at: Index) -> SSAValue:
        def product(inner: Body, *k: Index) -> SSAValue:
            where = dict(zip([*result, *summed], [*at, *k], strict=True))
            factors = [
                low.read(inner, operand, broadcast_indices(operand, [where[letter] for letter in term]))
                for term, operand in zip(terms, op.inputs, strict=True)
            ]
            total = factors[0]
            for factor in factors[1:]:
                total = inner.times(total, factor)
            return total

        if not summed:
            value = product(body)
        else:
            sizes, names = [extents[letter] for letter in summed], " ".join(summed)
            value = body.reduce(ReduceKind.ADD, sizes, product, names=names, type=low.scalar(op.output))
        return narrowed(body, value, element_type(op.output.type))

    return low.compute([op.output], point)
