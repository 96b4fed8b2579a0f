"""Pooling: what a window that slides over the spatial axes sees, summed up in one number."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.axes import batch_and_channels
from webdnn.dialects.dnn.base import DnnOp, Tensor, typed
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.dnn.window import slide
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.element_type import Kind
from webdnn.support.shapes import ShapeError


class PoolOp(DnnOp):
    """A window over the spatial axes of an input (N, C, spatial…).

    `pads` holds the padding before each spatial axis, then behind each; padding takes no part in the result. With
    `ceil_mode` a last window may hang over the end, unless it would start in the padding behind it.
    """

    input = operand_def(TensorType)
    output = result_def(TensorType)
    kernel = prop_def(DenseArrayBase.constr(i64))
    strides = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    dilations = prop_def(DenseArrayBase.constr(i64))
    ceil_mode = prop_def(BoolAttr)

    traits = traits_def(Pure(), Tensorwise(batch_and_channels))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        if len(shape_of(self.input)) < 3:
            raise ShapeError(f"found input {list(shape_of(self.input))}, expected at least one spatial axis")
        element = element_type(self.input.type)
        if element.kind is Kind.BOOL or (element.kind is Kind.UNSIGNED and element.bits > 16):
            raise ShapeError(f"found elements of type {element.name}, expected floats, signed integers, u8 or u16")
        batch, channels, *spatial = shape_of(self.input)
        kernel, strides, dilations, pads = (
            a.get_values() for a in (self.kernel, self.strides, self.dilations, self.pads)
        )
        windows = slide(spatial, kernel, strides, dilations, pads, bool(self.ceil_mode.value.data))
        return [typed(self.input, [batch, channels, *windows])]


class FloatPoolOp(PoolOp):
    """A pooling that divides or takes roots."""

    def infer(self) -> Sequence[Tensor]:
        if not element_type(self.input.type).is_float:
            raise ShapeError(f"found elements of type {element_type(self.input.type).name}, expected floats")
        return super().infer()


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """The largest element of each window; NaN where there is one. ONNX `MaxPool`.

    ```mlir
    %y = dnn.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
                          dilations = array<i64: 1, 1>, ceil_mode = false}
         : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
    ```
    """

    name = "dnn.max_pool"


@irdl_op_definition
class MaxPoolWithIndicesOp(PoolOp):
    """`dnn.max_pool` and where each largest element lies: the first of equals. ONNX `MaxPool` with two outputs.

    An index counts the elements of the whole input in row-major order; with `column_major` those of the spatial axes
    in the order in which the first of them runs fastest.

    ```mlir
    %y, %i = dnn.max_pool_with_indices %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>,
                                           dilations = array<i64: 1>, ceil_mode = false, column_major = false}
             : (tensor<1x3x8xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xi64>)
    ```
    """

    name = "dnn.max_pool_with_indices"
    output = result_def(TensorType)  # again, because xDSL puts the results of the base class last
    indices = result_def(TensorType)
    column_major = prop_def(BoolAttr)

    @classmethod
    def result_count(
        cls, operands: Sequence[SSAValue | Sequence[SSAValue] | None], properties: Mapping[str, Attribute | None]
    ) -> int:
        return 2

    def infer(self) -> Sequence[Tensor]:
        (output,) = super().infer()
        return [output, typed(self.input, output.get_shape(), i64)]


@irdl_op_definition
class AveragePoolOp(FloatPoolOp):
    """The mean of each window. ONNX `AveragePool`.

    The divisor is the number of elements that the window covers; with `count_include_pad` also those of the padding,
    but never what hangs over its end. The mean of no elements is 0.

    ```mlir
    %y = dnn.average_pool %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 1, 1>,
                              dilations = array<i64: 1>, ceil_mode = false, count_include_pad = false}
         : (tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
    ```
    """

    name = "dnn.average_pool"
    count_include_pad = prop_def(BoolAttr)


@irdl_op_definition
class LpPoolOp(FloatPoolOp):
    """The p-norm of each window: `sum(|x|^p)^(1/p)`. ONNX `LpPool`.

    ```mlir
    %y = dnn.lp_pool %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>,
                         dilations = array<i64: 1>, ceil_mode = false, p = 2 : i64}
         : (tensor<1x3x8xf32>) -> tensor<1x3x4xf32>
    ```
    """

    name = "dnn.lp_pool"
    p = prop_def(IntegerAttr.constr(i64))

    def infer(self) -> Sequence[Tensor]:
        if self.p.value.data < 1:
            raise ShapeError(f"found a norm of order {self.p.value.data}, expected at least 1")
        return super().infer()
