"""Converters of quantization, and of products of quantized operands: sums of integers, scaled at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn.activation import ClipOp
from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import flag, integer, ints
from webdnn.dialects.dnn.elementwise import DivOp, EqualOp, MaxOp, MinOp, MulOp, NegOp, SubOp, WhereOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizeLinearOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMinOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_attribute, element_type, shape_of, tensor_type
from webdnn.frontends.onnx.converters.convolution import convolution
from webdnn.frontends.onnx.formats import cast_value, decoded, encoded, plain_cast, type_code
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.products import product
from webdnn.frontends.onnx.rearrange import reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.tensors import ENCODED, WIDENED, onnx_element
from webdnn.support.shapes import normalize_axis
from webdnn.support.weights import numpy_dtype

RANGES: dict[int, tuple[int, int]] = {
    TensorProto.INT4: (-8, 7),
    TensorProto.UINT4: (0, 15),
    TensorProto.INT2: (-2, 1),
    TensorProto.UINT2: (0, 3),
}


def output_type(node: Node, default: int) -> int:
    """The ONNX type that the attribute `output_dtype` names."""
    return node.integer("output_dtype", 0) or default


def parameters(node: Node, axis: int) -> tuple[SSAValue, SSAValue | None, int, int]:
    """Scale, zero point, axis and block size; one number for the whole tensor has no axes."""
    scale, zero = node.operand(1), node.optional(2)
    block, rank = node.integer("block_size", 0), len(node.shape(0))
    if shape_of(scale) == (1,) and not block:
        scale = reshaped(node, scale, ())
    if zero is not None:
        zero = reshaped(node, zero, shape_of(scale))
    return scale, zero, normalize_axis(axis, rank) if shape_of(scale) else 0, block


@converter("QuantizeLinear")
def quantize_linear(node: Node) -> SSAValue:
    """To integers of 4 or 2 bits as to those of 8, of which the range is taken; to floats of 8 bits by their codes."""
    given = node.optional(2)
    to = output_type(node, TensorProto.UINT8 if given is None else type_code(node, given))
    if to in ENCODED:
        return encoded(node, node.add(DivOp(*scaled_floats(node, node.operand(0)))), to)
    scale, zero, axis, block = parameters(node, node.integer("axis", 1))
    element = element_attribute(onnx_element(to, node.name).name)
    whole = node.add(
        QuantizeLinearOp.of(node.operand(0), scale, zero, axis=integer(axis), block_size=integer(block), to=element)
    )
    if to not in WIDENED:
        return whole
    low, high = RANGES[to]
    return node.emitter.marked(node.add(ClipOp.of(whole, low=integer(low), high=integer(high))), to, node.name)


def scaled_floats(node: Node, numbers: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Numbers and the scale of each, both f32; the zero points of floats are zero."""
    scale, zero, axis, block = parameters(node, node.integer("axis", 1))
    if block:
        node.refuse("has blocks of floats of 8 bits", hint="give a scale for each place of an axis")
    if zero is not None and np.any(node.constant(2).astype(np.uint8) & np.uint8(0x7F)):
        node.refuse("has a zero point of floats that is not zero", hint="leave it out: ONNX says that it is zero")
    if shape_of(scale):
        scale = reshaped(node, scale, (*shape_of(scale), *[1] * (len(node.shape(0)) - axis - 1)))
    return plain_cast(node, numbers, "f32"), plain_cast(node, scale, "f32")


@converter("DequantizeLinear")
def dequantize_linear(node: Node) -> SSAValue:
    to = output_type(node, type_code(node, node.operand(1)))
    if node.emitter.formats.get(node.operand(0)) in ENCODED:
        return cast_value(node, node.add(MulOp(*scaled_floats(node, decoded(node, node.operand(0))))), to)
    scale, zero, axis, block = parameters(node, node.integer("axis", 1))
    result = node.add(
        DequantizeLinearOp.of(node.operand(0), scale, zero, axis=integer(axis), block_size=integer(block))
    )
    return cast_value(node, result, to)


