"""Converters of poolings."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer, ints, text
from webdnn.dialects.dnn.pooling import AveragePoolOp, LpPoolOp, MaxPoolOp, MaxPoolWithIndicesOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMeanOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.scatter import ScatterElementsOp
from webdnn.dialects.dnn.shape import PadOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.window import Window, per_axis, window
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.support.weights import numpy_dtype


def pool_window(node: Node) -> Window:
    return window(node, node.integers("kernel_shape"), node.shape(0)[2:])


def ceil_mode(node: Node) -> bool:
    return bool(node.integer("ceil_mode", 0))


@converter("MaxPool")
def max_pool(node: Node) -> Sequence[SSAValue]:
    own, x = pool_window(node), node.operand(0)
    kernel, strides, dilations, pads = map(ints, own)
    ceil = flag(ceil_mode(node))
    if not any(node.outputs[1:]):
        return [
            node.add(MaxPoolOp.of(x, kernel=kernel, strides=strides, pads=pads, dilations=dilations, ceil_mode=ceil))
        ]
    return node.add_all(
        MaxPoolWithIndicesOp.of(
            x,
            kernel=kernel,
            strides=strides,
            pads=pads,
            dilations=dilations,
            ceil_mode=ceil,
            column_major=flag(bool(node.integer("storage_order", 0))),
        )
    )


@converter("AveragePool")
def average_pool(node: Node) -> SSAValue:
    kernel, strides, dilations, pads = map(ints, pool_window(node))
    return node.add(
        AveragePoolOp.of(
            node.operand(0),
            kernel=kernel,
            strides=strides,
            pads=pads,
            dilations=dilations,
            ceil_mode=flag(ceil_mode(node)),
            count_include_pad=flag(bool(node.integer("count_include_pad", 0))),
        )
    )


@converter("LpPool")
def lp_pool(node: Node) -> SSAValue:
    return norms(node, pool_window(node), ceil_mode(node))


def norms(node: Node, own: Window, ceil: bool) -> SSAValue:
    """The p-norm of each window, p an attribute of the node."""
    kernel, strides, dilations, pads = map(ints, own)
    return node.add(
        LpPoolOp.of(
            node.operand(0),
            kernel=kernel,
            strides=strides,
            pads=pads,
            dilations=dilations,
            ceil_mode=flag(ceil),
            p=integer(node.integer("p", 2)),
        )
    )


@converter("GlobalAveragePool")
def global_average_pool(node: Node) -> SSAValue:
    axes = ints(range(2, len(node.shape(0))))
    return node.add(ReduceMeanOp.of(node.operand(0), axes=axes, keepdims=flag(True)))


@converter("GlobalMaxPool")
def global_max_pool(node: Node) -> SSAValue:
    axes = ints(range(2, len(node.shape(0))))
    return node.add(ReduceMaxOp.of(node.operand(0), axes=axes, keepdims=flag(True)))


@converter("GlobalLpPool")
def global_lp_pool(node: Node) -> SSAValue:
    """One window that covers all."""
    spatial = node.shape(0)[2:]
    ones = (1,) * len(spatial)
    return norms(node, Window(spatial, ones, ones, (0,) * 2 * len(spatial)), False)


@converter("MaxUnpool")
def max_unpool(node: Node) -> SSAValue:
    """Zeros, and each element at the place that its index names in the natural extents; then padded to output_shape."""
    x = node.shape(0)
    rank = len(x) - 2
    kernel = node.integers("kernel_shape")
    strides = per_axis(node, "strides", [1] * rank, rank)
    pads = per_axis(node, "pads", [0] * 2 * rank, 2 * rank)
    natural = [(x[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[i + rank] for i in range(rank)]
    shape = (*x[:2], *natural)
    zeros = node.constant_value(as_array(np.zeros(prod(shape), numpy_dtype(node.element(0)))))
    flat = [reshaped(node, node.operand(i), [prod(x)]) for i in (0, 1)]
    scattered = node.add(ScatterElementsOp.of(zeros, flat[1], flat[0], axis=integer(0), reduction=text("none")))
    result = reshaped(node, scattered, shape)
    wanted = node.constant_integers(2, shape)
    if wanted == shape:
        return result
    behind = [w - n for w, n in zip(wanted, shape_of(result), strict=True)]
    return node.add(PadOp.of(result, None, pads=ints([0] * len(behind) + behind), mode=text("constant")))
