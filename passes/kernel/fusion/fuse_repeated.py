"""`kernel-fuse-repeated`: computes that are cheaper to repeat in the kernels that read them than to launch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import ClassVar, TypeGuard

from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.passes.dnn.rewriting import fused_location
from webdnn.passes.kernel.fusion.fuse_producers import breaks_vectors
from webdnn.passes.kernel.fusion.inlining import (
    between_kernels,
    erase_unread,
    has_reduction,
    inline,
    is_long,
    readers,
    reads_in,
    seen,
)
from webdnn.passes.kernel.fusion.invocation_cost import operations, traffic, written
from webdnn.support.device import LAUNCH_TRAFFIC

DIVISIONS = (arith.DivUIOp, arith.RemUIOp, arith.DivSIOp, arith.RemSIOp)
"""What takes integers of few bits apart. WebGL has to make them of floats, so they stay out of the steps of sums."""


def inside(op: Operation, block: Block) -> bool:
    """Does an operation need an axis or a value of a block?"""
    operands = (operand for inner in op.walk() for operand in inner.operands)
    return any(o.owner is block or (isinstance(o.owner, Operation) and o.owner.parent is block) for o in operands)


def hoist(op: Operation) -> None:
    """Put an operation before the reductions around it that it does not depend on."""
    while isinstance(reduce := op.parent_op(), ReduceOp) and not inside(op, reduce.body.block):
        op.detach()
        Rewriter.insert_op(op, InsertPoint.before(reduce))


def is_step(read: ReadOp) -> bool:
    """Does each step of a reduction read another element?"""
    return isinstance(reduce := read.parent_op(), ReduceOp) and inside(read, reduce.body.block)


def hoist_all(block: Block) -> None:
    """The same for all that reductions of a body hold."""
    for op in list(block.ops):
        for region in op.regions:
            hoist_all(region.block)
        if not isinstance(op, YieldOp):
            hoist(op)


def merge_equal(reads: Sequence[ReadOp]) -> list[ReadOp]:
    """Reads in their order, of which equal ones become one."""
    kept: list[ReadOp] = []
    for read in reads:
        for other in kept:
            alike = other.source is read.source and other.outside is read.outside and other.exprs == read.exprs
            if alike and other.parent is read.parent:
                Rewriter.replace_op(read, [], [other.result])
                break
        else:
            kept.append(read)
    return kept


def reads_of(producer: ComputeOp, consumer: ComputeOp) -> list[ReadOp]:
    """The reads of one compute that lead to the results of another, also those that cannot be inlined."""
    return [read for read in reads_in(consumer) if origin(read.source) is producer]


def origin(value: SSAValue) -> Operation | Block:
    """What made a value, reshapes aside."""
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.source
    return value.owner


def loaded(ops: Iterable[Operation]) -> set[Operation]:
    """What is made of constants alone, so that it is computed once, when the model is loaded."""
    found: set[Operation] = set()
    for op in ops:
        sources = [read.source for read in reads_in(op)] if isinstance(op, ComputeOp) else op.operands
        known = all(isinstance(source.owner, Operation) and source.owner in found for source in sources)
        if isinstance(op, ConstantOp) or (known and isinstance(op, ComputeOp | ConcatOp | ReshapeOp)):
            found.add(op)
    return found


@dataclass(frozen=True)
class Trial:
    """Kernels that read others, and copies of them that compute for themselves what they read of those."""

    copies: Mapping[ComputeOp, ComputeOp]
    before: float
    moved: int
    producers: list[ComputeOp] = field(default_factory=list[ComputeOp])

    @classmethod
    def of(cls, found: Sequence[ComputeOp]) -> Trial:
        copies = {reader: reader.clone() for reader in found}
        for reader, copy in copies.items():
            copy.location = reader.location
            Rewriter.insert_op(copy, InsertPoint.before(reader))
            hoist_all(copy.body.block)
        return cls(copies, sum(map(operations, copies.values())), sum(map(traffic, copies.values())))

    def take_over(self, producer: ComputeOp, once: bool) -> bool:
        """Let the copies compute what they read of one more, in one place where it may be only `once`.

        False where that cannot be, or where a reduction, or a division of integers, would be in another's steps.
        """
        reduces, places = has_reduction(producer), 0
        divides = any(isinstance(op, DIVISIONS) for op in producer.walk())
        for copy in self.copies.values():
            for read in reads_of(producer, copy):
                hoist(read)
            for read in merge_equal(reads_of(producer, copy)):
                at, places = seen(read, tested=True), places + 1
                if at is None or (once and places > 1) or ((reduces or divides) and read.parent_op() is not copy):
                    return False
                inline(at)
            copy.location = fused_location(producer, copy)
            hoist_all(copy.body.block)
        self.producers.append(producer)
        return True

    @property
    def debt(self) -> float:
        """Operations that the copies take more."""
        return sum(map(operations, self.copies.values())) - self.before - sum(map(operations, self.producers))

    @property
    def spared(self) -> int:
        """Bytes that the producers no longer write, or all that are moved less, if these are more."""
        before = self.moved + sum(map(traffic, self.producers))
        return max(sum(map(written, self.producers)), before - sum(map(traffic, self.copies.values())))

    @property
    def inputs(self) -> int:
        """The most buffers that a copy reads."""
        return max(len({read.source for read in reads_in(copy)}) for copy in self.copies.values())

    def keep(self) -> None:
        for reader, copy in self.copies.items():
            for old, new in zip(reader.res, copy.res, strict=True):
                new.name_hint = old.name_hint
            Rewriter.replace_op(reader, [], copy.res)
        for producer in self.producers:
            erase_unread(producer, views_of(producer))

    def drop(self) -> None:
        for copy in self.copies.values():
            Rewriter.erase_op(copy)


def views_of(producer: ComputeOp) -> list[ReshapeOp]:
    """The reshapes of what a compute gives, the last of a chain first."""
    found, pending = list[ReshapeOp](), list[SSAValue](producer.res)
    while pending:
        views = [use.operation for use in pending.pop().uses if isinstance(use.operation, ReshapeOp)]
        found += views
        pending += [view.result for view in views]
    return found[::-1]


@dataclass(frozen=True)
class Policy:
    """What sparing a launch may cost, in operations and in buffers of a kernel, and what is spared already.

    `loading` are the operations that run once, when the model is loaded.
    """

    launch: int
    max_inputs: int
    loading: Set[Operation]

    def multiplies_weights(self, op: ComputeOp) -> bool:
        """Do steps of a sum read constants? Each place that does so may want them in another order, as a copy."""
        return any(is_step(read) and origin(read.source) in self.loading for read in reads_in(op))

    def may_vanish(self, op: Operation | Block) -> TypeGuard[ComputeOp]:
        """Is this a compute all of whose readers may compute for themselves what it gives?"""
        if not isinstance(op, ComputeOp) or op.parent is None or op.inset or op in self.loading:
            return False
        found = [r for r in readers(op) if isinstance(r, ComputeOp) and r.parent is op.parent and not r.inset]
        if not found or len(found) < len(readers(op)):
            return False
        steps = [(read, reader) for reader in found for read in reads_of(op, reader) if is_step(read)]
        if has_reduction(op):
            return not steps
        return not any((at := seen(read, tested=True)) and breaks_vectors(at, reader) for read, reader in steps)

    def worth(self, producer: ComputeOp) -> float:
        """The most operations that sparing a kernel is worth, with what it reads and writes and others read again."""
        return self.launch * (1 + (traffic(producer) + written(producer)) / LAUNCH_TRAFFIC)

    def gain(self, trial: Trial) -> float:
        """Operations that the launches and the bytes are worth that a trial spares."""
        return self.launch * (len(trial.producers) + trial.spared / LAUNCH_TRAFFIC)

    def next_producer(self, trial: Trial) -> ComputeOp | None:
        """A compute that only the copies and what they took over read."""
        known = {*trial.copies, *trial.copies.values(), *trial.producers}
        sources = [origin(read.source) for copy in trial.copies.values() for read in reads_in(copy)]
        return next((op for op in sources if self.may_vanish(op) and known >= readers(op)), None)

    def pays(self, producer: ComputeOp) -> Trial | None:
        """The kernels that read a compute without it, and perhaps without what it reads, where that is cheaper."""
        found = [r for r in readers(producer) if isinstance(r, ComputeOp)]
        if any(is_long(producer, reader) for reader in found):
            return None
        trial = Trial.of(found)
        taken: ComputeOp | None = producer
        while taken and trial.take_over(taken, self.multiplies_weights(taken)):
            if trial.inputs <= self.max_inputs and trial.debt <= self.gain(trial):
                return trial
            taken = self.next_producer(trial)
            if taken and trial.debt > self.gain(trial) + self.worth(taken):
                break
        trial.drop()
        return None


def fuse(block: Block, launch: int, max_inputs: int) -> None:
    """One backward sweep, so that what a reader takes over is looked at as its own next."""
    ops = list(between_kernels(block))
    policy = Policy(launch, max_inputs, loaded(ops))
    for producer in reversed(ops):
        if policy.may_vanish(producer) and (trial := policy.pays(producer)):
            trial.keep()


@dataclass(frozen=True)
class KernelFuseRepeatedPass(ModulePass):
    """Compute again in each reader what costs less than a launch: statistics, scales, softmax before a product.

    Before:

        %s = kernel.compute (%m = 8) -> tensor<8xf32> { kernel.reduce add (%k = 64) … %x[%m, %k] … }
        %y = kernel.compute (%m = 8, %n = 64) … { … kernel.read %s[%m] … }

    After:

        %y = kernel.compute (%m = 8, %n = 64) … { %s = kernel.reduce add (%k = 64) … %x[%m, %k] … }

    A launch is worth `launch` operations, and so is a mebibyte that is neither written nor read. Invocations compute
    four neighbours, which share what they have in common; what does not depend on the steps of a reduction is
    computed before it.

    Leaves alone: what the caller or a concatenation takes, what is computed once when the model is loaded, reductions
    that each step of another would repeat, and readers that would bind more than `max-inputs` buffers.
    Run after `kernel-split-shared-reductions` and `kernel-fold-initial-values`.
    """

    name = "kernel-fuse-repeated"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    launch: int = 1 << 24
    max_inputs: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                for launch in (0, self.launch):  # what costs nothing first
                    fuse(function.body.block, launch, self.max_inputs)
