"""`kernel-prefetch-panels`: while a panel of weights is used, the next one comes into the cache, part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import PrefetchOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.streams import Stream, streams_of, trips
from webdnn.support.index import Index, mod, symbol

LINE = 64
"""The bytes of a line of the cache, on all processors that matter here."""

USES = range(2, 65)
"""How often blocks use a panel where parts pay: with many uses, what the first one waits for is little."""

BURST = 16
"""The lines that are asked for at once where nothing else hides their way: as many as a core waits for together"""

PART, FEW = 4, 4
"""The same where a panel that is here is used meanwhile, in few parts; of many, lines come one by one.

A core computes on while it waits for few lines; of two, eight and sixteen at once, each was slower.
"""


def prefetch_parts(streams: Sequence[Stream], parts: int) -> None:
    """Let each use of a panel bring in one of so many parts of the next panel."""
    first = streams[0]
    following = IndexOp(mod(first.start + first.panel, first.size, range_of))
    Rewriter.insert_op(following, InsertPoint.at_start(first.panels.body.block))
    before = 0
    for stream in streams:
        part = mod(stream.use + before, parts, range_of) * (stream.covered // parts)
        place = symbol(following.result) + part
        if not part.is_constant:
            here = IndexOp(place)
            Rewriter.insert_op(here, InsertPoint.before(stream.sums[-1]))
            place = symbol(here.result)
        if parts <= FEW:
            ask(stream, place, stream.step // parts, PART)
        else:
            ask_always(stream, place, stream.step // parts)
        before += stream.uses


def parts_of(streams: Sequence[Stream]) -> int:
    """In how many parts a panel is brought in; 0 where it is not worth it."""
    uses, step = sum(stream.uses for stream in streams), streams[0].step
    if uses not in USES or not all(s.uses and s.whole and s.start == streams[0].start for s in streams):
        return 0
    parts = max(n for n in (1, 2, 4, 8, 16) if n <= uses and all(stream.step % n == 0 for stream in streams))
    return parts if step // parts * streams[0].element_bytes <= LINE else 0


def prefetch_bursts(stream: Stream) -> None:
    """Ask for the lines that follow those that are used until the next time. A short sum asks for nothing."""
    if stream.covered * stream.element_bytes >= BURST * LINE:
        ask(stream, stream.start, stream.step, BURST, ahead=True)


def ask(stream: Stream, start: Index, step: int, most: int, ahead: bool = False) -> None:
    """Now and then, ask for at most so many lines at once, in order from a place on: `step` elements for an inner trip.

    With `ahead`, what is asked for begins where the next time does.
    """
    size = stream.element_bytes
    shares = [(loop, *stream.trip(loop, start, step)) for loop in stream.sums]
    loop, place, stride = next((s for s in shares if s[2] * trips(s[0]) * size >= most * LINE), shares[-1])
    rest = max(most * LINE // (stride * size), 1)
    count = min(1 << rest.bit_length() - 1, trips(loop))
    burst = count * stride
    place = place + burst if ahead else place
    lines: Sequence[Operation] = [PrefetchOp(stream.read.source, [place + at]) for at in range(0, burst, LINE // size)]
    if ahead or trips(loop) % count:
        lines = guarded(InsideOp([place], [stream.size - burst + 1]), lines)
    if count > 1:
        counter = symbol(loop.body.block.args[0])
        lines = guarded(InsideOp([mod(counter, count, range_of)], [1]), lines)
    Rewriter.insert_op(lines, InsertPoint.at_start(loop.body.block))


def ask_always(stream: Stream, start: Index, step: int) -> None:
    """Ask for an element in each trip of the inner sum, which costs less than to count where there are many."""
    place, _ = stream.trip(stream.sums[0], start, step)
    Rewriter.insert_op(PrefetchOp(stream.read.source, [place]), InsertPoint.at_start(stream.sums[0].body.block))


def guarded(inside: InsideOp, ops: Sequence[Operation]) -> list[Operation]:
    """Operations that run only where an index lies inside."""
    return [inside, scf.IfOp(inside.result, [], Region(Block([*ops, scf.YieldOp()])))]


@dataclass(frozen=True)
class KernelPrefetchPanelsPass(ModulePass):
    """Read some elements of a panel before it is used, so that they are in the cache when their turn comes.

    Weights are read once in a run, from far away, and a block that meets a panel first would wait for each of its
    lines. Lines that are asked for at once come at once, so the sums ask for some of them now and then. Where blocks
    use a panel several times, each use brings in a part of the next one, while it computes (of many parts an element in
    every trip, which needs no counting); the last panel brings in the first. Where a panel is used once, the sum asks
    for what it will read itself, a burst later.

    Before:

        scf.for %p = 0 to 256 {
          scf.for %m = 0 to 8 {
            scf.for %k = 0 to 256 iter_args(…) { … kernel.read %w[%p * 4096 + %k * 16] : …, vector<4xf32> … } } }
        scf.for %p = 0 to 256 {
          scf.for %k = 0 to 256 iter_args(…) { … kernel.read %v[%p * 4096 + %k * 16] : …, vector<4xf32> … } }

    After:

        scf.for %p = 0 to 256 {
          %next = kernel.index [(%p * 4096 + 4096) mod 1048576]
          scf.for %m = 0 to 8 {
            %part = kernel.index [%next + %m * 512]
            scf.for %k = 0 to 256 iter_args(…) {
              %due = kernel.inside [%k mod 32] of [1]
              scf.if %due {
                kernel.prefetch %w[%part + %k * 2]
                … 3 more, each a line further
              }
              … kernel.read %w[%p * 4096 + %k * 16] : …, vector<4xf32> … } } }
        scf.for %p = 0 to 256 {
          scf.for %k = 0 to 256 iter_args(…) {
            %due = kernel.inside [%k mod 16] of [1]
            scf.if %due {
              %within = kernel.inside [%p * 4096 + %k * 16 + 256] of [1048321]
              scf.if %within {
                kernel.prefetch %v[%p * 4096 + %k * 16 + 256]
                … 15 more, each a line further
              }
            }
            … kernel.read %v[%p * 4096 + %k * 16] : …, vector<4xf32> … } }

    Leaves alone: buffers below `bytes`, panels that are used very often or again and again, short sums of panels that
    are used once, and indices that do not go through whole panels. Run after `kernel-lower-blocks`.
    """

    name = "kernel-prefetch-panels"
    stage_before: ClassVar = "loops"
    stage_after: ClassVar = "loops"
    bytes: int = 1 << 17

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                found, read = streams_of(function), Counter[SSAValue]()
                for (_, buffer), streams in found.items():
                    read[buffer] += sum(stream.total for stream in streams)
                for (_, buffer), streams in found.items():
                    if streams[0].size * streams[0].element_bytes < self.bytes:
                        continue
                    if parts := parts_of(streams):
                        prefetch_parts(streams, parts)
                    elif read[buffer] <= streams[0].size:
                        prefetch_bursts(streams[0])
