"""`kernel-share-loops`: kernels that take long compute one chunk of their loops, so that threads may share them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.affine import AxesOp, constant_of, range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp
from webdnn.passes.kernel.scheduling.work import kernel_nanoseconds
from webdnn.support.index import Index, floordiv, symbol


def body_around(op: Operation) -> Operation:
    """The outermost compute or reduction in which an access stands."""
    while isinstance(parent := op.parent_op(), AxesOp):
        op = parent
    return op


def writes(op: Operation) -> dict[SSAValue, set[tuple[Operation, Sequence[Index]]]]:
    """The buffers that an operation writes, with the bodies that do and at which indices."""
    found: dict[SSAValue, set[tuple[Operation, Sequence[Index]]]] = {}
    for inner in op.walk():
        if isinstance(inner, WriteOp):
            found.setdefault(inner.target, set()).add((body_around(inner), tuple(inner.exprs)))
    return found


def independent(block: Block) -> bool:
    """May the loops and computes of a block run in any order?

    They may where none reads what another writes: pieces of one compute that works in place read only what they
    overwrite at that very point.
    """
    written = {op: writes(op) for op in block.ops}
    writers = Counter(buffer for buffers in written.values() for buffer in buffers)
    for op, own in written.items():
        for read in op.walk():
            if not isinstance(read, ReadOp) or writers[read.source] == (read.source in own):
                continue  # nobody writes it, or this operation alone
            if (body_around(read), tuple(read.exprs)) not in own.get(read.source, ()):
                return False
    return True


def trips(loop: scf.ForOp) -> int:
    """How often the loop runs."""
    count = constant_of(loop.ub)
    assert count, "kernel loops run a known number of times"
    return count


def most_trips(block: Block) -> int:
    """Of all loops of a block that may be shared, the trips of the longest."""
    loops = [op for op in block.ops if isinstance(op, scf.ForOp)]
    return max((max(trips(op), inner_trips(op)) for op in loops), default=1)


def inner_trips(loop: scf.ForOp) -> int:
    """The trips of the longest loop inside that may be shared in place of this one."""
    body = loop.body.block
    return most_trips(body) if independent(body) else 1


def power_of_two(number: float) -> int:
    """The largest that is no larger."""
    return 1 << max(0, int(number).bit_length() - 1)


@dataclass
class Sharing:
    """One kernel whose loops are being cut in `chunks`; `made` goes to the start of the function."""

    chunks: int
    made: list[Operation] = field(default_factory=list[Operation])
    bounds: dict[int, tuple[SSAValue, SSAValue]] = field(default_factory=dict[int, tuple[SSAValue, SSAValue]])

    def run(self, block: Block) -> None:
        chunk = self.add(IdOp(self.chunks, "chunk"))
        self.block(block, chunk)
        Rewriter.insert_op(self.made, InsertPoint.at_start(block))

    def add(self, op: Operation) -> SSAValue:
        self.made.append(op)
        return op.results[0]

    def block(self, block: Block, chunk: SSAValue) -> None:
        for op in list(block.ops):
            if isinstance(op, scf.ForOp):
                self.loop(op, chunk)
            elif isinstance(op, ComputeOp):
                guard(op, *self.part(1, chunk))

    def loop(self, loop: scf.ForOp, chunk: SSAValue) -> None:
        """The outermost loop with a trip for every chunk is shared; where none has, the longest."""
        count = trips(loop)
        if count < self.chunks and inner_trips(loop) > count:
            self.block(loop.body.block, chunk)
            return
        low, high = self.part(count, chunk)
        loop.operands[0], loop.operands[1] = low, high
        if count < self.chunks:
            guard(loop, low, high)

    def part(self, count: int, chunk: SSAValue) -> tuple[SSAValue, SSAValue]:
        """Of so many trips those of this chunk, from and to; with few trips, it is the first chunks that have none."""
        if count not in self.bounds:
            low, high = (self.floor(symbol(chunk) * count + offset) for offset in (0, count))
            self.bounds[count] = low, high
        return self.bounds[count]

    def floor(self, trips: Index) -> SSAValue:
        return self.add(IndexOp(floordiv(trips, self.chunks, range_of)))


def guard(op: Operation, low: SSAValue, high: SSAValue) -> None:
    """Let an operation run only where low < high."""
    some = arith.CmpiOp(low, high, "slt")
    body = Block()
    Rewriter.insert_op([some, scf.IfOp(some, [], Region(body))], InsertPoint.before(op))
    op.detach()
    body.add_ops([op, scf.YieldOp()])


@dataclass(frozen=True)
class KernelShareLoopsPass(ModulePass):
    """Let a kernel compute one of `chunks` parts, which threads may take in any order; short kernels stay whole.

    A chunk takes `nanoseconds` or longer, and a kernel of fewer than two chunks is left alone. Each nest of loops is
    shared along the outermost loop that has a trip for every chunk. What stands in no loop belongs to the last chunk.

    Before:

        scf.for %mo = 0 to 31 { kernel.compute (%m = 6, %n = 8) … }

    After:

        %chunk = kernel.id "chunk" of 16
        %low = kernel.index [(%chunk * 31) floordiv 16]
        %high = kernel.index [(%chunk * 31 + 31) floordiv 16]
        scf.for %mo = %low to %high { kernel.compute (%m = 6, %n = 8) … }

    Leaves alone: short kernels, kernels without loops, and those whose loops read what others write. Run after
    `kernel-tile`.
    """

    name = "kernel-share-loops"
    stage_before: ClassVar = "blocks"
    stage_after: ClassVar = "blocks"
    chunks: int = 16
    nanoseconds: int = 3_000

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp) and (count := self.chunks_of(function)) > 1:
                Sharing(count).run(function.body.block)

    def chunks_of(self, kernel: FuncOp) -> int:
        """As many as its work is worth, if it may be shared, and no more than twice its trips."""
        block = kernel.body.block
        worth = power_of_two(min(self.chunks, kernel_nanoseconds(kernel) / self.nanoseconds))
        if worth == 1 or not independent(block):
            return 1
        longest = most_trips(block)
        return min(worth, power_of_two(2 * longest - 1)) if longest > 1 else 1
