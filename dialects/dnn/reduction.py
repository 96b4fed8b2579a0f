"""Operators that combine the elements along axes: sums, means, products, extremes, prefix sums."""

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, IntegerAttr, TensorType, i1, i64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, typed
from webdnn.dialects.dnn.gather import check_axis
from webdnn.dialects.dnn.shape import axis_of
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.shapes import ShapeError


def kept_axes(op: Operation) -> frozenset[int]:
    """The axes of the result that the operand has at the same place."""
    assert isinstance(op, ReductionOp)
    rank, axes = len(shape_of(op.input)), set(op.axes.get_values())
    end = rank if op.keepdims.value.data else min(axes, default=rank)
    return frozenset(range(end)) - axes


class ReductionOp(DnnOp):
    """The elements along `axes` combined into one; those axes stay with extent 1 if `keepdims`, else they go.

    ```mlir
    %y = dnn.reduce_sum %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x3xf32>) -> tensor<2x1xf32>
    ```
    """

    input = operand_def(TensorType)
    output = result_def(TensorType)
    axes = prop_def(DenseArrayBase.constr(i64))
    keepdims = prop_def(BoolAttr)

    traits = traits_def(Pure(), Tensorwise(kept_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, axes = shape_of(self.input), self.axes.get_values()
        if list(axes) != sorted({axis for axis in axes if 0 <= axis < len(shape)}):
            raise ShapeError(f"found axes {list(axes)}, expected some of {len(shape)} axes, ascending")
        keep = bool(self.keepdims.value.data)
        return [typed(self.input, [1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes])]


class ArithmeticReductionOp(ReductionOp):
    """A reduction of numbers."""

    def infer(self) -> Sequence[Tensor]:
        result = super().infer()
        if result[0].element_type == i1:
            raise ShapeError("found bools, expected numbers")
        return result


@irdl_op_definition
class ReduceSumOp(ArithmeticReductionOp):
    """The sum; integers wrap. ONNX `ReduceSum`."""

    name = "dnn.reduce_sum"


@irdl_op_definition
class ReduceMeanOp(ArithmeticReductionOp):
    """The sum divided by the count; integers round towards zero. ONNX `ReduceMean`."""

    name = "dnn.reduce_mean"


@irdl_op_definition
class ReduceProdOp(ArithmeticReductionOp):
    """The product; integers wrap. ONNX `ReduceProd`."""

    name = "dnn.reduce_prod"


@irdl_op_definition
class ReduceMaxOp(ReductionOp):
    """The greatest; NaN where any is; of bools, whether any holds. ONNX `ReduceMax`."""

    name = "dnn.reduce_max"


@irdl_op_definition
class ReduceMinOp(ReductionOp):
    """The least; NaN where any is; of bools, whether all hold. ONNX `ReduceMin`."""

    name = "dnn.reduce_min"


@irdl_op_definition
class ReduceLogSumExpOp(ReductionOp):
    """`log(sum(exp(x)))` of floats, without overflow. ONNX `ReduceLogSumExp`."""

    name = "dnn.reduce_log_sum_exp"

    def infer(self) -> Sequence[Tensor]:
        if not element_type(self.input.type).is_float:
            raise ShapeError(f"found {self.input.type}, expected floats")
        return super().infer()


class PrefixOp(DnnOp):
    """The elements up to each place of `axis` combined: without its own if `exclusive`, from the end if `reverse`.

    ```mlir
    %y = dnn.cum_sum %x {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    """

    input = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    exclusive = prop_def(BoolAttr)
    reverse = prop_def(BoolAttr)
    traits = traits_def(Pure(), Tensorwise(lambda op: frozenset(range(len(shape_of(op.results[0])))) - {axis_of(op)}))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape = shape_of(self.input)
        check_axis(self.axis.value.data, len(shape))
        if element_type(self.input.type).bits == 1:
            raise ShapeError("found bools, expected numbers")
        return [typed(self.input, shape)]


@irdl_op_definition
class CumSumOp(PrefixOp):
    """`y[…, i, …] = sum(j <= i) x[…, j, …]`; integers wrap. ONNX `CumSum`."""

    name = "dnn.cum_sum"


@irdl_op_definition
class CumProdOp(PrefixOp):
    """`y[…, i, …] = product(j <= i) x[…, j, …]`; integers wrap. ONNX `CumProd`."""

    name = "dnn.cum_prod"
