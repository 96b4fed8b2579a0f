"""What several converters rearrange operands with; nothing is added where nothing moves."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import ints
from webdnn.dialects.dnn.shape import ReshapeOp, TransposeOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.node import Node


def reshaped(node: Node, value: SSAValue, shape: Sequence[int]) -> SSAValue:
    """The elements of a value under another shape."""
    return value if shape_of(value) == tuple(shape) else node.add(ReshapeOp.of(value, shape=ints(shape)))


def transposed(node: Node, value: SSAValue, permutation: Sequence[int]) -> SSAValue:
    """Axis i of the result is axis permutation[i] of the value."""
    if list(permutation) == list(range(len(permutation))):
        return value
    return node.add(TransposeOp.of(value, permutation=ints(permutation)))
