"""Converters of the normalizations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import normalization as dnn
from webdnn.dialects.dnn.base import flag, integer, ints, number
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, ReciprocalOp, SqrtOp, SubOp
from webdnn.dialects.dnn.reduction import ReduceMeanOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axes, normalize_axis
from webdnn.support.weights import numpy_dtype


def scalar(node: Node, value: float, like: SSAValue) -> SSAValue:
    return node.constant_value(as_array(np.array(value, numpy_dtype(element_type(like.type)))))


@converter("BatchNormalization")
def batch_normalization(node: Node) -> SSAValue | Sequence[SSAValue]:
    """Opset 7 may give each place its own statistics (`spatial = 0`)."""
    if node.integer("training_mode", 0):
        return batch_statistics(node)
    if any(node.outputs[1:]):
        node.refuse("gives statistics of a batch, as in training before opset 14", hint="export it for inference")
    x, scale, bias, mean, variance = (node.operand(i) for i in range(5))
    shape, epsilon = node.shape(0), node.number("epsilon", 1e-5)
    if not node.integer("spatial", 1):
        deviation = node.add(SqrtOp(node.add(AddOp(variance, scalar(node, epsilon, variance)))))
        factor = node.add(DivOp(scale, deviation))
        return node.add(AddOp(node.add(MulOp(node.add(SubOp(x, mean)), factor)), bias))
    # A vector is a batch of one channel.
    whole = reshaped(node, x, (shape[0], 1)) if len(shape) == 1 else x
    normal = node.add(dnn.BatchNormOp.of(whole, scale, bias, mean, variance, epsilon=number(epsilon)))
    return reshaped(node, normal, shape)


def batch_statistics(node: Node) -> Sequence[SSAValue]:
    """With the mean and the variance of the batch; then the running ones, `momentum` of them kept."""
    x, scale, bias, mean, variance = (Term.operand(node, i) for i in range(5))
    axes = [axis for axis in range(len(x.shape)) if axis != 1]
    shape = [n if axis == 1 else 1 for axis, n in enumerate(x.shape)]
    own_mean = x.mean(*axes)
    centred = x - own_mean.reshaped(*shape)
    own_variance = (centred * centred).mean(*axes)
    deviation = (own_variance + node.number("epsilon", 1e-5)).apply(SqrtOp)
    normal = centred * (scale / deviation).reshaped(*shape) + bias.reshaped(*shape)
    kept = node.number("momentum", 0.9)
    running = [old * kept + new * (1 - kept) for old, new in ((mean, own_mean), (variance, own_variance))]
    return [normal.value, *(r.value for r in running)]


@converter("LayerNormalization")
def layer_normalization(node: Node) -> Sequence[SSAValue]:
    x, rank = node.operand(0), len(node.shape(0))
    axis, epsilon = normalize_axis(node.integer("axis", -1), rank), node.number("epsilon", 1e-5)
    properties = {"axis": integer(axis), "epsilon": number(epsilon)}
    output = node.add(dnn.LayerNormOp.of(x, node.operand(1), node.optional(2), **properties))
    if not any(node.outputs[1:]):
        return [output]
    if node.element(0).bytes < 4:
        node.refuse("gives out statistics of half floats", hint="convert the model to f32")
    axes = ints(range(axis, rank))
    mean = node.add(ReduceMeanOp.of(x, axes=axes, keepdims=flag(True)))
    centred = node.add(SubOp(x, mean))
    variance = node.add(ReduceMeanOp.of(node.add(MulOp(centred, centred)), axes=axes, keepdims=flag(True)))
    deviation = node.add(SqrtOp(node.add(AddOp(variance, scalar(node, epsilon, variance)))))
    return [output, mean, node.add(ReciprocalOp(deviation))]


@converter("RMSNormalization")
def rms_normalization(node: Node) -> SSAValue:
    axis = normalize_axis(node.integer("axis", -1), len(node.shape(0)))
    epsilon = number(node.number("epsilon", 1e-5))
    return node.add(dnn.RmsNormOp.of(node.operand(0), node.operand(1), axis=integer(axis), epsilon=epsilon))


@converter("InstanceNormalization")
def instance_normalization(node: Node) -> SSAValue:
    return group_norm(node, node.operand(1), node.operand(2), node.shape(0)[1])


@converter("GroupNormalization")
def group_normalization(node: Node) -> SSAValue:
    """From opset 21 on: ONNX has withdrawn the definition of opset 18, whose scales were of groups."""
    return group_norm(node, node.operand(1), node.operand(2), node.integer("num_groups"))


def group_norm(node: Node, scale: SSAValue, bias: SSAValue, groups: int) -> SSAValue:
    epsilon = number(node.number("epsilon", 1e-5))
    return node.add(dnn.GroupNormOp.of(node.operand(0), scale, bias, groups=integer(groups), epsilon=epsilon))


@converter("LRN")
def local_response_normalization(node: Node) -> SSAValue:
    return node.add(
        dnn.LrnOp.of(
            node.operand(0),
            size=integer(node.integer("size")),
            alpha=number(node.number("alpha", 1e-4)),
            beta=number(node.number("beta", 0.75)),
            bias=number(node.number("bias", 1.0)),
        )
    )


@converter("MeanVarianceNormalization")
def mean_variance_normalization(node: Node) -> SSAValue:
    axes = normalize_axes(node.integers("axes", (0, 2, 3)), len(node.shape(0)))
    return node.add(dnn.MeanVarianceNormOp.of(node.operand(0), axes=ints(axes)))


@converter("LpNormalization")
def lp_normalization(node: Node) -> SSAValue:
    axis = normalize_axis(node.integer("axis", -1), len(node.shape(0)))
    return node.add(dnn.LpNormOp.of(node.operand(0), axis=integer(axis), p=integer(node.integer("p", 2))))
