"""`dnn-pad-empty-tensors`: inputs and outputs without elements get one each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType, UnknownLoc
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import Tensor
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.element import element_type, is_tensor, shape_of, tensor_type
from webdnn.passes.dnn.rewriting import erase_dead
from webdnn.support.weights import numpy_dtype


def is_empty(value: SSAValue) -> bool:
    return is_tensor(value.type) and 0 in shape_of(value)


def padded(type: Tensor) -> Tensor:
    """The type with extents of 0 made 1."""
    return TensorType(type.element_type, [max(1, extent) for extent in type.get_shape()])


def stand_in(value: SSAValue, at: InsertPoint) -> SSAValue:
    """value : tensor<0x…> -> zeros : tensor<1x…>"""
    type = padded(tensor_type(value))
    constant = constant_of(as_array(np.zeros(type.get_shape(), numpy_dtype(element_type(type)))))
    constant.location = value.owner.location if isinstance(value.owner, Operation) else UnknownLoc()
    Rewriter.insert_op(constant, at)
    return constant.output


def pad_results(end: ReturnOp) -> None:
    """return (value : tensor<0x…>) -> return (zeros : tensor<1x…>)"""
    for i, value in enumerate(end.operands):
        if is_empty(value):
            end.operands[i] = stand_in(value, InsertPoint.before(end))
            if isinstance(value.owner, Operation):
                erase_dead(value.owner)


def pad_function(function: FuncOp) -> None:
    """func (x : tensor<0x…>) -> func (x : tensor<1x…>), where nothing but the return reads it"""
    block = function.body.block
    if isinstance(block.last_op, ReturnOp):
        pad_results(block.last_op)
    for argument in list(block.args):
        if is_empty(argument) and argument.first_use is None:
            Rewriter.replace_value_with_new_type(argument, padded(tensor_type(argument)))
    results = block.last_op.operand_types if block.last_op else ()
    function.function_type = FunctionType.from_lists(block.arg_types, results)


@dataclass(frozen=True)
class DnnPadEmptyTensorsPass(ModulePass):
    """Give inputs and outputs without elements one element: buffers have at least one, kernels at least one point.

    Before:

        func.func @main(%x: tensor<0x3xf32>) -> tensor<0xi64> {
          %y = dnn.constant #dnn.weight<… : tensor<0xi64>> : tensor<0xi64>
          func.return %y : tensor<0xi64>

    After:

        func.func @main(%x: tensor<1x3xf32>) -> tensor<1xi64> {
          %y = dnn.constant dense<0> : tensor<1xi64> : tensor<1xi64>
          func.return %y : tensor<1xi64>

    Leaves alone: whatever has elements; the bundle's manifest, which tells the extents that the model has, so that
    nothing is copied into or out of what is added here. Run after `dnn-elide-identities`; tensors without elements
    inside of a model are constants, which importing folds into whatever reads them.
    """

    name = "dnn-pad-empty-tensors"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                pad_function(function)
