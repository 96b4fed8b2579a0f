"""Converters of what makes tensors from numbers: known at import."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.elementwise import EqualOp, OrOp, WhereOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.filled import counted, extents_of
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import expanded, part_of, reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.tensors import onnx_element
from webdnn.support.shapes import normalize_axis
from webdnn.support.weights import numpy_dtype


@converter("ConstantOfShape", counting=True)
def constant_of_shape(node: Node) -> SSAValue:
    value = node.held("value") if node.has("value") else node.constant_value(as_array(np.zeros(1, np.float32)))
    extents = extents_of(node, 0)
    result = expanded(node, reshaped(node, value, ()), [extent for extent, _ in extents])
    result = counted(node, result, {axis: count for axis, (_, count) in enumerate(extents) if count is not None})
    format = node.emitter.formats.get(value, 0)
    return node.emitter.marked(result, format, node.name) if format else result


@converter("EyeLike")
def eye_like(node: Node) -> SSAValue:
    if len(node.shape(0)) != 2:
        node.refuse(f"takes a matrix, found {list(node.shape(0))}", hint="check the model with onnx.checker")
    element = onnx_element(node.integer("dtype"), node.name) if node.has("dtype") else node.element(0)
    rows, columns = node.shape(0)
    return node.constant_value(as_array(np.eye(rows, columns, node.integer("k", 0)).astype(numpy_dtype(element))))


@converter("OneHot")
def one_hot(node: Node) -> SSAValue:
    """values[1] where the index is the place along the new axis, else values[0]; negative ones count from the end."""
    shape, dtype = node.shape(0), numpy_dtype(node.element(0))
    depth = int(node.constant(1).reshape(-1)[0])
    axis = normalize_axis(node.integer("axis", -1), len(shape) + 1)
    if depth < 1 or int(np.array(depth - 1).astype(dtype)) != depth - 1:
        node.refuse(f"makes {depth} places of indices of type {dtype}", hint="use a type that can count them")
    column = reshaped(node, node.operand(0), (*shape[:axis], 1, *shape[axis:]))

    def is_place(first: int) -> SSAValue:
        """Is the index the place, if the first one is called so?"""
        names = np.arange(first, first + depth).astype(dtype).reshape(depth, *[1] * (len(shape) - axis))
        return node.add(EqualOp(column, node.constant_value(as_array(names))))

    chosen = is_place(0)
    if dtype.kind != "u":
        chosen = node.add(OrOp(chosen, is_place(-depth)))
    off, on = (reshaped(node, part_of(node, node.operand(2), 0, range(i, i + 1)), ()) for i in range(2))
    result = node.add(WhereOp.of(chosen, on, off))
    assert shape_of(result) == (*shape[:axis], depth, *shape[axis:])
    return result
