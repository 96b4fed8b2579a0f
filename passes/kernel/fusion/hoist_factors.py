"""`kernel-hoist-factors`: a sum of quotients by one number becomes the quotient of a sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.fusion.fold_initial_values import is_zero
from webdnn.passes.kernel.fusion.inlining import Seen, behind, erase_unread, readers, reads_of, seen
from webdnn.passes.kernel.fusion.split_shared_reductions import axes_of


@dataclass(frozen=True)
class Weighted:
    """A sum of products one of whose factors is read from quotients that `at` has seen."""

    consumer: ComputeOp
    reduce: ReduceOp
    at: Seen
    quotient: arith.DivfOp


def is_exponential(value: SSAValue) -> bool:
    """Is it read from a compute that yields exponentials?"""
    read = value.owner
    if not isinstance(read, ReadOp) or read.outside or not isinstance(read.source.owner, ComputeOp):
        return False
    return any(isinstance(v.owner, math.ExpOp) for v in read.source.owner.yielded)


def weighted(consumer: ComputeOp, reduce: ReduceOp) -> Weighted | None:
    """A sum of products with quotients that are made for it alone, all of a sum by the same number.

    Their numerators are exponentials, so no larger than the number, and the sum cannot overflow before it is divided.
    """
    product = reduce.yielded.owner
    if reduce.kind.data is not ReduceKind.ADD or not is_zero(reduce.init) or not isinstance(product, arith.MulfOp):
        return None
    for factor in product.operands:
        read = factor.owner
        if not isinstance(read, ReadOp) or read.outside or read.parent_op() is not reduce or (at := seen(read)) is None:
            continue
        quotient = at.producer.yielded[at.result].owner
        alone = readers(at.producer) == {consumer} and reads_of(at.producer, consumer) == [read]
        if not alone or not isinstance(quotient, arith.DivfOp) or not is_exponential(quotient.lhs):
            continue
        steps = set(reduce.axes)
        moved = {a for a, e in zip(at.producer.axes, at.exprs, strict=True) if not steps.isdisjoint(e.symbols)}
        if isinstance(quotient.rhs.owner, ReadOp) and moved.isdisjoint(axes_of(quotient.rhs, at.producer)):
            return Weighted(consumer, reduce, at, quotient)
    return None


def hoist(found: Weighted) -> None:
    """reduce add (e[k] / s) * v[k] -> (reduce add e[k] * v[k]) / s."""
    at, reduce = found.at, found.reduce
    by = dict(zip(at.producer.axes, at.exprs, strict=True))
    numerator, denominator = Cloner(by=dict(by)), Cloner(by=dict(by))
    numerator.clone_all(behind(found.quotient.lhs, at.producer))
    denominator.clone_all(behind(found.quotient.rhs, at.producer))
    Rewriter.insert_op(numerator.ops, InsertPoint.before(at.read))
    Rewriter.replace_op(at.read, [], [numerator.value(found.quotient.lhs)])
    whole = arith.DivfOp(reduce.result, denominator.value(found.quotient.rhs))
    Rewriter.insert_op([*denominator.ops, whole], InsertPoint.after(reduce))
    reduce.result.replace_uses_with_if(whole.result, lambda use: use.operation is not whole)
    erase_unread(at.producer, at.views)


def divided_inside(reduce: ReduceOp) -> arith.DivfOp | None:
    """A factor of a sum's terms that each step makes: an exponential, divided by a sum that was made before."""
    product = reduce.yielded.owner
    if reduce.kind.data is not ReduceKind.ADD or not is_zero(reduce.init) or not isinstance(product, arith.MulfOp):
        return None
    for factor in product.operands:
        quotient = factor.owner
        if not isinstance(quotient, arith.DivfOp) or not factor.has_one_use() or quotient.parent is not product.parent:
            continue
        total = quotient.rhs.owner
        if isinstance(quotient.lhs.owner, math.ExpOp) and isinstance(total, ReduceOp) and total.parent is reduce.parent:
            return quotient
    return None


def hoist_inside(reduce: ReduceOp, quotient: arith.DivfOp) -> None:
    """reduce add (e[k] / s) * v[k] -> (reduce add e[k] * v[k]) / s, where each step makes e[k] / s."""
    total = quotient.rhs
    Rewriter.replace_op(quotient, [], [quotient.lhs])
    whole = arith.DivfOp(reduce.result, total)
    Rewriter.insert_op(whole, InsertPoint.after(reduce))
    reduce.result.replace_uses_with_if(whole.result, lambda use: use.operation is not whole)


@dataclass(frozen=True)
class KernelHoistFactorsPass(ModulePass):
    """Divide the context of attention, rather than each of its weights, by the sum of a softmax.

    Before:

        %p = kernel.compute (%m = 8, %k = 8) … { %e[%m, %k] / %s[%m] }
        kernel.compute (%m = 8, %n = 4) … { kernel.reduce add (%k = 8) … { %p[%m, %k] * %v[%k, %n] } }

    After:

        kernel.compute (%m = 8, %n = 4) … { (kernel.reduce add (%k = 8) … { %e[%m, %k] * %v[%k, %n] }) / %s[%m] }

    Also where the steps of the sum make the quotients themselves. Leaves alone: quotients that others read too,
    numerators other than exponentials, whose sum might overflow, and numbers that change from term to term. Run after
    `kernel-split-shared-reductions`, before `kernel-fold-initial-values`, and after `kernel-fuse-repeated`.
    """

    name = "kernel-hoist-factors"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for compute in [o for o in op.walk() if isinstance(o, ComputeOp)]:
            for reduce in list(compute.body.block.ops):
                if not isinstance(reduce, ReduceOp):
                    continue
                if found := weighted(compute, reduce):
                    hoist(found)
                elif quotient := divided_inside(reduce):
                    hoist_inside(reduce, quotient)
