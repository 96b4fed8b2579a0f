"""Convolutions."""

from collections.abc import Sequence

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, TensorType, f32, i64
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.axes import batch_and_channels
from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.dnn.window import check_window, slide
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.support.shapes import ShapeError, window_extent
from webdnn.support.winograd import POINTS, evaluations


def check_channels(input: SSAValue, weight: SSAValue, bias: SSAValue | None, groups: int) -> None:
    """The input (N, C, spatial…) fits weights (O, C / groups, kernel…) and a bias (O). Raises ShapeError."""
    x, w = shape_of(input), shape_of(weight)
    if len(w) != len(x) or len(x) < 3:
        raise ShapeError(f"found input {list(x)} and weights {list(w)}, expected as many axes, at least 3")
    if groups < 1 or x[1] != w[1] * groups or w[0] % groups:
        raise ShapeError(f"{x[1]} channels and weights {list(w)} do not fit {groups} groups")
    if bias and shape_of(bias) != (w[0],):
        raise ShapeError(f"the bias has shape {list(shape_of(bias))}, expected [{w[0]}]")
    same_element(input, weight, *([bias] if bias else []))


def untiled(op: "ConvOp | ConvTransposeOp", outputs: Sequence[int]) -> str | None:
    """Why a convolution cannot run in tiles of so many results along each axis; None where it can."""
    kernel, strides = shape_of(op.weight)[2:], op.strides.get_values()
    if {*op.dilations.get_values(), op.groups.value.data} != {1} or tensor_type(op.weight).element_type != f32:
        return "tiles are known for f32, with no dilations and groups"
    if len(outputs) != len(kernel) or min(outputs) < 1:
        return f"tiles of {list(outputs)} results, expected a positive number for each of {len(kernel)} axes"
    for number in map(evaluations, outputs, kernel, strides):
        if number not in (1, *POINTS):
            return f"tiles of {list(outputs)} results take {number} points along an axis, expected {sorted(POINTS)}"
    return None


def check_tiles(op: "ConvOp | ConvTransposeOp") -> None:
    """Raises ShapeError."""
    if op.winograd and (reason := untiled(op, op.winograd.get_values())):
        raise ShapeError(f"winograd: {reason}")


@irdl_op_definition
class ConvOp(DnnOp):
    """Convolution over any number of spatial axes; ONNX `Conv`.

    Operands: the input (N, C, spatial…), the weights (O, C / groups, kernel…) and perhaps a bias (O). `pads` holds
    the padding with zeros before each spatial axis, then behind each. Physical order is the business of layouts.
    `winograd` is how it is computed, not what: in tiles of so many results along each spatial axis, by Winograd's
    minimal filtering; absent: as the sum that defines it.

    ```mlir
    %y = dnn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
                          groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
    ```
    """

    name = "dnn.conv"
    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    output = result_def(TensorType)
    strides = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    dilations = prop_def(DenseArrayBase.constr(i64))
    groups = prop_def(IntegerAttr.constr(i64))
    winograd = opt_prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Tensorwise(batch_and_channels))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        check_channels(self.input, self.weight, self.bias, self.groups.value.data)
        check_tiles(self)
        (batch, _, *spatial), (outputs, _, *kernel) = shape_of(self.input), shape_of(self.weight)
        strides, dilations, pads = (a.get_values() for a in (self.strides, self.dilations, self.pads))
        return [typed(self.input, [batch, outputs, *slide(spatial, kernel, strides, dilations, pads)])]


@irdl_op_definition
class ConvTransposeOp(DnnOp):
    """Transposed convolution: each input element adds its multiple of the kernel to the output. ONNX `ConvTranspose`.

    Operands: the input (N, C, spatial…), the weights (O, C / groups, kernel…) as for `dnn.conv`, perhaps a bias (O).
    Element p of an axis reaches p·stride + tap·dilation - pad. The extent of the result is
    stride·(extent - 1) + dilation·(kernel - 1) + 1 + output_padding - pad before - pad behind. `winograd` is how it is
    computed, as for `dnn.conv`: a tile has so many results of each phase, stride times as many in all.

    ```mlir
    %y = dnn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>,
                                    output_padding = array<i64: 1>, groups = 1 : i64}
         : (tensor<1x3x8xf32>, tensor<4x3x3xf32>) -> tensor<1x4x16xf32>
    ```
    """

    name = "dnn.conv_transpose"
    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    output = result_def(TensorType)
    strides = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    dilations = prop_def(DenseArrayBase.constr(i64))
    output_padding = prop_def(DenseArrayBase.constr(i64))
    groups = prop_def(IntegerAttr.constr(i64))
    winograd = opt_prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Tensorwise(batch_and_channels))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        check_channels(self.input, self.weight, self.bias, self.groups.value.data)
        check_tiles(self)
        (batch, _, *spatial), (outputs, _, *kernel) = shape_of(self.input), shape_of(self.weight)
        strides, dilations, pads = (a.get_values() for a in (self.strides, self.dilations, self.pads))
        extra, rank = self.output_padding.get_values(), len(spatial)
        check_window(kernel, strides, dilations, pads, rank)
        if len(extra) != rank or any(e < 0 for e in extra):
            raise ShapeError(f"found output padding {list(extra)}, expected {rank} numbers, zero or more")
        extents = [
            strides[i] * (spatial[i] - 1) + window_extent(kernel[i], dilations[i]) + extra[i] - pads[i] - pads[i + rank]
            for i in range(rank)
        ]
        if any(extent < 1 for extent in extents):
            raise ShapeError(f"pads {list(pads)} leave nothing of the result: its extents would be {extents}")
        return [typed(self.input, [batch, outputs, *extents])]
