"""What several converters rearrange operands with; nothing is added where nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import ints
from webdnn.dialects.dnn.shape import ExpandOp, ReshapeOp, SliceOp, TransposeOp
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


def sliced(node: Node, value: SSAValue, parts: Sequence[range]) -> SSAValue:
    """The elements at these places of each axis."""
    if all(part == range(extent) for part, extent in zip(parts, shape_of(value), strict=True)):
        return value
    return node.add(SliceOp.at(value, parts))


def part_of(node: Node, value: SSAValue, axis: int, part: range) -> SSAValue:
    """The elements at these places of one axis."""
    return sliced(node, value, [part if a == axis else range(n) for a, n in enumerate(shape_of(value))])


def expanded(node: Node, value: SSAValue, shape: Sequence[int]) -> SSAValue:
    """A value broadcast to a shape; a view where nothing is repeated."""
    if prod(shape_of(value)) == prod(shape):
        return reshaped(node, value, shape)
    return node.add(ExpandOp.of(value, shape=ints(shape)))
