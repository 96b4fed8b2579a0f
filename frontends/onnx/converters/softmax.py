"""Converters of softmax, its logarithm and hardmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer
from webdnn.dialects.dnn.elementwise import EqualOp, WhereOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.selection import ArgMaxOp
from webdnn.dialects.dnn.softmax import LogSoftmaxOp, SoftmaxOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.support.shapes import normalize_axis
from webdnn.support.weights import numpy_dtype

Along = Callable[[SSAValue, int], SSAValue]


def along(node: Node, apply: Along) -> SSAValue:
    """Before opset 13 all axes from the given one on were one."""
    x, shape = node.operand(0), node.shape(0)
    axis = normalize_axis(node.integer("axis", -1 if node.opset >= 13 else 1), len(shape))
    if node.opset >= 13 or prod(shape[axis:]) == shape[axis]:
        return apply(x, axis)
    return reshaped(node, apply(reshaped(node, x, (prod(shape[:axis]), prod(shape[axis:]))), 1), shape)


@converter("Softmax")
def softmax(node: Node) -> SSAValue:
    return along(node, lambda x, axis: node.add(SoftmaxOp.of(x, axis=integer(axis))))


@converter("LogSoftmax")
def log_softmax(node: Node) -> SSAValue:
    return along(node, lambda x, axis: node.add(LogSoftmaxOp.of(x, axis=integer(axis))))


@converter("Hardmax")
def hardmax(node: Node) -> SSAValue:
    """1 at the first of the greatest elements, else 0."""

    def apply(x: SSAValue, axis: int) -> SSAValue:
        greatest = node.add(ArgMaxOp.of(x, axis=integer(axis), keepdims=flag(True), select_last=flag(False)))
        extent, behind = shape_of(x)[axis], len(shape_of(x)) - axis - 1
        places = node.constant_value(as_array(np.arange(extent).reshape(extent, *[1] * behind)))
        dtype = numpy_dtype(node.element(0))
        one, zero = (node.constant_value(as_array(np.array(n).astype(dtype))) for n in (1, 0))
        return node.add(WhereOp.of(node.add(EqualOp(places, greatest)), one, zero))

    return along(node, apply)
