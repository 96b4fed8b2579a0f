"""`convert-dnn-to-tensor-layout`: every tensor of a function gets an explicit layout."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import is_tensor, shape_of
from webdnn.dialects.tensor_layout import ConvertOp, with_layout
from webdnn.support.axis_layout import row_major
from webdnn.support.diagnostic import Diagnostics


def lay_out(value: SSAValue, op: Operation, problems: Diagnostics) -> None:
    """Store a tensor row-major."""
    if not is_tensor(value.type):
        return
    if any(extent < 0 for extent in value.type.get_shape()):
        problems.add(op, f"has the type {value.type}", hint="give the model's inputs fixed shapes")
        return
    layout = row_major(len(shape_of(value)))
    Rewriter.replace_value_with_new_type(value, with_layout(value.type, layout))


def lay_out_returned_constants(function: func.FuncOp) -> None:
    """A result has an explicit layout even where it is a constant, which has none."""
    end = function.body.block.last_op
    assert end is not None
    for i, value in enumerate(end.operands):
        if isinstance(value.owner, ConstantOp):
            convert = ConvertOp(value, row_major(len(shape_of(value))))
            Rewriter.insert_op(convert, InsertPoint.before(end))
            end.operands[i] = convert.result


@dataclass(frozen=True)
class ConvertDnnToTensorLayoutPass(ModulePass):
    """Give every tensor of a function a row-major layout, arguments and results included.

    Before:

        %y = dnn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>

    After:

        %y = dnn.relu %x : (tensor<2x3xf32, #tensor_layout.layout<[0, 1]>>) -> tensor<2x3xf32, …>

    Leaves alone: constants, which take any layout for free; one that is returned is converted. Refuses tensors of
    unknown extents. Run after the passes of the `dnn` level.
    """

    name = "convert-dnn-to-tensor-layout"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        problems = Diagnostics()
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                for argument in list(function.body.block.args):
                    lay_out(argument, function, problems)
                for inner in function.body.block.ops:
                    if not isinstance(inner, ConstantOp):
                        for result in list(inner.results):
                            lay_out(result, inner, problems)
                lay_out_returned_constants(function)
                function.update_function_type()
        problems.raise_if_any()
