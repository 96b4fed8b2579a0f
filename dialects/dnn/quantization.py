"""Between numbers and the narrow integers that stand for them."""

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.axes import every_axis
from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.dnn.traits import Elementwise, Tensorwise
from webdnn.dialects.element import element_attribute, element_type, shape_of
from webdnn.support.element_type import integer_limits
from webdnn.support.float_format import FLOAT_FORMATS, FloatFormat
from webdnn.support.shapes import ShapeError


class QuantizationOp(DnnOp):
    """Elements x stand for integers q: `x = (q - zero_point) * scale`.

    Scale and zero point (zero where it is absent) are one number for the whole tensor, a vector with a number for
    each place of `axis`, or, where `block_size` is not 0, a tensor with one number for each so many places of `axis`.
    """

    input = operand_def(TensorType)
    scale = operand_def(TensorType)
    zero_point = opt_operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    block_size = prop_def(IntegerAttr.constr(i64))

    traits = traits_def(Pure(), Tensorwise(every_axis))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def check(self) -> None:
        """Raise ShapeError where scale and zero point do not fit the input."""
        scale, shape = shape_of(self.scale), shape_of(self.input)
        if self.zero_point and shape_of(self.zero_point) != scale:
            raise ShapeError(f"found a zero point of shape {list(shape_of(self.zero_point))}, expected {list(scale)}")
        if not element_type(self.scale.type).is_float:
            raise ShapeError(f"found a scale of {element_type(self.scale.type).name}, expected floats")
        if scale == ():
            return
        axis, block = self.axis.value.data, self.block_size.value.data
        if not 0 <= axis < len(shape) or block < 0:
            raise ShapeError(f"found axis {axis} and blocks of {block}, expected one of {len(shape)} axes")
        if block:
            expected = (*shape[:axis], -(-shape[axis] // block), *shape[axis + 1 :])
        else:
            expected = (shape[axis],)
        if scale != expected:
            raise ShapeError(f"found a scale of shape {list(scale)}, expected {list(expected)}")


@irdl_op_definition
class QuantizeLinearOp(QuantizationOp):
    """`clamp(round(x / scale) + zero_point)` to the range of the integers `to`, ties to even. ONNX `QuantizeLinear`.

    With `low` and `high`, to the integers between these.

    ```mlir
    %q = dnn.quantize_linear %x, %scale, %zero {axis = 0 : i64, block_size = 0 : i64, to = ui8}
         : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
    ```
    """

    name = "dnn.quantize_linear"
    to = prop_def(Attribute)
    low = opt_prop_def(IntegerAttr.constr(i64))
    high = opt_prop_def(IntegerAttr.constr(i64))

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest integer of the result."""
        lowest, highest = integer_limits(element_type(self.to))
        return (
            lowest if self.low is None else self.low.value.data,
            highest if self.high is None else self.high.value.data,
        )

    def infer(self) -> Sequence[Tensor]:
        self.check()
        result = typed(self.input, shape_of(self.input), self.to)
        if not element_type(result).is_integer or element_type(result).bits > 16:
            raise ShapeError(f"cannot quantize to {self.to}, expected integers of 8 or 16 bits")
        (low, high), (lowest, highest) = self.limits, integer_limits(element_type(self.to))
        if not lowest <= low <= high <= highest:
            raise ShapeError(f"found limits {low} and {high}, expected two integers of {self.to} in order")
        if self.zero_point and same_element(self.zero_point) != self.to:
            raise ShapeError(f"found a zero point of {same_element(self.zero_point)}, expected {self.to}")
        return [result]


@irdl_op_definition
class DequantizeLinearOp(QuantizationOp):
    """`(q - zero_point) * scale`, of the element type of the scale. ONNX `DequantizeLinear`.

    ```mlir
    %x = dnn.dequantize_linear %q, %scale, %zero {axis = 0 : i64, block_size = 4 : i64}
         : (tensor<8xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<8xf32>
    ```
    """

    name = "dnn.dequantize_linear"

    def infer(self) -> Sequence[Tensor]:
        self.check()
        element = element_type(self.input.type)
        if not element.is_integer or element.name in ("u32", "i64", "u64"):
            raise ShapeError(f"cannot dequantize {element.name}, expected i32 or integers of 8 or 16 bits")
        if self.zero_point:
            same_element(self.input, self.zero_point)
        return [typed(self.scale, shape_of(self.input))]


@irdl_op_definition
class EncodeFloatOp(DnnOp):
    """The code of the nearest float of a format of 8 or 4 bits, ties to even. ONNX `Cast` to those types.

    What is larger than all of them becomes the largest (`saturate`), or else infinity, or NaN where there is none.
    Formats that are exponents alone (f8e8m0) take the power of two that is not smaller; negative numbers are NaN there.
    Codes become numbers again by a `dnn.gather` from the table of all.

    ```mlir
    %c = dnn.encode_float %x {format = "f8e4m3fn", saturate = true} : (tensor<4xf32>) -> tensor<4xui8>
    ```
    """

    name = "dnn.encode_float"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    format = prop_def(StringAttr)
    saturate = prop_def(BoolAttr)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    @property
    def wanted(self) -> FloatFormat:
        return FLOAT_FORMATS[self.format.data]

    def infer(self) -> Sequence[Tensor]:
        if self.format.data not in FLOAT_FORMATS:
            raise ShapeError(f"found format '{self.format.data}', expected one of {', '.join(FLOAT_FORMATS)}")
        element = element_type(self.input.type)
        if not element.is_float or element.bits > 32:
            raise ShapeError(f"found {self.input.type}, expected floats of 32 or 16 bits")
        return [typed(self.input, shape_of(self.input), element_attribute("u8"))]


@irdl_op_definition
class UnpackNibblesOp(DnnOp):
    """Integers of four bits from bytes that hold two, as compressed weights do; ONNX has no such operator.

    `y[…, 2i, …]` is the low half of `x[…, i, …]` minus 8, `y[…, 2i + 1, …]` the high half minus 8.

    ```mlir
    %q = dnn.unpack_nibbles %x {axis = 1 : i64} : (tensor<4x8xui8>) -> tensor<4x16xi8>
    ```
    """

    name = "dnn.unpack_nibbles"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, axis = list(shape_of(self.input)), self.axis.value.data
        if element_type(self.input.type).name != "u8":
            raise ShapeError(f"found elements of {element_type(self.input.type).name}, expected u8")
        if not 0 <= axis < len(shape):
            raise ShapeError(f"found axis {axis}, expected one of {len(shape)} axes")
        shape[axis] *= 2
        return [typed(self.input, shape, element_attribute("i8"))]
