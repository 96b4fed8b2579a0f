"""`kernel-fuse-scores`: a sum weighed by a softmax computes its scores in its own steps, and each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f32
from xdsl.ir import Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.attributes import ReduceKind, UnrollAttr
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.passes.dnn.rewriting import fused_location
from webdnn.passes.kernel.fusion.fold_initial_values import is_zero
from webdnn.passes.kernel.fusion.fuse_repeated import Policy, Trial, loaded
from webdnn.passes.kernel.fusion.inlining import (
    behind,
    between_kernels,
    has_reduction,
    inline,
    readers,
    reads_in,
    reads_of,
    seen,
)
from webdnn.passes.kernel.fusion.invocation_cost import neighbours, time
from webdnn.passes.kernel.fusion.stage_repeated import same
from webdnn.support.index import symbol

LEAST = -3.4028234663852886e38
"""The least finite f32. A maximum that starts there, rather than at -inf, can be subtracted from scores of -inf."""

TOGETHER = 4
"""Scores for which what was summed so far is scaled once."""

ROW = 32
"""A row of a factor of so many elements is read once, before the steps, and stays in registers."""


@dataclass(frozen=True)
class Softmax:
    """(sum of exp(score - top) * value) / (sum of exp(score - top)), where `top` is the greatest score.

    `exponential` and `value` are factors of the terms of `weighed`; without a value these are exponentials alone.
    """

    top: ReduceOp
    total: ReduceOp
    weighed: ReduceOp
    quotient: arith.DivfOp
    exponential: math.ExpOp
    value: SSAValue | None

    @property
    def score(self) -> SSAValue:
        less = self.exponential.operand.owner
        assert isinstance(less, arith.SubfOp)
        return less.lhs


def plain_sum(value: SSAValue) -> ReduceOp | None:
    """A sum from zero over one axis of f32, of which this is the only use."""
    owner = value.owner
    if not isinstance(owner, ReduceOp) or owner.kind.data is not ReduceKind.ADD or not is_zero(owner.init):
        return None
    return owner if len(owner.shape) == 1 and owner.result.type == f32 and value.has_one_use() else None


def factors(term: SSAValue) -> tuple[math.ExpOp, SSAValue | None] | None:
    """The exponential that a term is or has as a factor, and the other factor."""
    owner = term.owner
    if isinstance(owner, math.ExpOp):
        return owner, None
    if isinstance(owner, arith.MulfOp):
        for one, other in (owner.operands, reversed(owner.operands)):
            if isinstance(one.owner, math.ExpOp) and one.owner.parent is owner.parent:
                return one.owner, other
    return None


def greatest(exponential: math.ExpOp) -> ReduceOp | None:
    """The maximum that exp(score - maximum) subtracts, from -inf over one axis."""
    less = exponential.operand.owner
    if not isinstance(less, arith.SubfOp) or not isinstance(top := less.rhs.owner, ReduceOp):
        return None
    start = top.init.owner
    if not isinstance(start, arith.ConstantOp) or not isinstance(start.value, FloatAttr):
        return None
    known = top.kind.data is ReduceKind.MAX and start.value.value.data == -inf
    return top if known and len(top.shape) == 1 else None


def softmax_of(quotient: Operation) -> Softmax | None:
    """A quotient of two sums over the same exponentials, whose maximum serves them alone."""
    if not isinstance(quotient, arith.DivfOp):
        return None
    weighed, total = plain_sum(quotient.lhs), plain_sum(quotient.rhs)
    if weighed is None or total is None or weighed.parent is not total.parent:
        return None
    found, plain = factors(weighed.yielded), total.yielded.owner
    if found is None or not isinstance(plain, math.ExpOp) or (top := greatest(plain)) is None:
        return None
    if found[0].parent is not weighed.body.block or plain.parent is not total.body.block:
        return None
    softmax = Softmax(top, total, weighed, quotient, *found)
    if top.parent is not total.parent or len(list(top.result.uses)) != 2 or greatest(found[0]) is not top:
        return None
    by_total, by_top = ({op.axes[0]: symbol(weighed.axes[0])} for op in (total, top))
    score, plain_score = softmax.score, plain.operand.owner
    assert isinstance(plain_score, arith.SubfOp)
    equal = same(score, plain_score.lhs, by_total) and same(score, top.yielded, by_top)
    return softmax if equal and top.shape == total.shape == weighed.shape else None


def fold(softmax: Softmax) -> FoldOp:
    """One pass over scores and values: what was summed is scaled whenever a score is the greatest so far.

    m' = max(m, s), c = exp(m - m'), t' = t * c + exp(s - m'), w' = w * c + exp(s - m') * v
    """
    weighed, (steps,) = softmax.weighed, softmax.weighed.shape
    count = next(n for n in range(min(TOGETHER, steps), 0, -1) if steps % n == 0)
    before = Body()
    inits = [before.constant(LEAST), before.constant(0), before.constant(0)]
    block = FoldOp.block_for(inits)
    new = FoldOp(steps // count, inits, Region(block))
    for argument, name in zip(block.args, (weighed.axes[0].name_hint, "top", "total", "weighed"), strict=True):
        argument.name_hint = name
    top, total, sum_ = new.carried
    body, scores, values = Body(), list[SSAValue](), list[SSAValue | None]()
    for i in range(count):
        cloner = Cloner(by={weighed.axes[0]: symbol(new.axes[0]) * count + i})
        needed = [*behind(softmax.score, weighed), *(behind(softmax.value, weighed) if softmax.value else ())]
        cloner.clone_all(op for op in weighed.body.block.ops if op in needed)
        body.ops += cloner.ops
        scores.append(cloner.value(softmax.score))
        values.append(cloner.value(softmax.value) if softmax.value else None)
    greatest_so_far = top
    for score in scores:
        greatest_so_far = body.maximum(greatest_so_far, score)
    scale = body.exp(body.minus(top, greatest_so_far))
    total, sum_ = body.times(total, scale), body.times(sum_, scale)
    for score, value in zip(scores, values, strict=True):
        part = body.exp(body.minus(score, greatest_so_far))
        total = body.plus(total, part)
        sum_ = body.plus(sum_, part if value is None else body.times(part, value))
    block.add_ops([*body.ops, YieldOp([greatest_so_far, total, sum_])])
    Rewriter.insert_op([*before.ops, new], InsertPoint.before(weighed))
    Rewriter.replace_op(softmax.quotient, arith.DivfOp(new.res[2], new.res[1]))
    for reduce in (weighed, softmax.total, softmax.top):
        Rewriter.erase_op(reduce)
    return new


def scores_behind(top: ReduceOp, policy: Policy, consumers: set[Operation]) -> list[ComputeOp]:
    """The kernels of sums of which scores are made that these kernels alone read; a maximum reads nothing else."""
    found: list[ComputeOp] = []
    for read in reads_in(top):
        at = seen(read)
        if at is None or at.producer in found or not has_reduction(at.producer):
            continue
        alone = readers(at.producer) <= consumers and all(at.producer.parent is c.parent for c in consumers)
        if alone and at.producer not in policy.loading:
            found.append(at.producer)
    return found


def take_over(copy: ComputeOp, new: FoldOp, producer: ComputeOp) -> bool:
    """Let the steps compute what they read; False where others of the kernel read it too."""
    for read in reads_in(new):
        if (at := seen(read)) and at.producer is producer:
            inline(at)
    copy.location = fused_location(producer, copy)
    return not reads_of(producer, copy)


def keep_rows(new: FoldOp) -> None:
    """Unroll short sums in the steps, so that factors which do not change from step to step are read before them."""
    for op in new.body.block.ops:
        if isinstance(op, ReduceOp) and len(op.shape) == 1 and op.shape[0] <= ROW:
            op.unroll = UnrollAttr.of(op.shape)


def fuse(compute: ComputeOp, policy: Policy, most: int) -> None:
    """Compute scores in the steps of the softmax that reads them, where that costs less than what it spares."""
    trial = Trial.of([compute])
    (copy,) = trial.copies.values()
    softmax = next(filter(None, map(softmax_of, copy.body.block.ops)))
    producers = scores_behind(softmax.top, policy, {compute, copy})
    new = fold(softmax)
    done = [take_over(copy, new, producer) for producer in producers]
    keep_rows(new)
    before = sum(map(time, [compute, *producers]))
    debt = time(copy, neighbours(copy, most)) - before
    if all(done) and done and trial.inputs <= policy.max_inputs and debt <= sum(map(policy.worth, producers)):
        trial.producers.extend(producers)
        trial.keep()
    else:
        trial.drop()


@dataclass(frozen=True)
class KernelFuseScoresPass(ModulePass):
    """Make attention one kernel: its softmax is computed as its scores are, with a maximum and sums so far.

    Before:

        %s = kernel.compute (%m = 8, %k = 16) -> tensor<8x16xf32> { kernel.reduce add … %q[%m, %d] … %k[%k, %d] … }
        %y = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
          %top = kernel.reduce max (%k = 16) … { %s[%m, %k] }
          %sum = kernel.reduce add (%k = 16) … { exp(%s[%m, %k] - %top) }
          %all = kernel.reduce add (%k = 16) … { exp(%s[%m, %k] - %top) * %v[%k, %n] }
          %all / %sum }

    After:

        %y = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
          %top, %sum, %all = kernel.fold (%k = 4) carried (…) { … kernel.reduce add … %q[%m, %d] … %k[%k * 4, %d] … }
          %all / %sum }

    Every invocation computes the scores of its row again, so it computes more neighbours, `neighbours` at most. What
    that costs is weighed against a launch, which is worth `launch` operations, and the traffic of the scores; few
    invocations take as long as many. Where all scores are -inf the quotient is that of zeros, NaN as before.

    Leaves alone: scores that others read, softmaxes whose maximum or sum others read, and kernels that would bind more
    than `max-inputs` buffers. Run after `kernel-fuse-repeated` and `kernel-hoist-factors`.
    """

    name = "kernel-fuse-scores"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    launch: int = 1 << 24
    max_inputs: int = 64
    neighbours: int = 4

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            ops = list(between_kernels(function.body.block))
            policy = Policy(self.launch, self.max_inputs, loaded(ops))
            for compute in ops:
                if isinstance(compute, ComputeOp) and any(map(softmax_of, compute.body.block.ops)):
                    fuse(compute, policy, self.neighbours)
