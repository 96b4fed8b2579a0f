"""Numpy meanings of products of matrices and of tensors."""

import numpy as np

from webdnn.dialects.dnn.linear_algebra import EinsumOp, MatmulOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning


@meaning(MatmulOp)
def matmul(op: MatmulOp, a: Array, b: Array) -> Array:
    return np.matmul(wide(a), wide(b))


@meaning(EinsumOp)
def einsum(op: EinsumOp, *operands: Array) -> Array:
    """Numpy broadcasts extents of 1 too, but not where a letter stands twice in one term."""
    terms, _ = op.terms
    extents = op.extents
    whole = [
        np.broadcast_to(wide(operand), [extents[letter] for letter in term])
        for term, operand in zip(terms, operands, strict=True)
    ]
    return np.asarray(np.einsum(op.equation.data, *whole, optimize=False))
