"""Products of matrices with numpy's rules."""

from __future__ import annotations

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped


def product(node: Node, a: SSAValue, b: SSAValue) -> SSAValue:
    """numpy's matmul: a vector is a row on the left and a column on the right, and its axis goes again."""
    row, column = len(shape_of(a)) == 1, len(shape_of(b)) == 1
    lhs = reshaped(node, a, (1, *shape_of(a))) if row else a
    rhs = reshaped(node, b, (*shape_of(b), 1)) if column else b
    result = node.add(MatmulOp.of(lhs, rhs))
    *batch, m, n = shape_of(result)
    return reshaped(node, result, [*batch, *([] if row else [m]), *([] if column else [n])])
