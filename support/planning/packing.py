"""Blocks as first fit sees them, and the least arena that their lives allow."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

from webdnn.support.planning.storage import Block, Part, align

Clash = tuple[int, int, int]
"""(c, low, high) of block b: low < offset[b] - offset[c] < high is forbidden."""

UNPLACED = -1


def lower_bound(blocks: Sequence[Block]) -> int:
    """The largest sum of live bytes, and no less than the tallest block: no arena can be smaller."""
    return max([*load(blocks).values(), *(block.height for block in blocks)], default=0)


def load(blocks: Sequence[Block]) -> dict[int, int]:
    """Live bytes from each time at which something is born or dies, by time."""
    changes: dict[int, int] = {}
    for part in (part for block in blocks for part in block.parts):
        changes[part.start] = changes.get(part.start, 0) + part.size
        changes[part.end] = changes.get(part.end, 0) - part.size
    times = sorted(changes)
    return dict(zip(times, accumulate(changes[t] for t in times), strict=True))


def meetings(blocks: Sequence[Block]) -> Iterator[tuple[int, Part, int, Part]]:
    """Each two parts that live at one time, with their blocks, found by a sweep over time."""
    births = sorted(
        ((part.start, b, part) for b, block in enumerate(blocks) for part in block.parts if part.size),
        key=lambda birth: birth[:2],
    )
    live: list[tuple[int, Part]] = []
    for start, b, part in births:
        if part.end == start:
            continue
        live = [(c, other) for c, other in live if other.end > start]
        yield from ((b, part, c, other) for c, other in live)
        live.append((b, part))


def distances(blocks: Sequence[Block]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Between which distances of two blocks parts of them meet, as few spans as say it."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for b, p, c, q in meetings(blocks):
        if b < c:
            found.setdefault((b, c), []).append((q.offset - p.offset - p.size, q.offset + q.size - p.offset))
        elif c < b:
            found.setdefault((c, b), []).append((p.offset - q.offset - q.size, p.offset + p.size - q.offset))
    return {pair: list(joined(sorted(spans))) for pair, spans in found.items()}


def joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Open spans, sorted, with those that overlap as one; where two only touch, the place between them stays free."""
    last: tuple[int, int] | None = None
    for low, high in spans:
        if last and low < last[1]:
            last = last[0], max(last[1], high)
            continue
        if last:
            yield last
        last = low, high
    if last:
        yield last


class Fit:
    """An order of the blocks, and what first fit makes of it."""

    def __init__(self, order: list[int], offsets: list[int], over: list[int]) -> None:
        self.order, self.offsets = order, offsets
        self.excess = max(over, default=0)  # bytes above the lower bound
        self.total = sum(over)  # of all blocks above it: this guides the search

    def rank(self) -> tuple[int, int]:
        """Better fits first."""
        return self.excess, self.total


class Packing:
    """The blocks as first fit sees them: heights, and what each must not meet."""

    def __init__(self, blocks: Sequence[Block], alignment: int, enough: int = 0) -> None:
        self.alignment, self.bound = alignment, lower_bound(blocks)
        self.target = max(self.bound, enough)
        self.heights = [block.height for block in blocks]
        self.clashes: list[list[Clash]] = [[] for _ in blocks]
        for (b, c), spans in distances(blocks).items():
            self.clashes[b] += [(c, low, high) for low, high in spans]
            self.clashes[c] += [(b, -high, -low) for low, high in spans]

    def forbidden(self, b: int, offsets: Sequence[int]) -> Iterable[tuple[int, int]]:
        """Between which offsets a block would meet one that is placed: each (low, high), where both are free."""
        return ((offsets[c] + low, offsets[c] + high) for c, low, high in self.clashes[b] if offsets[c] != UNPLACED)

    def lowest(self, b: int, offsets: Sequence[int]) -> int:
        """The lowest offset of a block that those placed allow."""
        at = 0
        for low, high in sorted(self.forbidden(b, offsets)):
            if at <= low:
                break
            if high > at:
                at = align(high, self.alignment)
        return at

    def highest(self, b: int, offsets: Sequence[int]) -> int | None:
        """The highest offset of a block below the lower bound, if those placed allow any."""
        at = self.target - self.heights[b]
        for low, high in sorted(self.forbidden(b, offsets), key=itemgetter(1), reverse=True):
            at -= at % self.alignment
            if at >= high:
                break
            at = min(at, low)
        at -= at % self.alignment
        return at if at >= 0 else None

    def excess(self, b: int, offsets: Sequence[int]) -> int:
        """Bytes of a block above the lower bound."""
        return max(0, offsets[b] + self.heights[b] - self.target)

    def placed(self, order: list[int], offsets: list[int]) -> Fit:
        """Offsets of all blocks, which came about in this order."""
        return Fit(order, offsets, [self.excess(b, offsets) for b in range(len(offsets))])

    def fit(self, order: list[int], kept: int = 0, before: Sequence[int] = ()) -> Fit:
        """Place each block, in turn, as low as those placed earlier allow; the first few keep their offsets."""
        offsets = [UNPLACED] * len(order)
        for b in order[:kept]:
            offsets[b] = before[b]
        for b in order[kept:]:
            offsets[b] = self.lowest(b, offsets)
        return self.placed(order, offsets)
