"""Operators that read at computed indices: gather, gather_elements, gather_nd, reverse_sequence."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, TensorType, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, typed
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.support.shapes import ShapeError


def check_indices(indices: SSAValue) -> None:
    element = tensor_type(indices).element_type
    if element not in (i32, i64):
        raise ShapeError(f"the indices have elements of type {element}, expected i32 or i64")


def check_axis(axis: int, rank: int) -> None:
    if not 0 <= axis < rank:
        raise ShapeError(f"axis {axis} is not one of {rank} axes")


@irdl_op_definition
class GatherOp(DnnOp):
    """`y[a…, i…, b…] = x[a…, indices[i…], b…]`; the index stands at `axis`. ONNX `Gather`.

    Negative indices count from the end; indices beyond the extent are clamped.

    ```mlir
    %y = dnn.gather %x, %i {axis = 0 : i64} : (tensor<9x4xf32>, tensor<2x3xi64>) -> tensor<2x3x4xf32>
    ```
    """

    name = "dnn.gather"
    input = operand_def(TensorType)
    indices = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, axis = shape_of(self.input), self.axis.value.data
        check_axis(axis, len(shape))
        check_indices(self.indices)
        return [typed(self.input, [*shape[:axis], *shape_of(self.indices), *shape[axis + 1 :]])]


def common_axes(op: Operation) -> frozenset[int]:
    """The axes along which two operands and the result lie alike, without the one that the operator works along."""
    axis = op.properties["axis"]
    assert isinstance(axis, IntegerAttr)
    first, *others = [shape_of(o) for o in op.operands]
    alike = {a for a, n in enumerate(first) if all(s[a] == n for s in others)}
    return frozenset(alike - {axis.value.data})


@irdl_op_definition
class GatherElementsOp(DnnOp):
    """`y[…, i, …] = x[…, indices[…, i, …], …]`, the index standing at `axis`. ONNX `GatherElements`.

    Indices and result have one shape, whose other axes are at most as long as those of the input.

    ```mlir
    %y = dnn.gather_elements %x, %i {axis = 1 : i64} : (tensor<3x4xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
    ```
    """

    name = "dnn.gather_elements"
    input = operand_def(TensorType)
    indices = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure(), Tensorwise(common_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, wanted, axis = shape_of(self.input), shape_of(self.indices), self.axis.value.data
        check_axis(axis, len(shape))
        check_indices(self.indices)
        fits = len(shape) == len(wanted) and all(a == axis or wanted[a] <= n for a, n in enumerate(shape))
        if not fits:
            raise ShapeError(f"indices {list(wanted)} do not fit {list(shape)} along the axes other than {axis}")
        return [typed(self.input, wanted)]


@irdl_op_definition
class GatherNdOp(DnnOp):
    """`y[b…, i…, c…] = x[b…, indices[b…, i…, :]…, c…]`: the last axis of indices holds coordinates. ONNX `GatherND`.

    The first `batch_dims` axes of both operands are the same.

    ```mlir
    %y = dnn.gather_nd %x, %i {batch_dims = 0 : i64} : (tensor<3x4x5xf32>, tensor<7x2xi64>) -> tensor<7x5xf32>
    ```
    """

    name = "dnn.gather_nd"
    input = operand_def(TensorType)
    indices = operand_def(TensorType)
    output = result_def(TensorType)
    batch_dims = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, indices, batch = shape_of(self.input), shape_of(self.indices), self.batch_dims.value.data
        check_indices(self.indices)
        fits = 0 <= batch < len(indices) and indices[:batch] == shape[:batch]
        if not fits or not 1 <= indices[-1] <= len(shape) - batch:
            raise ShapeError(f"indices {list(indices)} do not address {list(shape)} behind {batch} batch axes")
        return [typed(self.input, [*indices[:-1], *shape[batch + indices[-1] :]])]


@irdl_op_definition
class ReverseSequenceOp(DnnOp):
    """The first `lengths[b]` elements of `time_axis` in reverse, for each `b` of `batch_axis`. ONNX `ReverseSequence`.

    ```mlir
    %y = dnn.reverse_sequence %x, %n {time_axis = 0 : i64, batch_axis = 1 : i64}
       : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
    ```
    """

    name = "dnn.reverse_sequence"
    input = operand_def(TensorType)
    lengths = operand_def(TensorType)
    output = result_def(TensorType)
    time_axis = prop_def(IntegerAttr.constr(i64))
    batch_axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, time, batch = shape_of(self.input), self.time_axis.value.data, self.batch_axis.value.data
        check_axis(time, len(shape))
        check_axis(batch, len(shape))
        check_indices(self.lengths)
        if time == batch or shape_of(self.lengths) != (shape[batch],):
            raise ShapeError(f"lengths {list(shape_of(self.lengths))} do not fit axis {batch} of {list(shape)}")
        return [typed(self.input, shape)]
