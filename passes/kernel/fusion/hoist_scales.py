"""`kernel-hoist-scales`: what every term of a sum is multiplied by multiplies the sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.structure import ReduceOp
from webdnn.passes.kernel.fusion.fold_initial_values import is_zero


@dataclass(frozen=True)
class Factor:
    """A product inside a sum, of which one operand is a constant's element that is the same in every term."""

    product: arith.MulfOp
    read: ReadOp
    other: SSAValue


def is_same_everywhere(read: ReadOp, reduce: ReduceOp) -> bool:
    """Does a read of a constant, made by the body of a sum, use none of the sum's axes?"""
    if not isinstance(read.source.owner, ConstantOp) or read.outside or read.parent is not reduce.body.block:
        return False
    return not any(isinstance(i.owner, Block) and i.owner is reduce.body.block for i in read.indices) and not any(
        isinstance(i.owner, Operation) for i in read.indices
    )


def factor_of(value: SSAValue, reduce: ReduceOp) -> Factor | None:
    """The first such product among those that the terms are: (a · b) · c."""
    op = value.owner
    if not isinstance(op, arith.MulfOp) or op.parent is not reduce.body.block or not value.has_one_use():
        return None
    for one, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        if isinstance(one.owner, ReadOp) and one.has_one_use() and is_same_everywhere(one.owner, reduce):
            return Factor(op, one.owner, other)
    return factor_of(op.lhs, reduce) or factor_of(op.rhs, reduce)


def hoist(reduce: ReduceOp) -> bool:
    """reduce add (c · f) from i -> i + c · reduce add f from 0, where c is the same in all terms."""
    if reduce.kind.data is not ReduceKind.ADD:
        return False
    factor = factor_of(reduce.yielded, reduce)
    if factor is None or factor.product.result is reduce.yielded:
        return False
    Rewriter.replace_op(factor.product, [], [factor.other])
    factor.read.detach()
    body, init = Body(), reduce.init
    Rewriter.insert_op(factor.read, InsertPoint.before(reduce))
    if not is_zero(init):
        zero = Body()
        reduce.operands[0] = zero.constant(0, init.type)
        Rewriter.insert_op(zero.ops, InsertPoint.before(reduce))
    uses = list(reduce.result.uses)
    scaled = body.times(reduce.result, factor.read.result)
    total = scaled if is_zero(init) else body.plus(scaled, init)
    Rewriter.insert_op(body.ops, InsertPoint.after(reduce))
    for use in uses:
        use.operation.operands[use.index] = total
    return True


@dataclass(frozen=True)
class KernelHoistScalesPass(ModulePass):
    """Multiply a sum, instead of each of its terms, by an element of a constant that is the same in all of them.

    So the scale of a compressed weight costs one product for each result. Sums are rounded otherwise.

    Before:

        %s = kernel.reduce add (%k = 64) from %zero : f32 { … %w = arith.mulf %q, %scale; arith.mulf %x, %w … }

    After:

        %t = kernel.reduce add (%k = 64) from %zero : f32 { … arith.mulf %x, %q … }
        %s = arith.mulf %t, %scale : f32

    Leaves alone: factors that the axes of the sum decide, that were computed or are read elsewhere too, and terms that
    are nothing but such a product. Run after `kernel-fuse-producers` and before `kernel-fold-initial-values`.
    """

    name = "kernel-hoist-scales"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for reduce in [o for o in op.walk() if isinstance(o, ReduceOp)]:
            hoist(reduce)
