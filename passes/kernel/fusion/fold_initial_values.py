"""`kernel-fold-initial-values`: what is added to a sum becomes where the sum starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.behind import values_behind
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp


def is_zero(value: SSAValue) -> bool:
    owner = value.owner
    return (
        isinstance(owner, arith.ConstantOp)
        and isinstance(owner.value, FloatAttr | IntegerAttr)
        and owner.value.value.data == 0
    )


def depends_on(value: SSAValue, op: Operation) -> bool:
    return any(found.owner is op for found in values_behind(value))


def made_after(value: SSAValue, op: Operation) -> list[Operation]:
    """The operations behind `value` that come after `op` in its block, in their order."""
    behind, found, following = {v.owner for v in values_behind(value)}, list[Operation](), op.next_op
    while following is not None:
        if following in behind:
            found.append(following)
        following = following.next_op
    return found


def fold(reduce: ReduceOp) -> bool:
    """reduce add f from 0, + b -> reduce add f from b, when b is at hand: a value read or known, not another sum."""
    uses = list(reduce.result.uses)
    if reduce.kind.data is not ReduceKind.ADD or not is_zero(reduce.init) or len(uses) != 1:
        return False
    add = uses[0].operation
    if not isinstance(add, arith.AddfOp | arith.AddiOp) or add.parent is not reduce.parent:
        return False
    other = add.rhs if add.lhs is reduce.result else add.lhs
    if not isinstance(other.owner, ReadOp | arith.ConstantOp) or depends_on(other, reduce):
        return False
    for op in made_after(other, reduce):
        op.detach()
        Rewriter.insert_op(op, InsertPoint.before(reduce))
    reduce.operands[0] = other
    Rewriter.replace_op(add, [], [reduce.result])
    return True


@dataclass(frozen=True)
class KernelFoldInitialValuesPass(ModulePass):
    """Start a sum from the value that is added to it: a bias costs nothing, one addition is reassociated.

    Before:

        %s = kernel.reduce add (%k = 64) from %zero : f32 { … }
        %b = kernel.read %bias[%n] : tensor<8xf32>
        %r = arith.addf %s, %b : f32

    After:

        %b = kernel.read %bias[%n] : tensor<8xf32>
        %r = kernel.reduce add (%k = 64) from %b : f32 { … }

    Leaves alone: sums that are used twice, that start elsewhere than at zero, or that are added to something computed.
    Run after `kernel-fuse-producers`.
    """

    name = "kernel-fold-initial-values"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for reduce in [o for o in op.walk() if isinstance(o, ReduceOp)]:
            if isinstance(reduce.parent_op(), ComputeOp):
                fold(reduce)
