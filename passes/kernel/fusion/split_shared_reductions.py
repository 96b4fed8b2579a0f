"""`kernel-split-shared-reductions`: a reduction that many points share becomes a kernel of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.clone import Cloner, hint
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.fusion.inlining import behind
from webdnn.support.index import symbol


def axes_of(value: SSAValue, compute: ComputeOp) -> set[SSAValue]:
    """The axes of the compute that a value of its body depends on."""
    seen, to_see = set[SSAValue](), [value]
    while to_see:
        found = to_see.pop()
        owner = found.owner
        if found not in seen and isinstance(owner, Operation) and isinstance(owner.parent_op(), AxesOp):
            to_see += [operand for inner in owner.walk() for operand in inner.operands]
        seen.add(found)
    return seen & set(compute.axes)


def shared(compute: ComputeOp) -> list[ReduceOp]:
    """The compute's reductions that fewer axes decide than it has, in their order."""
    long = {axis for axis, size in zip(compute.axes, compute.shape, strict=True) if size > 1}
    return [
        op
        for op in compute.body.block.ops
        if isinstance(op, ReduceOp) and len(axes_of(op.result, compute) & long) < len(long)
    ]


def split(compute: ComputeOp, reduce: ReduceOp) -> None:
    """compute(A){… s = reduce(D) …} -> t = compute(D){reduce}; compute(A){… s = read t[D] …}, where D are axes of A."""
    kept = axes_of(reduce.result, compute)
    axes = [axis for axis in compute.axes if axis in kept]
    sizes = [size for axis, size in zip(compute.axes, compute.shape, strict=True) if axis in kept]
    block = Block(arg_types=[INDEX] * len(sizes))
    own = ComputeOp(sizes, Region(block), [TensorType(reduce.result.type, sizes)])
    own.location = compute.location
    hint(block.args, axes)
    cloner = Cloner(by={old: symbol(new) for old, new in zip(axes, block.args, strict=True)})
    cloner.clone_all(behind(reduce.result, compute))
    block.add_ops([*cloner.ops, YieldOp([cloner.value(reduce.result)])])
    Rewriter.insert_op(own, InsertPoint.before(compute))
    Rewriter.replace_op(reduce, ReadOp(own.res[0], [symbol(axis) for axis in axes]))


def drop_dead(ops: Sequence[Operation]) -> None:
    """Erase what nobody uses any more, last first."""
    for op in reversed(ops):
        if op.results and not any(list(r.uses) for r in op.results):
            Rewriter.erase_op(op)


@dataclass(frozen=True)
class KernelSplitSharedReductionsPass(ModulePass):
    """Give every reduction that several points of a compute share a kernel of its own: softmax, normalisation.

    Before:

        %y = kernel.compute (%m = 2, %n = 8) … { %s = kernel.reduce add (%k = 8) … %x[%m, %k] …; %x[%m, %n] / %s }

    After:

        %t = kernel.compute (%m = 2) -> tensor<2xf32> { kernel.reduce add (%k = 8) … %x[%m, %k] … }
        %y = kernel.compute (%m = 2, %n = 8) … { %s = kernel.read %t[%m]; %x[%m, %n] / %s }

    Leaves alone: reductions that depend on every axis of their compute, such as matrix products.
    Run after `kernel-fuse-producers`.
    """

    name = "kernel-split-shared-reductions"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for compute in [o for o in op.walk() if isinstance(o, ComputeOp) and o.res]:
            while found := shared(compute):
                split(compute, found[0])
                body = [o for o in compute.body.block.ops if not isinstance(o, YieldOp)]
                drop_dead(body)
