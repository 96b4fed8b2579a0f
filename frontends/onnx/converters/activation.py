"""Converters of activations with attributes; those that two operators say as well are such."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import activation as dnn
from webdnn.dialects.dnn.base import flag, integer, number
from webdnn.dialects.dnn.elementwise import AddOp, GreaterOp, LessOp, MaxOp, MinOp, MulOp, SigmoidOp, SubOp, WhereOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.support.weights import numpy_dtype


def scalar(node: Node, value: float) -> SSAValue:
    """A number of the element type of the first operand."""
    return node.constant_value(as_array(np.asarray(value).astype(numpy_dtype(node.element(0)))))


@converter("LeakyRelu")
def leaky_relu(node: Node) -> SSAValue:
    return node.add(dnn.LeakyReluOp.of(node.operand(0), alpha=number(node.number("alpha", 0.01))))


@converter("Elu")
def elu(node: Node) -> SSAValue:
    return node.add(dnn.EluOp.of(node.operand(0), alpha=number(node.number("alpha", 1.0)), rate=number(1.0)))


@converter("Celu")
def celu(node: Node) -> SSAValue:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))"""
    alpha = node.number("alpha", 1.0)
    return node.add(dnn.EluOp.of(node.operand(0), alpha=number(alpha), rate=number(1 / alpha)))


@converter("Selu")
def selu(node: Node) -> SSAValue:
    """gamma * elu(x)"""
    alpha = node.number("alpha", 1.67326319217681884765625)
    curve = node.add(dnn.EluOp.of(node.operand(0), alpha=number(alpha), rate=number(1.0)))
    return node.add(MulOp(curve, scalar(node, node.number("gamma", 1.05070102214813232421875))))


@converter("ThresholdedRelu")
def thresholded_relu(node: Node) -> SSAValue:
    """x where it is above alpha, else 0"""
    x = node.operand(0)
    above = node.add(GreaterOp(x, scalar(node, node.number("alpha", 1.0))))
    return node.add(WhereOp.of(above, x, scalar(node, 0)))


@converter("Shrink")
def shrink(node: Node) -> SSAValue:
    """x + bias below -lambd, x - bias above lambd, else 0"""
    x, bias, lambd = node.operand(0), scalar(node, node.number("bias", 0.0)), node.number("lambd", 0.5)
    above, below = node.add(GreaterOp(x, scalar(node, lambd))), node.add(LessOp(x, scalar(node, -lambd)))
    middle = node.add(WhereOp.of(above, node.add(SubOp(x, bias)), scalar(node, 0)))
    return node.add(WhereOp.of(below, node.add(AddOp(x, bias)), middle))


@converter("PRelu")
def prelu(node: Node) -> SSAValue:
    return node.add(dnn.PReluOp.of(node.operand(0), node.operand(1)))


@converter("HardSigmoid")
def hard_sigmoid(node: Node) -> SSAValue:
    alpha, beta = number(node.number("alpha", 0.2)), number(node.number("beta", 0.5))
    return node.add(dnn.HardSigmoidOp.of(node.operand(0), alpha=alpha, beta=beta))


@converter("Gelu")
def gelu(node: Node) -> SSAValue:
    form = node.text("approximate", "none")
    if form not in ("none", "tanh"):
        node.refuse(f"has approximate = '{form}'", hint="the forms of Gelu are 'none' and 'tanh'")
    return node.add(dnn.GeluOp.of(node.operand(0), approximate=flag(form == "tanh")))


@converter("Swish")
def swish(node: Node) -> SSAValue:
    """x * sigmoid(alpha * x)"""
    x, alpha = node.operand(0), node.number("alpha", 1.0)
    scaled = x if alpha == 1 else node.add(MulOp(x, scalar(node, alpha)))
    return node.add(MulOp(x, node.add(SigmoidOp(scaled))))


@converter("Clip")
def clip(node: Node) -> SSAValue:
    """min(max(x, low), high), with bounds that are attributes before opset 11, then operands that may be computed."""
    x = node.operand(0)
    if node.opset < 11:
        low, high = (scalar(node, node.number(name)) if node.has(name) else None for name in ("min", "max"))
    else:
        low, high = node.optional(1), node.optional(2)
    bounds = [bound(value) for value in (low, high) if value is not None]
    if all(b is not None for b in bounds):
        properties = {"low": bound(low) if low else None, "high": bound(high) if high else None}
        return node.add(dnn.ClipOp.of(x, **properties)) if bounds else x
    if low is not None:
        x = node.add(MaxOp(x, low))
    return x if high is None else node.add(MinOp(x, high))


def bound(value: SSAValue) -> FloatAttr | IntegerAttr | None:
    """A bound as a property; None where it is computed or is none that a property can hold."""
    array = known(value)
    if array is None or array.size != 1:
        return None
    element, held = element_type(value.type), array.reshape(-1)[0].item()
    if element.is_float:
        return number(held) if np.isfinite(held) else None
    return integer(int(held)) if -(1 << 63) <= int(held) < 1 << 63 else None