@converter("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node) -> Sequence[SSAValue]:
    """The range of the elements, widened to hold zero, becomes 0 … 255; where all are zero the scale is 1."""
    x, axes = node.operand(0), ints(range(len(node.shape(0))))
    zero = number_like(node, 0, x)
    highest = node.add(MaxOp(node.add(ReduceMaxOp.of(x, axes=axes, keepdims=flag(False))), zero))
    lowest = node.add(MinOp(node.add(ReduceMinOp.of(x, axes=axes, keepdims=flag(False))), zero))
    step = node.add(DivOp(node.add(SubOp(highest, lowest)), number_like(node, 255, x)))
    scale = node.add(WhereOp.of(node.add(EqualOp(highest, lowest)), number_like(node, 1, x), step))
    own = {"axis": integer(0), "block_size": integer(0), "to": element_attribute("u8")}
    zero_point = node.add(QuantizeLinearOp.of(node.add(NegOp(lowest)), scale, None, **own))
    return [node.add(QuantizeLinearOp.of(x, scale, zero_point, **own)), scale, zero_point]


def cast(node: Node, value: SSAValue, element: Attribute) -> SSAValue:
    """The elements of a value as another type."""
    return value if tensor_type(value).element_type == element else node.add(CastOp.of(value, to=element))


def number_like(node: Node, value: float, like: SSAValue) -> SSAValue:
    """A number of the element type of `like`."""
    return node.constant_value(as_array(np.array(value, numpy_dtype(element_type(like.type)))))


def centred(node: Node, i: int, zero: SSAValue | None, shape: Sequence[int]) -> SSAValue:
    """Operand i as i32 with its zero point, which broadcasts from `shape`, taken away."""
    wide = cast(node, node.operand(i), element_attribute("i32"))
    if zero is None:
        return wide
    flat = shape_of(zero) in ((), (1,))
    point = reshaped(node, zero, () if flat else shape)
    return node.add(SubOp(wide, cast(node, point, element_attribute("i32"))))


def row_points(value: SSAValue | None) -> tuple[int, ...]:
    """The shape under which the zero points of rows broadcast to a matrix."""
    shape = () if value is None else shape_of(value)
    return (*shape, 1) if len(shape) == 1 else shape


def integer_product(node: Node, a: int, b: int, a_zero: int, b_zero: int) -> SSAValue:
    """The product in i32 of two matrices, given the numbers of the operands."""
    left, right = node.optional(a_zero), node.optional(b_zero)
    lhs = centred(node, a, left, row_points(left))
    rhs = centred(node, b, right, () if right is None else shape_of(right))
    return product(node, lhs, rhs)


@converter("MatMulInteger")
def matmul_integer(node: Node) -> SSAValue:
    return integer_product(node, 0, 1, 2, 3)


def integer_convolution(node: Node, w: int, x_zero: int, w_zero: int, bias: SSAValue | None) -> SSAValue:
    """The convolution in i32, given the numbers of the operands. Padding is the zero point, which is zero here."""
    kernel = len(node.shape(w)) - 1
    x = centred(node, 0, node.optional(x_zero), ())
    weights = centred(node, w, node.optional(w_zero), (node.shape(w)[0], *[1] * kernel))
    return convolution(node, x, weights, bias)


@converter("ConvInteger")
def conv_integer(node: Node) -> SSAValue:
    return integer_convolution(node, 1, 2, 3, None)


def requantized(
    node: Node, sums: SSAValue, scales: tuple[SSAValue, SSAValue], result: SSAValue, zero: SSAValue
) -> SSAValue:
    """clamp(round(sums · a_scale · b_scale / scale) + zero)"""
    factor = node.add(DivOp(node.add(MulOp(*scales)), reshaped(node, result, ())))
    real = node.add(MulOp(cast(node, sums, tensor_type(result).element_type), factor))
    return node.add(
        QuantizeLinearOp.of(
            real,
            number_like(node, 1, result),
            reshaped(node, zero, ()),
            axis=integer(0),
            block_size=integer(0),
            to=tensor_type(zero).element_type,
        )
    )


@converter("QLinearMatMul")
def quantized_matmul(node: Node) -> SSAValue:
    a_scale, b_scale = node.operand(1), node.operand(4)
    scales = reshaped(node, a_scale, row_points(a_scale)), b_scale
    return requantized(node, integer_product(node, 0, 3, 2, 5), scales, node.operand(6), node.operand(7))


@converter("QLinearConv")
def quantized_conv(node: Node) -> SSAValue:
    sums = integer_convolution(node, 3, 2, 5, node.optional(8))
    per_channel = node.operand(4)
    if shape_of(per_channel) not in ((), (1,)):
        per_channel = reshaped(node, per_channel, (*shape_of(per_channel), *[1] * (len(shape_of(sums)) - 2)))
    else:
        per_channel = reshaped(node, per_channel, ())
    scales = reshaped(node, node.operand(1), ()), per_channel
    return requantized(node, sums, scales, node.operand(6), node.operand(7))
