"""`convert-tensor-layout-to-kernel`: every operator becomes kernels over stored arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import YieldOp
from webdnn.dialects.element import is_tensor, tensor_type
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.tensor_layout import ConvertOp, layout_of, stored_type
from webdnn.lowering.tensor_layout_to_kernel import operators
from webdnn.lowering.tensor_layout_to_kernel.lowering import LOWERINGS, Lowering, kernels_of
from webdnn.support.diagnostic import Diagnostics
from webdnn.support.index import Index

FAMILIES = operators.FAMILIES
"""The operators' modules, which register their kernel forms when they are imported."""


def convert_layout(op: ConvertOp, low: Lowering) -> list[SSAValue]:
    """y[i] = x[i] in logical indices; a view where both layouts store the elements in one order."""
    before, after = tensor_type(op.source), tensor_type(op.result)
    if layout_of(before).essence(before.get_shape()) == layout_of(after).essence(after.get_shape()):
        return [low.reshape(op.source, op.result)]

    def point(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.source, at)

    return low.compute([op.result], point)


def lower(op: Operation, stored: dict[SSAValue, SSAValue]) -> tuple[list[Operation], list[SSAValue]]:
    """The kernels of one operator, and its stored results."""
    if not isinstance(op, ConvertOp):
        return kernels_of(op, stored)
    low = Lowering(stored)
    return low.ops, convert_layout(op, low)


def is_lowered(op: Operation) -> bool:
    return type(op) in LOWERINGS or isinstance(op, ConvertOp | ConstantOp | YieldOp)


def lower_block(block: Block, problems: Diagnostics) -> None:
    """Rewrite a function's body; an operator that has no kernel form is noted."""
    stored: dict[SSAValue, SSAValue] = {}
    arguments = [argument for argument in block.args if is_tensor(argument.type)]  # their types tell the layouts
    for argument in arguments:
        stored[argument] = block.insert_arg(stored_type(tensor_type(argument)), len(block.args))
        stored[argument].name_hint = argument.name_hint
    for op in list(block.ops):
        if isinstance(op, ConstantOp | func.ReturnOp):
            continue
        if foreign := [inner for inner in op.walk() if not is_lowered(inner)]:
            for inner in foreign:
                problems.add(inner, "has no kernel form", hint="express the model without this operator")
            continue
        ops, results = lower(op, stored)
        Rewriter.insert_op(ops, InsertPoint.before(op))
        stored |= zip(op.results, results, strict=True)
    problems.raise_if_any()
    for op in reversed(list(block.ops)):
        if isinstance(op, func.ReturnOp):
            op.operands = [stored.get(v, v) for v in op.operands]
        elif not isinstance(op, ConstantOp) and (type(op) in LOWERINGS or isinstance(op, ConvertOp)):
            Rewriter.erase_op(op, safe_erase=False)
    for argument in arguments:
        block.erase_arg(argument)


@dataclass(frozen=True)
class ConvertTensorLayoutToKernelPass(ModulePass):
    """Give every operator its kernel form, in the layouts that its tensors' types carry.

    Before:

        %y = dnn.relu %x : (tensor<1x4x2x2xf32, #tensor_layout.layout<[0, 2, 3, 1]>>) -> …

    After:

        %y = kernel.compute (%n = 1, %y = 2, %x = 2, %c = 4) -> tensor<1x2x2x4xf32> { … }

    Leaves alone: constants, which `kernel-pack-weights` lays out for their readers. Refuses an operator that has no
    kernel form, naming every such operator of the module. Run after `tensor-layout-assign-layouts`.
    """

    name = "convert-tensor-layout-to-kernel"
    stage_before: ClassVar = "tensor_layout"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        problems = Diagnostics()
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                lower_block(function.body.block, problems)
                inputs = [a.type for a in function.body.block.args]
                returned = function.body.block.last_op
                assert returned is not None
                function.function_type = FunctionType.from_lists(inputs, [v.type for v in returned.operands])
