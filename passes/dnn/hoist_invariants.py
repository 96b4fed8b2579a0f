"""`dnn-hoist-invariants`: what every step of a loop computes alike is computed once, before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, plain
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp
from webdnn.dialects.element import tensor_type
from webdnn.passes.dnn.rewriting import bodies


def invariants(loop: LoopOp) -> list[Operation]:
    """The operators of a step on captured values and constants alone; constants themselves stay with their readers."""
    block, found = loop.body.block, list[Operation]()
    alike = set[SSAValue](block.args[1 + len(loop.inits) :])
    for op in loop.step_ops:
        if isinstance(op, ConstantOp):
            alike.add(op.output)
        elif isinstance(op, DnnOp) and op.operands and op.has_trait(Pure) and alike.issuperset(op.operands):
            alike.update(op.results)
            found.append(op)
    return found


def outside(loop: LoopOp, moved: list[Operation]) -> Mapping[SSAValue, SSAValue]:
    """Operators in front of the loop for those that are moved: what each of their results is there."""
    values = dict[SSAValue, SSAValue](zip(loop.body.block.args[1:], loop.operands, strict=True))
    for op in moved:
        for operand in dict.fromkeys(op.operands):
            if operand not in values:
                assert isinstance(operand.owner, ConstantOp)
                constant = operand.owner.clone()
                Rewriter.insert_op(constant, InsertPoint.before(loop))
                values[operand] = constant.output
        clone = op.clone(values)
        clone.location = op.location
        for result, new in zip(op.results, clone.results, strict=True):
            values[result], new.name_hint = new, result.name_hint
        Rewriter.insert_op(clone, InsertPoint.before(loop))
    return values


def hoist(loop: LoopOp) -> None:
    """Move operators out of a loop, which captures what its steps read of them."""
    moved = invariants(loop)
    if not moved:
        return
    values, block, captured = outside(loop, moved), loop.body.block, list(loop.captured)
    for op in reversed(moved):
        for result in op.results:
            if result.first_use is not None:
                captured.append(values[result])
                argument = block.insert_arg(plain(tensor_type(result)), len(block.args))
                argument.name_hint = result.name_hint
                result.replace_all_uses_with(argument)
        Rewriter.erase_op(op)
    first = 1 + len(loop.inits)
    for i in reversed(range(len(captured))):
        if block.args[first + i].first_use is None:
            block.erase_arg(block.args[first + i])
            del captured[i]
    new = LoopOp(loop.steps, loop.inits, captured, loop.detach_region(0))
    new.location = loop.location
    Rewriter.replace_op(loop, new)


@dataclass(frozen=True)
class DnnHoistInvariantsPass(ModulePass):
    """Compute in front of a loop what its steps compute of captured values and constants alone.

    Before:

        %y = dnn.loop (%t = 9) carried (%h = %0 : tensor<4xf32>) captured (%u = %x : tensor<4xf32>) {
          %v = dnn.tanh %u : (tensor<4xf32>) -> tensor<4xf32>
          %next = dnn.add %h, %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          dnn.yield %next : tensor<4xf32>
        }

    After:

        %v = dnn.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
        %y = dnn.loop (%t = 9) carried (%h = %0 : tensor<4xf32>) captured (%u = %v : tensor<4xf32>) {
          %next = dnn.add %h, %u : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          dnn.yield %next : tensor<4xf32>
        }

    Leaves alone: what depends on the step or on what it carries; constants, which have no cost. Run after
    `dnn-compress-weights`, whose decoding it moves, and after passes that look for operators beside one another.
    """

    name = "dnn-hoist-invariants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        loops = [inner for block in bodies(op) for inner in block.ops if isinstance(inner, LoopOp)]
        for loop in reversed(loops):  # those inside others first: what leaves one may leave the next
            hoist(loop)
