"""Normalizations: elements measured against the statistics of their surroundings."""

from collections.abc import Sequence

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, TensorType, f64, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.axes import every_axis
from webdnn.dialects.dnn.base import DnnOp, Tensor, plain
from webdnn.dialects.dnn.traits import InPlaceable, Tensorwise
from webdnn.dialects.element import element_type, shape_of, tensor_type
from webdnn.support.shapes import ShapeError, broadcast, normalize_axes


def check_per_channel(input: SSAValue, *vectors: SSAValue) -> None:
    """The input is (N, C, …) and each vector (C). Raises ShapeError."""
    shape = shape_of(input)
    if len(shape) < 2:
        raise ShapeError(f"found input {list(shape)}, expected (N, C, …)")
    for vector in vectors:
        if shape_of(vector) != shape[1:2]:
            raise ShapeError(f"found {list(shape_of(vector))} for {shape[1]} channels, expected [{shape[1]}]")


def check_broadcast(input: SSAValue, *parameters: SSAValue | None) -> None:
    """Each parameter broadcasts to the input's shape. Raises ShapeError."""
    shape = shape_of(input)
    for parameter in parameters:
        if parameter and broadcast([shape, shape_of(parameter)]) != shape:
            raise ShapeError(f"a parameter of shape {list(shape_of(parameter))} does not broadcast to {list(shape)}")


def check_axis(axis: int, rank: int) -> None:
    if not 0 <= axis < rank:
        raise ShapeError(f"axis {axis} is not one of {rank} axes, counted from 0")


class NormalizationOp(DnnOp):
    """An operator whose result has the type of its first operand, of floats."""

    # Subclasses define the operands: xDSL would put one that is defined here behind theirs.
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        input = tensor_type(self.operands[0])
        if not element_type(input).is_float:
            raise ShapeError(f"found elements of type {element_type(input).name}, expected floats")
        self.check()
        return [plain(input)]

    def check(self) -> None:
        """Raise ShapeError where parameters do not fit the input."""


@irdl_op_definition
class BatchNormOp(NormalizationOp):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias`, all of them known numbers of each channel.

    The input is (N, C, …), the others (C). ONNX `BatchNormalization` in inference.

    ```mlir
    %y = dnn.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 1.0e-5 : f64}
         : (tensor<1x3x8xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x8xf32>
    ```
    """

    name = "dnn.batch_norm"
    input = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = operand_def(TensorType)
    mean = operand_def(TensorType)
    variance = operand_def(TensorType)
    output = result_def(TensorType)
    epsilon = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), InPlaceable(), Tensorwise(every_axis))

    def check(self) -> None:
        check_per_channel(self.input, self.scale, self.bias, self.mean, self.variance)


def before_axis(op: Operation) -> frozenset[int]:
    """The axes that stand before the normalized ones."""
    assert isinstance(op, LayerNormOp | RmsNormOp)
    return frozenset(range(op.axis.value.data))


@irdl_op_definition
class LayerNormOp(NormalizationOp):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias`, the statistics over `axis` and all axes behind it.

    Scale and bias broadcast to the input. ONNX `LayerNormalization`.

    ```mlir
    %y = dnn.layer_norm %x, %scale, %bias {axis = 2 : i64, epsilon = 1.0e-5 : f64}
         : (tensor<1x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x3x8xf32>
    ```
    """

    name = "dnn.layer_norm"
    input = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    epsilon = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), Tensorwise(before_axis))

    def check(self) -> None:
        check_axis(self.axis.value.data, len(shape_of(self.input)))
        check_broadcast(self.input, self.scale, self.bias)


@irdl_op_definition
class RmsNormOp(NormalizationOp):
    """`x / sqrt(mean(x²) + epsilon) * scale`, the mean over `axis` and all axes behind it. ONNX `RMSNormalization`.

    ```mlir
    %y = dnn.rms_norm %x, %scale {axis = 2 : i64, epsilon = 1.0e-5 : f64}
         : (tensor<1x3x8xf32>, tensor<8xf32>) -> tensor<1x3x8xf32>
    ```
    """

    name = "dnn.rms_norm"
    input = operand_def(TensorType)
    scale = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    epsilon = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), Tensorwise(before_axis))

    def check(self) -> None:
        check_axis(self.axis.value.data, len(shape_of(self.input)))
        check_broadcast(self.input, self.scale)


def batch(op: Operation) -> frozenset[int]:
    return frozenset({0})


@irdl_op_definition
class GroupNormOp(NormalizationOp):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias`, the statistics over a group of channels of one image.

    The input is (N, C, …), scale and bias (C). ONNX `GroupNormalization`; with as many groups as channels it is
    `InstanceNormalization`.

    ```mlir
    %y = dnn.group_norm %x, %scale, %bias {groups = 2 : i64, epsilon = 1.0e-5 : f64}
         : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
    ```
    """

    name = "dnn.group_norm"
    input = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = operand_def(TensorType)
    output = result_def(TensorType)
    groups = prop_def(IntegerAttr.constr(i64))
    epsilon = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), Tensorwise(batch))

    def check(self) -> None:
        check_per_channel(self.input, self.scale, self.bias)
        groups, channels = self.groups.value.data, shape_of(self.input)[1]
        if groups < 1 or channels % groups:
            raise ShapeError(f"{channels} channels do not make {groups} equal groups")


