"""Offsets for blocks with known lives: first fit in a few good orders, then annealing of the order."""

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, permutations
from math import factorial

from webdnn.support.planning.storage import Block, Part, align

_Clash = tuple[int, int, int]  # (c, low, high) of block b: low < offset[b] - offset[c] < high is forbidden
_UNPLACED = -1
_EFFORT = 16_000_000  # conflicts looked at while annealing, at most about eight seconds


@dataclass(frozen=True)
class Assignment:
    """An offset in bytes for each block, the arena's size, its lower bound, and whether no arena can be smaller."""

    offsets: tuple[int, ...]
    arena: int
    bound: int
    proven: bool


def lower_bound(blocks: Sequence[Block]) -> int:
    """The largest sum of live bytes, and no less than the tallest block: no arena can be smaller."""
    return max([*_load(blocks).values(), *(block.height for block in blocks)], default=0)


def assign(blocks: Sequence[Block], alignment: int = 64, steps: int = 8000, hint: Sequence[int] = ()) -> Assignment:
    """Place each block at a multiple of `alignment` bytes, so that no two meet.

    Four orders of first fit are tried, after that of `hint` if there is one. Where none reaches the lower bound, every
    order is tried if there are at most `steps`, else each of these is annealed in turn, `steps` steps in all; large
    plans take proportionally fewer.
    Raises a ValueError for an alignment below one.
    """
    if alignment < 1:
        raise ValueError(f"an alignment of {alignment} bytes is not positive")
    packing = _Packing(blocks, alignment)
    given = [list(hint)] if hint else []
    fits = _until_fit(packing, chain(given, _orders(blocks, packing)))
    best = min(fits, key=_Fit.rank)
    exhausted = best.excess > 0 and factorial(len(blocks)) <= steps
    if exhausted:
        best = min(_until_fit(packing, map(list, permutations(range(len(blocks))))), key=_Fit.rank)
    elif best.excess:
        best = _anneal(packing, sorted(fits, key=_Fit.rank), steps)
    # A least arena of single parts stays one when each is lowered, lowest first, onto another: that is a first fit.
    proven = best.excess == 0 or (exhausted and all(len(block.parts) == 1 for block in blocks))
    arena = max(map(sum, zip(best.offsets, packing.heights, strict=True)), default=0)
    return Assignment(tuple(best.offsets), arena, packing.target, proven)


def verify(blocks: Sequence[Block], offsets: Sequence[int]) -> None:
    """Raise a ValueError that names two blocks that overlap at some time, if there are such, or one below zero."""
    for b, offset in enumerate(offsets):
        if offset < 0:
            raise ValueError(f"block {b} starts below the arena, at {offset}")
    for b, p, c, q in _meetings(blocks):
        low, high = offsets[b] + p.offset, offsets[c] + q.offset
        if low < high + q.size and high < low + p.size:
            raise ValueError(
                f"blocks {b} and {c} overlap at time {max(p.start, q.start)}: "
                f"bytes {low} to {low + p.size} and {high} to {high + q.size}"
            )


def _load(blocks: Sequence[Block]) -> dict[int, int]:
    """Live bytes from each time at which something is born or dies, by time."""
    changes: dict[int, int] = {}
    for part in (part for block in blocks for part in block.parts):
        changes[part.start] = changes.get(part.start, 0) + part.size
        changes[part.end] = changes.get(part.end, 0) - part.size
    times = sorted(changes)
    return dict(zip(times, accumulate(changes[t] for t in times), strict=True))


def _meetings(blocks: Sequence[Block]) -> Iterator[tuple[int, Part, int, Part]]:
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


class _Fit:
    """An order of the blocks, and what first fit makes of it."""

    def __init__(self, order: list[int], offsets: list[int], over: list[int]) -> None:
        self.order, self.offsets = order, offsets
        self.excess = max(over, default=0)  # bytes above the lower bound
        self.total = sum(over)  # of all blocks above it: this guides the search

    def rank(self) -> tuple[int, int]:
        """Better fits first."""
        return self.excess, self.total


