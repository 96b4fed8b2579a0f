"""`tensor-layout-assign-layouts`: one choice of layouts for the whole function, and the conversions it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp, known_values
from webdnn.dialects.element import shape_of
from webdnn.dialects.tensor_layout import ConvertOp, layout_of, with_layout
from webdnn.passes.tensor_layout.layout_candidates import candidates
from webdnn.passes.tensor_layout.layout_costs import conversion_cost
from webdnn.passes.tensor_layout.layout_options import options
from webdnn.passes.tensor_layout.layout_rules import variables
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.device import DEVICES, DeviceModel
from webdnn.support.diagnostic import DiagnosticError, fail
from webdnn.support.planning.layouts import LayoutOp, LayoutProblem, solve


def drop_conversions(block: Block) -> None:
    """Read what earlier conversions read: the choice starts afresh."""
    for op in list(block.ops):
        if isinstance(op, ConvertOp):
            op.result.replace_all_uses_with(op.source)
            Rewriter.erase_op(op)


def operators(block: Block) -> list[Operation]:
    """The operators whose layouts are to be chosen. Raises DiagnosticError for what is none.

    What is made of constants alone is row-major: like them it is packed for its readers.
    """
    inner = [op for op in block.ops if not isinstance(op, ConstantOp | func.ReturnOp)]
    for op in inner:
        if not isinstance(op, DnnOp):
            fail(op, "has no layouts to choose from", hint="run this pass before the lowering to kernels")
    known = known_values(block)
    return [op for op in inner if not (op.results and known.issuperset(op.results))]


def returned_by(block: Block) -> func.ReturnOp:
    end = block.last_op
    assert isinstance(end, func.ReturnOp), "a function ends in func.return"
    return end


def pose(block: Block, values: Sequence[SSAValue], device: DeviceModel, choose: bool) -> LayoutProblem[AxisLayout]:
    """The function as the solver sees it: constants are no values, arguments and results are as the caller's."""
    place = {value: i for i, value in enumerate(values)}
    held = dict.fromkeys([*block.args, *(value for value in returned_by(block).operands if value in place)])
    ops = operators(block)
    known = candidates(values, held, ops if choose else (), device)
    return LayoutProblem(
        tuple(tuple(known.of[value]) for value in values),
        {place[value]: device.caller_layout(len(shape_of(value))) for value in held},
        tuple(
            LayoutOp(
                tuple(place[op.operands[i]] for i in variables(op, place)),
                tuple(place[result] for result in op.results),
                options(op, known, device),
            )
            for op in ops
        ),
        tuple(conversion_cost(value, known.of[value], device) for value in values),
    )


def lay_out(value: SSAValue, layout: AxisLayout) -> SSAValue:
    return Rewriter.replace_value_with_new_type(value, with_layout(value.type, layout))


def unify_results(op: Operation) -> None:
    """Results that are stored alike get one spelling of their layout: one kernel writes all of them."""
    shape, layout = shape_of(op.results[0]), layout_of(op.results[0].type)
    for result in list(op.results[1:]):
        if shape_of(result) == shape and layout_of(result.type).essence(shape) == layout.essence(shape):
            lay_out(result, layout)


class Versions:
    """Values in other layouts: one conversion for each, right behind the value."""

    def __init__(self) -> None:
        self.made: dict[tuple[SSAValue, AxisLayout], SSAValue] = {}

    def get(self, value: SSAValue, layout: AxisLayout) -> SSAValue:
        if (value, layout) not in self.made:
            convert = ConvertOp(value, layout)
            convert.result.name_hint = value.name_hint
            if isinstance(value.owner, Operation):
                convert.location = value.owner.location
            Rewriter.insert_op(convert, behind(value))
            self.made[value, layout] = convert.result
        return self.made[value, layout]


def behind(value: SSAValue) -> InsertPoint:
    if isinstance(value, BlockArgument):
        return InsertPoint.at_start(value.block)
    assert isinstance(value.owner, Operation)
    return InsertPoint.after(value.owner)


def assign(function: func.FuncOp, device: DeviceModel, choose: bool) -> None:
    """Choose, and write the choice into types and conversions."""
    block = function.body.block
    drop_conversions(block)
    ops = operators(block)
    values = [*block.args, *(result for op in ops for result in op.results)]
    laid_out = {*values}
    operands = [variables(op, laid_out) for op in ops]
    problem = pose(block, values, device, choose)
    choice = solve(problem)
    for value, chosen in zip(values, choice.values, strict=True):
        lay_out(value, chosen.produced)
    for op in ops:
        unify_results(op)
    versions = Versions()
    for op, places, described, i in zip(ops, operands, problem.ops, choice.options, strict=True):
        for at, layout in zip(places, described.options[i].inputs, strict=True):
            value = op.operands[at]
            if layout.essence(shape_of(value)) != layout_of(value.type).essence(shape_of(value)):
                op.operands[at] = versions.get(value, layout)
    end = returned_by(block)
    for at, value in enumerate(end.operands):
        layout = device.caller_layout(len(shape_of(value)))
        if value.type != with_layout(value.type, layout):
            end.operands[at] = versions.get(value, layout)
    function.update_function_type()


def device_named(name: str) -> DeviceModel:
    if name not in DEVICES:
        raise DiagnosticError(f"unknown target '{name}'", hint=f"known targets: {', '.join(sorted(DEVICES))}")
    return DEVICES[name]


@dataclass(frozen=True)
class TensorLayoutAssignLayoutsPass(ModulePass):
    """Choose the layout of every value so that operators and conversions together cost least on the target.

    Before:

        %0 = dnn.conv %x, %w … : (tensor<1x3x8x8xf32>, …) -> tensor<1x8x8x8xf32>
        %1 = dnn.relu %0 : …
        func.return %1

    After:

        %0 = dnn.conv %x, %w … : (…) -> tensor<1x8x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
        %1 = dnn.relu %0 : …                          // in the same layout
        %2 = tensor_layout.convert %1 : … -> tensor<1x8x8x8xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
        func.return %2

    Leaves alone: constants, which take any layout for free. Arguments and results of the function stay row-major, as
    the runner holds them on the target. Without `choose`, all values are row-major. Run after
    `convert-dnn-to-tensor-layout`.
    """

    name = "tensor-layout-assign-layouts"
    target: str = "wasm"
    choose: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        device = device_named(self.target)
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                assign(function, device, self.choose)
