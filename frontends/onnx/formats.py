"""Numbers of 8, 4 and 2 bits that are kept as bytes: what may be done with them, and casts from and to them."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.activation import ClipOp
from webdnn.dialects.dnn.arithmetic import CastOp, ModOp
from webdnn.dialects.dnn.base import flag, integer, number, text
from webdnn.dialects.dnn.elementwise import AddOp, SubOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.quantization import EncodeFloatOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_attribute, element_type
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.tensors import ENCODED, WIDENED, onnx_element
from webdnn.support.float_format import FLOAT_FORMATS
from webdnn.support.weights import numpy_dtype

KNOWING = frozenset({"Cast", "CastLike", "DequantizeLinear", "QuantizeLinear", "Shape", "Size"})
"""Operators that know what these numbers are"""

MOVING = frozenset(
    "Concat Expand Flatten Gather GatherElements GatherND Identity If Reshape Slice Split Squeeze Tile Transpose "
    "Unsqueeze".split()
)
"""Operators whose results are elements of their operands"""


COUNTABLE = 2.0**23
"""Floats count in ones up to here; ONNX leaves open what larger ones become as integers of a few bits."""


def format_name(code: int) -> str:
    """What ONNX calls a type."""
    return TensorProto.DataType.Name(code)


def type_code(node: Node, value: SSAValue) -> int:
    """The ONNX type of a value's elements."""
    held = helper.np_dtype_to_tensor_dtype(numpy_dtype(element_type(value.type)))
    return node.emitter.formats.get(value, held)


def plain_cast(node: Node, value: SSAValue, element: str) -> SSAValue:
    """The value with elements of the named type."""
    if element_type(value.type).name == element:
        return value
    return node.add(CastOp.of(value, to=element_attribute(element)))


def decoded(node: Node, value: SSAValue) -> SSAValue:
    """Codes as the floats (f32) that they stand for; any other value as it is."""
    format = node.emitter.formats.get(value, 0)
    if format not in ENCODED:
        return value
    meaning = FLOAT_FORMATS[ENCODED[format]]
    table = np.array([meaning.value(code) for code in range(meaning.count)], np.float32)
    return node.add(GatherOp.of(node.constant_value(as_array(table)), plain_cast(node, value, "i32"), axis=integer(0)))


def cast_value(node: Node, value: SSAValue, to: int) -> SSAValue:
    """The value with elements of an ONNX type; the node's attributes say how floats of 8 bits are rounded."""
    if type_code(node, value) == to:
        return value
    numbers = decoded(node, value)
    if to in ENCODED:
        return encoded(node, numbers, to)
    if to in WIDENED:
        return wrapped(node, numbers, to)
    return plain_cast(node, numbers, onnx_element(to, node.name).name)


def encoded(node: Node, numbers: SSAValue, to: int) -> SSAValue:
    """Floats as codes of an ONNX type."""
    element = element_type(numbers.type)
    if element.name == "f64":
        node.refuse(f"rounds f64 to {format_name(to)}", hint="cast to f32 first")
    if to == TensorProto.FLOAT8E8M0 and node.text("round_mode", "up") != "up":
        node.refuse("does not round up to a power of two", hint="use round_mode = 'up'")
    saturate = to == TensorProto.FLOAT4E2M1 or bool(node.integer("saturate", 1))
    floats = numbers if element.is_float else plain_cast(node, numbers, "f32")
    codes = node.add(EncodeFloatOp.of(floats, format=text(ENCODED[to]), saturate=flag(saturate)))
    return node.emitter.marked(codes, to, node.name)


def wrapped(node: Node, numbers: SSAValue, to: int) -> SSAValue:
    """Integers of 4 or 2 bits, of which the low bits are kept; of floats, that is up to what every target can count."""
    bits = 4 if to in (TensorProto.INT4, TensorProto.UINT4) else 2
    if element_type(numbers.type).is_float:
        numbers = node.add(ClipOp.of(numbers, low=number(-COUNTABLE), high=number(COUNTABLE)))
    integers = plain_cast(node, numbers, "i32")
    count, half = (node.constant_value(as_array(np.array(n, np.int32))) for n in (1 << bits, 1 << (bits - 1)))
    if WIDENED[to] == "u8":
        kept = node.add(ModOp.of(integers, count, truncated=flag(False)))
    else:
        kept = node.add(SubOp(node.add(ModOp.of(node.add(AddOp(integers, half)), count, truncated=flag(False))), half))
    return node.emitter.marked(plain_cast(node, kept, WIDENED[to]), to, node.name)