class _Packing:
    """The blocks as first fit sees them: heights, and what each must not meet."""

    def __init__(self, blocks: Sequence[Block], alignment: int) -> None:
        self.alignment, self.target = alignment, lower_bound(blocks)
        self.heights = [block.height for block in blocks]
        self.clashes: list[list[_Clash]] = [[] for _ in blocks]
        for b, p, c, q in _meetings(blocks):
            if b != c:
                low, high = q.offset - p.offset - p.size, q.offset + q.size - p.offset
                self.clashes[b].append((c, low, high))
                self.clashes[c].append((b, -high, -low))

    def fit(self, order: list[int], kept: int = 0, before: Sequence[int] = ()) -> _Fit:
        """Place each block, in turn, as low as those placed earlier allow; the first few keep their offsets."""
        offsets = [_UNPLACED] * len(order)
        for b in order[:kept]:
            offsets[b] = before[b]
        for b in order[kept:]:
            at = 0
            for low, high in sorted(
                (offsets[c] + low, offsets[c] + high) for c, low, high in self.clashes[b] if offsets[c] >= 0
            ):
                if at <= low:
                    break
                if high > at:
                    at = align(high, self.alignment)
            offsets[b] = at
        return _Fit(order, offsets, [max(0, o + h - self.target) for o, h in zip(offsets, self.heights, strict=True)])


def _until_fit(packing: _Packing, orders: Iterable[list[int]]) -> list[_Fit]:
    """First fit in each order, up to the first that reaches the lower bound."""
    fits: list[_Fit] = []
    for order in orders:
        fits.append(packing.fit(order))
        if not fits[-1].excess:
            break
    return fits


def _orders(blocks: Sequence[Block], packing: _Packing) -> Iterator[list[int]]:
    """Largest first, largest size x life first, most contended first, and what lives at the busiest times first."""
    heights, every = packing.heights, range(len(blocks))
    start = [min((part.start for part in block.parts), default=0) for block in blocks]
    end = [max((part.end for part in block.parts), default=0) for block in blocks]
    area = [h * (e - s) for h, s, e in zip(heights, start, end, strict=True)]
    yield sorted(every, key=lambda b: (-heights[b], start[b]))
    yield sorted(every, key=lambda b: (-area[b], start[b]))
    crowd = [h + sum(heights[c] for c, _, _ in packing.clashes[b]) for b, h in enumerate(heights)]
    yield sorted(every, key=lambda b: (-crowd[b], start[b]))
    load = _load(blocks)
    times = sorted(load)

    def busiest(block: Block) -> tuple[int, int]:
        spans = (times[bisect_left(times, p.start) : bisect_left(times, p.end)] for p in block.parts)
        return max(((load[t], t) for span in spans for t in span), default=(0, 0))

    peak = [busiest(block) for block in blocks]
    yield sorted(every, key=lambda b: (-peak[b][0], -peak[b][1], -heights[b], start[b]))


def _anneal(packing: _Packing, starts: list[_Fit], steps: int) -> _Fit:
    """Move a block that is too high before one that was in its way, again and again, from each start in turn."""
    dice = random.Random(0)
    best = starts[0]
    effort = 1 + len(packing.clashes) + sum(map(len, packing.clashes))
    each = min(steps, _EFFORT // effort) // len(starts)
    for start in starts:
        now = start
        for step in range(each):
            high = [b for b, h in enumerate(packing.heights) if now.offsets[b] + h > packing.target]
            b = _pick(dice, high)
            place = {c: i for i, c in enumerate(now.order)}
            earlier = [place[c] for c, _, _ in packing.clashes[b] if place[c] < place[b]]
            to = _pick(dice, earlier)
            order = [*now.order[:to], b, *(c for c in now.order[to:] if c != b)]
            trial = packing.fit(order, to, now.offsets)
            heat = 0.02 * packing.target * (1 - step / each)
            if trial.total - now.total <= heat * dice.random():
                now = trial
            best = min(best, trial, key=_Fit.rank)
            if not best.excess:
                return best
    return best


def _pick(dice: random.Random, among: Sequence[int]) -> int:
    """One of them; only `random()` is the same in every version of Python."""
    return among[int(dice.random() * len(among))]
