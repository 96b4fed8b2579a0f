"""`dnn-infer-shapes`: extents that the text leaves open are computed from the operands."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.dnn.base import DnnOp, has_open_extents, refines
from webdnn.dialects.element import is_tensor, tensor_type
from webdnn.support.diagnostic import fail
from webdnn.support.shapes import ShapeError

HINT = "correct the shapes of its operands, or leave out those of its results: tensor<?x?xf32>"


def infer(op: DnnOp) -> None:
    """Give the results of an operator the types that follow from its operands, where those are known."""
    if any(has_open_extents(operand) for operand in op.operands):
        return
    try:
        types = op.infer()
    except ShapeError as error:
        fail(op, f"cannot have a shape: {error}", hint=HINT)
    for result, type in zip(op.results, types, strict=True):
        found = tensor_type(result)
        if not refines(type, found):
            fail(op, f"has a result of type {found}, expected {type}", hint=HINT)
        if has_open_extents(result):
            Rewriter.replace_value_with_new_type(result, type)


@dataclass(frozen=True)
class DnnInferShapesPass(ModulePass):
    """Compute result types of operators, and of functions, where extents are open.

    Before:

        func.func @main(%x: tensor<2x3xf32>) -> tensor<?x?xf32> {
          %y = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<?x?xf32>

    After:

        func.func @main(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
          %y = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>

    Leaves alone: what depends on an argument of open extents. Refuses extents that contradict the operands. Run after
    anything that changes the types of arguments; most other passes expect static shapes.
    """

    name = "dnn-infer-shapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            block = function.body.block
            for operator in list(block.ops):
                if isinstance(operator, DnnOp):
                    infer(operator)
            end = block.last_op
            if isinstance(end, func.ReturnOp) and all(is_tensor(v.type) for v in end.operands):
                function.function_type = FunctionType.from_lists(block.arg_types, end.operand_types)
