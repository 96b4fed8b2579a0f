"""Converters of powers, remainders, shifts, casts and tests."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import arithmetic as dnn
from webdnn.dialects.dnn.base import flag
from webdnn.dialects.dnn.elementwise import MulOp, ReciprocalOp, SqrtOp
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_attribute, element_type, shape_of
from webdnn.frontends.onnx.formats import cast_value, plain_cast, type_code
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.tensors import onnx_element
from webdnn.support.shapes import broadcast


@converter("Cast")
def cast(node: Node) -> SSAValue:
    return cast_value(node, node.operand(0), node.integer("to"))


@converter("CastLike")
def cast_like(node: Node) -> SSAValue:
    return cast_value(node, node.operand(0), type_code(node, node.operand(1)))


@converter("Pow")
def power(node: Node) -> SSAValue:
    """The result has the type of the base; of an integer base, a fractional exponent is applied to it as a float."""
    base, exponent = node.operand(0), node.operand(1)
    simple = small_power(node, base, exponent)
    if simple is not None:
        return simple
    element = node.element(0)
    if element.is_integer and node.element(1).is_float:
        real = node.add(dnn.PowOp(plain_cast(node, base, node.element(1).name), exponent))
        return plain_cast(node, real, element.name)
    return node.add(dnn.PowOp(base, plain_cast(node, exponent, element.name)))


def small_power(node: Node, base: SSAValue, exponent: SSAValue) -> SSAValue | None:
    """A power with one small known exponent, as a product, a root or a reciprocal."""
    array = known(exponent)
    if array is None or broadcast([shape_of(base), array.shape]) != shape_of(base):
        return None
    exponents = np.unique(array)
    if exponents.size != 1 or exponents[0] not in (1, 2, 3, 0.5, -1):
        return None
    if exponents[0] in (0.5, -1):
        if not element_type(base.type).is_float:
            return None
        return node.add(SqrtOp(base) if exponents[0] == 0.5 else ReciprocalOp(base))
    result = base
    for _ in range(int(exponents[0]) - 1):
        result = node.add(MulOp(result, base))
    return result


@converter("Mod")
def remainder(node: Node) -> SSAValue:
    truncated = bool(node.integer("fmod", 0))
    if node.element(0).is_float and not truncated and node.opset < 28:
        node.refuse("has floats but not fmod = 1", hint="ONNX demands fmod = 1 for floats before opset 28")
    return node.add(dnn.ModOp.of(node.operand(0), node.operand(1), truncated=flag(truncated)))


@converter("BitShift")
def bit_shift(node: Node) -> SSAValue:
    direction = node.text("direction")
    if direction not in ("LEFT", "RIGHT"):
        node.refuse(f"has direction = '{direction}'", hint="the directions are LEFT and RIGHT")
    return node.add(dnn.BitShiftOp.of(node.operand(0), node.operand(1), left=flag(direction == "LEFT")))


@converter("IsNaN")
def is_nan(node: Node) -> SSAValue:
    return node.add(dnn.IsNanOp.of(before_widening(node.operand(0))))


@converter("IsInf")
def is_inf(node: Node) -> SSAValue:
    positive, negative = (flag(bool(node.integer(name, 1))) for name in ("detect_positive", "detect_negative"))
    return node.add(dnn.IsInfOp.of(before_widening(node.operand(0)), positive=positive, negative=negative))


def before_widening(value: SSAValue) -> SSAValue:
    """The floats that a value was cast from without any loss: exporters test in f64, which not every target has."""
    cast = value.owner
    if not isinstance(cast, dnn.CastOp):
        return value
    given, made = element_type(cast.input.type), element_type(value.type)
    return cast.input if given.is_float and made.is_float and given.bits < made.bits else value


@converter("BitCast")
def bit_cast(node: Node) -> SSAValue:
    """Between integers of one size, a cast that keeps all bits."""
    source, to = node.element(0), onnx_element(node.integer("to"), node.name)
    if source.bytes != to.bytes:
        node.refuse(f"takes {source.name} as {to.name}", hint="the types must have the same size")
    if source.is_float == to.is_float and not (source.is_float and source.name != to.name):
        return plain_cast(node, node.operand(0), to.name)
    if source.bytes < 4 or "bool" in (source.name, to.name):
        node.refuse(f"takes {source.name} as {to.name}", hint="convert the model to f32, whose bits can be taken")
    return node.add(dnn.BitCastOp.of(node.operand(0), to=element_attribute(to.name)))
