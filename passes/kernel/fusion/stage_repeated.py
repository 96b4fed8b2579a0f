"""`kernel-stage-repeated`: a dear value that points and a reduction over them make is made once, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, f32, f64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import AccessOp, ReadOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import Cloner, hint
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.fusion.fuse_producers import is_dear
from webdnn.passes.kernel.fusion.inlining import behind
from webdnn.passes.kernel.fusion.split_shared_reductions import axes_of, drop_dead
from webdnn.support.index import Index, substitute, symbol


@dataclass(frozen=True)
class Repeated:
    """A value of a compute's points, and the reduction that yields it for all points along an axis."""

    compute: ComputeOp
    value: SSAValue
    reduce: ReduceOp
    axis: int


def same(value: SSAValue, other: SSAValue, by: Mapping[SSAValue, Index]) -> bool:
    """Is `value` what `other` is, once its axes are replaced?"""
    if value is other:
        return True
    owner, model = value.owner, other.owner
    if isinstance(owner, Block) or isinstance(model, Block) or type(owner) is not type(model) or owner.regions:
        return False
    if isinstance(owner, AccessOp) and isinstance(model, AccessOp):
        if not isinstance(owner, ReadOp) or not isinstance(model, ReadOp) or owner.outside or model.outside:
            return False
        return owner.source is model.source and owner.exprs == [substitute(e, by, range_of) for e in model.exprs]
    alike = owner.properties == model.properties and owner.attributes == model.attributes
    return alike and all(same(a, b, by) for a, b in zip(owner.operands, model.operands, strict=True))


def find(compute: ComputeOp) -> Repeated | None:
    """The first dear value of a compute that one of its reductions makes again."""
    ops = list(compute.body.block.ops)
    for reduce in ops:
        if not isinstance(reduce, ReduceOp) or len(reduce.shape) != 1 or not is_dear(reduce):
            continue
        shared = axes_of(reduce.result, compute)
        for i, axis in enumerate(compute.axes):
            if compute.shape[i] != reduce.shape[0] or axis in shared:
                continue
            by = {reduce.axes[0]: symbol(axis)}
            for op in ops:
                if op.results and op.results[0].type in (f32, f64) and same(op.results[0], reduce.yielded, by):
                    return Repeated(compute, op.results[0], reduce, i)
    return None


def stage(found: Repeated) -> None:
    """compute(A){… v … s = reduce(k){v[k]}} -> t = compute(A){v}; compute(A){… t[A] … s = reduce(k){t[A, k]}}."""
    compute, reduce = found.compute, found.reduce
    block = Block(arg_types=[INDEX] * len(compute.shape))
    hint(block.args, compute.axes)
    cloner = Cloner(by={old: symbol(new) for old, new in zip(compute.axes, block.args, strict=True)})
    cloner.clone_all(behind(found.value, compute))
    block.add_ops([*cloner.ops, YieldOp([cloner.value(found.value)])])
    own = ComputeOp(compute.shape, Region(block), [TensorType(found.value.type, compute.shape)])
    own.location = compute.location
    own.res[0].name_hint = compute.res[0].name_hint
    Rewriter.insert_op(own, InsertPoint.before(compute))
    here = [symbol(axis) for axis in compute.axes]
    there = [symbol(reduce.axes[0]) if i == found.axis else e for i, e in enumerate(here)]
    replace(found.value, ReadOp(own.res[0], here))
    replace(reduce.yielded, ReadOp(own.res[0], there))
    drop_dead([o for o in reduce.body.block.ops if not isinstance(o, YieldOp)])
    drop_dead([o for o in compute.body.block.ops if not isinstance(o, YieldOp)])


def replace(value: SSAValue, read: ReadOp) -> None:
    """Let what uses a value use a read of it."""
    owner = value.owner
    assert isinstance(owner, Operation)
    Rewriter.insert_op(read, InsertPoint.before(owner))
    value.replace_all_uses_with(read.result)


@dataclass(frozen=True)
class KernelStageRepeatedPass(ModulePass):
    """Compute exponentials and their like once where a softmax needs them twice: in its sum and in its quotient.

    Before:

        %y = kernel.compute (%m = 2, %n = 8) … {
          %s = kernel.reduce add (%k = 8) … { … math.exp of %x[%m, %k] … }
          … (math.exp of %x[%m, %n]) / %s … }

    After:

        %e = kernel.compute (%m = 2, %n = 8) … { … math.exp of %x[%m, %n] … }
        %y = kernel.compute (%m = 2, %n = 8) … {
          %s = kernel.reduce add (%k = 8) … { … %e[%m, %k] … }
          … %e[%m, %n] / %s … }

    Leaves alone: what is no dearer than reading it, and reductions of what no point of the compute makes.
    Run after `kernel-fuse-producers`, before `kernel-split-shared-reductions`.
    """

    name = "kernel-stage-repeated"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for compute in [o for o in op.walk() if isinstance(o, ComputeOp) and len(o.res) == 1 and not o.inset]:
            while found := find(compute):
                stage(found)
