"""Element-wise operators on numbers of mixed types or with attributes: powers, remainders, shifts, casts, tests."""

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, TensorType, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import BinaryOp, DnnOp, Tensor, broadcast_type, same_element, typed
from webdnn.dialects.dnn.traits import Elementwise
from webdnn.dialects.element import NAMES, element_type, shape_of
from webdnn.support.shapes import ShapeError


@irdl_op_definition
class PowOp(BinaryOp):
    """`a ^ b`, of floats or of integers. ONNX `Pow`, whose mixed types are cast.

    Integers wrap; a negative exponent gives the real power rounded towards zero, and 0 of a base of 0.

    ```mlir
    %y = dnn.pow %a, %b : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.pow"


class PairOp(DnnOp):
    """Two operands of one element type, broadcast against each other, and properties."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        return [broadcast_type([self.lhs, self.rhs], same_element(self.lhs, self.rhs))]


@irdl_op_definition
class ModOp(PairOp):
    """The remainder of a division, with the sign of the divisor (`truncated` = false) or of the dividend. ONNX `Mod`.

    ```mlir
    %y = dnn.mod %a, %b {truncated = false} : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
    ```
    """

    name = "dnn.mod"
    truncated = prop_def(BoolAttr)


@irdl_op_definition
class BitShiftOp(PairOp):
    """`a` shifted by `b` bits; the sign moves in from the left. ONNX `BitShift`.

    Where `b` is negative or not less than the number of bits, only what moves in is left.

    ```mlir
    %y = dnn.bit_shift %a, %b {left = true} : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
    ```
    """

    name = "dnn.bit_shift"
    left = prop_def(BoolAttr)

    def infer(self) -> Sequence[Tensor]:
        types = super().infer()
        if not element_type(types[0]).is_integer:
            raise ShapeError(f"elements of type {types[0].element_type} cannot be shifted, expected integers")
        return types


@irdl_op_definition
class CastOp(DnnOp):
    """The elements as another type. ONNX `Cast`, `CastLike`.

    Floats become integers by dropping the fraction; what an integer of 32 bits (64, for results of 64) cannot hold
    saturates, and NaN becomes 0. Integers keep their low bits. A bool is 0 or 1, and true of what is not zero.

    ```mlir
    %y = dnn.cast %x {to = i32} : (tensor<4xf32>) -> tensor<4xi32>
    ```
    """

    name = "dnn.cast"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    to = prop_def(Attribute)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        if self.to not in NAMES:
            raise ShapeError(f"{self.to} is no element type, expected one of {', '.join(map(str, NAMES))}")
        return [typed(self.input, shape_of(self.input), self.to)]


BITS = {("f32", "i32"), ("f32", "u32"), ("f64", "i64"), ("f64", "u64")}
"""The element types whose bits can stand for one another, beside integers of one size"""


@irdl_op_definition
class BitCastOp(DnnOp):
    """The elements' bits as floats of the same size, or bits of floats as integers. ONNX `BitCast`.

    ```mlir
    %y = dnn.bit_cast %x {to = i32} : (tensor<4xf32>) -> tensor<4xi32>
    ```
    """

    name = "dnn.bit_cast"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    to = prop_def(Attribute)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        source, to = element_type(self.input.type).name, NAMES.get(self.to, str(self.to))
        if (source, to) not in BITS and (to, source) not in BITS:
            raise ShapeError(f"the bits of {source} cannot stand for {to}, expected floats and integers of one size")
        return [typed(self.input, shape_of(self.input), self.to)]


class TestOp(DnnOp):
    """A question about floats; the result is a tensor of bools."""

    input = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        if not element_type(self.input.type).is_float:
            raise ShapeError(f"found {self.input.type}, expected floats")
        return [typed(self.input, shape_of(self.input), i1)]


@irdl_op_definition
class IsNanOp(TestOp):
    """Is it NaN? ONNX `IsNaN`.

    ```mlir
    %y = dnn.is_nan %x : (tensor<4xf32>) -> tensor<4xi1>
    ```
    """

    name = "dnn.is_nan"


@irdl_op_definition
class IsInfOp(TestOp):
    """Is it infinite, of the signs asked for? ONNX `IsInf`.

    ```mlir
    %y = dnn.is_inf %x {positive = true, negative = true} : (tensor<4xf32>) -> tensor<4xi1>
    ```
    """

    name = "dnn.is_inf"
    positive = prop_def(BoolAttr)
    negative = prop_def(BoolAttr)
