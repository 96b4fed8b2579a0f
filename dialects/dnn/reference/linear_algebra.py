"""Numpy meanings of products of matrices."""

import numpy as np

from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.registry import Array, meaning


@meaning(MatmulOp)
def matmul(op: MatmulOp, a: Array, b: Array) -> Array:
    return np.matmul(a, b)
