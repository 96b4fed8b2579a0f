"""`kernel-prefetch-panels`: while a panel of weights is used, the next one comes into the cache, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of, is_value, range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.index import ZERO, Index, mod, substitute, symbol

LINE = 64
"""The bytes of a line of the cache, on all processors that matter here."""

USES = range(2, 65)
"""How often blocks use a panel where it pays: one use leaves no time to hide it in, and with many it costs little."""


@dataclass(frozen=True)
class Stream:
    """A loop, or nest of loops, that adds up products and reads one panel of a buffer from its start to its end.

    `sums` are the loops of the nest, innermost first; `step` elements are read in each trip. `blocks` are the loops
    around it for which the panel stays the same, innermost first, and `panels` is the one that moves to the next panel,
    of `panel` elements.
    """

    read: ReadOp
    sums: tuple[scf.ForOp, ...]
    blocks: tuple[scf.ForOp, ...]
    panels: scf.ForOp
    panel: int
    step: int

    @property
    def covered(self) -> int:
        """The elements of a panel that the nest reads: all but those of a tail."""
        return self.step * prod(trips(loop) for loop in self.sums)

    @property
    def uses(self) -> int:
        """How often blocks of this stream use a panel."""
        return prod(trips(loop) for loop in self.blocks)

    @property
    def use(self) -> Index:
        """Which of its uses is under way."""
        found = ZERO
        for loop in reversed(self.blocks):
            found = found * trips(loop) + symbol(loop.body.block.args[0])
        return found

    @property
    def start(self) -> Index:
        """Where the panel begins."""
        return substitute(self.read.exprs[0], {loop.body.block.args[0]: ZERO for loop in self.sums}, range_of)


def loops_around(op: Operation) -> list[scf.ForOp]:
    """The loops in which an operation stands, innermost first."""
    found: list[scf.ForOp] = []
    while (op_around := op.parent_op()) is not None:
        if isinstance(op_around, scf.ForOp):
            found.append(op_around)
        op = op_around
    return found


def trips(loop: scf.ForOp) -> int:
    """How often a loop runs; 0 where it is not known."""
    low, high = constant_of(loop.lb), constant_of(loop.ub)
    return 0 if low is None or high is None else high - low


def stream_of(read: ReadOp) -> Stream | None:
    """The stream that a read belongs to, if its index is even and moves through whole panels."""
    (expr,) = read.exprs
    strides = [(loop, expr.coefficient(loop.body.block.args[0])) for loop in loops_around(read)]
    sums = [(loop, stride) for loop, stride in strides if loop.iter_args]
    around = strides[len(sums) :]
    blocks = [loop for loop, _ in around]
    while around and around[0][1] == 0:
        around = around[1:]
    if not sums or not around or sums != strides[: len(sums)]:
        return None
    (panels, panel), step = around[0], sums[0][1]
    if not panel or not step:
        return None
    covered = step
    for loop, stride in sums:
        if stride != covered:
            return None
        covered *= trips(loop)
    found = Stream(
        read, tuple(loop for loop, _ in sums), tuple(blocks[: len(blocks) - len(around)]), panels, panel, step
    )
    whole = [found.start.constant, buffer_type(read.source).get_shape()[0], *found.start.terms.values()]
    owners = [s.owner for s in found.start.symbols if is_value(s)]
    if any(isinstance(owner, Operation) and panels.is_ancestor(owner) for owner in owners):
        return None  # the next panel is where a value of this trip says
    return found if covered <= panel < 2 * covered and not any(n % panel for n in whole) else None


def streams_of(function: FuncOp) -> dict[tuple[scf.ForOp, SSAValue], list[Stream]]:
    """By the loop over panels, and the buffer, the streams that use the same panels: one for each nest of sums."""
    found = dict[tuple[scf.ForOp, SSAValue], list[Stream]]()
    known = set[tuple[Operation | None, SSAValue]]()
    for op in function.walk():
        if isinstance(op, ReadOp) and is_vector(op.result.type) and (op.parent_op(), op.source) not in known:
            if stream := stream_of(op):
                known.add((op.parent_op(), op.source))
                found.setdefault((stream.panels, op.source), []).append(stream)
    return found


def prefetch(streams: Sequence[Stream], parts: int) -> None:
    """Let each use of a panel bring in one of so many parts of the next panel."""
    first = streams[0]
    size = buffer_type(first.read.source).get_shape()[0]
    following = IndexOp(mod(first.start + first.panel, size, range_of))
    Rewriter.insert_op(following, InsertPoint.at_start(first.panels.body.block))
    before = 0
    for stream in streams:
        part = mod(stream.use + before, parts, range_of) * (stream.covered // parts)
        place = symbol(following.result) + part
        if not part.is_constant:
            here = IndexOp(place)
            Rewriter.insert_op(here, InsertPoint.before(stream.sums[-1]))
            place = symbol(here.result)
        within = ZERO
        stride = stream.step // parts
        for loop in stream.sums:
            within = within + symbol(loop.body.block.args[0]) * stride
            stride *= trips(loop)
        inner = stream.sums[0].body.block
        Rewriter.insert_op(PrefetchOp(stream.read.source, [place + within]), InsertPoint.at_start(inner))
        before += stream.uses


def parts_of(streams: Sequence[Stream], least: int) -> int:
    """In how many parts a panel is brought in; 0 where it is not worth it, for buffers of fewer bytes than `least`."""
    uses, step = sum(stream.uses for stream in streams), streams[0].step
    element = element_type(buffer_type(streams[0].read.source)).bytes
    large = buffer_type(streams[0].read.source).get_shape()[0] * element >= least
    if not large or uses not in USES or not all(s.uses and s.start == streams[0].start for s in streams):
        return 0
    parts = max(n for n in (1, 2, 4, 8, 16) if n <= uses and all(stream.step % n == 0 for stream in streams))
    return parts if step // parts * element <= LINE else 0


@dataclass(frozen=True)
class KernelPrefetchPanelsPass(ModulePass):
    """Read one element of the next panel in every trip of a sum, so that the next panel is there when its turn comes.

    Weights are read once in a run, from far away, and a block that meets a panel first would wait for each of its
    lines. The uses of a panel bring in a part of the next one each; the last panel brings in the first.

    Before:

        scf.for %p = 0 to 256 {
          scf.for %m = 0 to 8 {
            scf.for %k = 0 to 256 iter_args(…) { … kernel.read %w[%p * 4096 + %k * 16] : …, vector<4xf32> … } } }

    After:

        scf.for %p = 0 to 256 {
          %next = kernel.index [(%p * 4096 + 4096) mod 1048576]
          scf.for %m = 0 to 8 {
            %part = kernel.index [%next + %m * 512]
            scf.for %k = 0 to 256 iter_args(…) {
              kernel.prefetch %w[%part + %k * 2]
              … kernel.read %w[%p * 4096 + %k * 16] : …, vector<4xf32> … } } }

    Leaves alone: buffers below `bytes`, panels that are used once or very often, and indices that do not go through
    whole panels. Run after `kernel-lower-blocks`.
    """

    name = "kernel-prefetch-panels"
    stage_before: ClassVar = "loops"
    stage_after: ClassVar = "loops"
    bytes: int = 1 << 17

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for streams in streams_of(function).values():
                    if parts := parts_of(streams, self.bytes):
                        prefetch(streams, parts)