def all_but_channels(op: Operation) -> frozenset[int]:
    return every_axis(op) - {1}


@irdl_op_definition
class LrnOp(NormalizationOp):
    """`x / (bias + alpha / size * sum(x²))^beta`, the sum over `size` neighbouring channels. ONNX `LRN`.

    The neighbours of channel c are c - (size - 1) floordiv 2 … c + size floordiv 2, as far as there are.

    ```mlir
    %y = dnn.lrn %x {size = 5 : i64, alpha = 1.0e-4 : f64, beta = 0.75 : f64, bias = 1.0 : f64}
         : (tensor<1x8x2xf32>) -> tensor<1x8x2xf32>
    ```
    """

    name = "dnn.lrn"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    size = prop_def(IntegerAttr.constr(i64))
    alpha = prop_def(FloatAttr.constr(f64))
    beta = prop_def(FloatAttr.constr(f64))
    bias = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), Tensorwise(all_but_channels))

    def check(self) -> None:
        check_per_channel(self.input)
        if self.size.value.data < 1:
            raise ShapeError(f"found a window of {self.size.value.data} channels, expected at least 1")


def all_but_axes(op: Operation) -> frozenset[int]:
    assert isinstance(op, MeanVarianceNormOp)
    return every_axis(op) - set(op.axes.get_values())


@irdl_op_definition
class MeanVarianceNormOp(NormalizationOp):
    """`(x - mean) / (sqrt(variance) + 1e-9)`, the statistics over `axes`. ONNX `MeanVarianceNormalization`.

    ```mlir
    %y = dnn.mean_variance_norm %x {axes = array<i64: 0, 2>} : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
    ```
    """

    name = "dnn.mean_variance_norm"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    axes = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Tensorwise(all_but_axes))

    def check(self) -> None:
        axes = self.axes.get_values()
        if normalize_axes(axes, len(shape_of(self.input))) != tuple(axes) or not axes:
            raise ShapeError(f"found axes {list(axes)}, expected some, counted from 0, in order")


def all_but_axis(op: Operation) -> frozenset[int]:
    assert isinstance(op, LpNormOp)
    return every_axis(op) - {op.axis.value.data}


@irdl_op_definition
class LpNormOp(NormalizationOp):
    """`x / norm(x)`, the p-norm (p = 1 or 2) along an axis; zero where the norm is zero. ONNX `LpNormalization`.

    ```mlir
    %y = dnn.lp_norm %x {axis = 1 : i64, p = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.lp_norm"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    p = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure(), Tensorwise(all_but_axis))

    def check(self) -> None:
        check_axis(self.axis.value.data, len(shape_of(self.input)))
        if self.p.value.data not in (1, 2):
            raise ShapeError(f"found a norm of order {self.p.value.data}, expected 1 or 2")
