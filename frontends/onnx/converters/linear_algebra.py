"""Converters of products of matrices."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.elementwise import AddOp, MulOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.products import product
from webdnn.frontends.onnx.rearrange import transposed
from webdnn.frontends.onnx.registry import converter
from webdnn.support.weights import numpy_dtype


@converter("MatMul")
def matmul(node: Node) -> SSAValue:
    return product(node, node.operand(0), node.operand(1))


@converter("Gemm")
def gemm(node: Node) -> SSAValue:
    """`alpha * A * B + beta * C`, A and B perhaps transposed. Constants are transposed and scaled now."""
    a, b = node.operand(0), node.operand(1)
    if len(node.shape(0)) != 2 or len(node.shape(1)) != 2:
        node.refuse("multiplies operands that are no matrices", hint="use MatMul")
    a = transposed(node, a, (1, 0)) if node.integer("transA", 0) else a
    b = transposed(node, b, (1, 0)) if node.integer("transB", 0) else b
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if known(b) is None and known(a) is not None:
        result = node.add(MatmulOp.of(scaled(node, a, alpha), b))
    elif known(b) is not None:
        result = node.add(MatmulOp.of(a, scaled(node, b, alpha)))
    else:
        result = scaled(node, node.add(MatmulOp.of(a, b)), alpha)
    c = node.optional(2)
    return result if c is None or beta == 0 else node.add(AddOp(result, scaled(node, c, beta)))


def scaled(node: Node, value: SSAValue, factor: float) -> SSAValue:
    """A multiple of a value, in its element type."""
    if factor == 1:
        return value
    if node.element(0).is_integer and factor != int(factor):
        node.refuse(f"scales integers by {factor}", hint="convert the operands to floats")
    return node.add(MulOp(value, node.constant_value(as_array(np.array(factor, numpy_dtype(node.element(0)))))))
