"""Offsets for blocks with known lives: first fit in a few good orders, then relocation, then annealing of the order."""

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from math import factorial

from webdnn.support.planning.packing import Fit, Packing, load, meetings
from webdnn.support.planning.relocation import pick, relocate
from webdnn.support.planning.storage import Block

_EFFORT = 16_000_000  # conflicts looked at while annealing, at most about eight seconds


@dataclass(frozen=True)
class Assignment:
    """An offset in bytes for each block, the arena's size, its lower bound, and whether no arena can be smaller."""

    offsets: tuple[int, ...]
    arena: int
    bound: int
    proven: bool


def assign(
    blocks: Sequence[Block], alignment: int = 64, steps: int = 8000, hint: Sequence[int] = (), enough: int = 0
) -> Assignment:
    """Place each block at a multiple of `alignment` bytes, so that no two meet.

    Four orders of first fit are tried, after that of `hint` if there is one. Where none reaches the lower bound, every
    order is tried if there are at most `steps`, else blocks of the best are relocated, and then each of these orders
    is annealed in turn, `steps` steps each time; large plans take proportionally fewer. An arena of `enough` bytes need
    not become smaller; one that cannot become so small is not searched for.
    Raises a ValueError for an alignment below one.
    """
    if alignment < 1:
        raise ValueError(f"an alignment of {alignment} bytes is not positive")
    packing = Packing(blocks, alignment, enough)
    given = [list(hint)] if hint else []
    fits = _until_fit(packing, chain(given, _orders(blocks, packing)))
    best = min(fits, key=Fit.rank)
    steps = 0 if 0 < enough < packing.bound else steps
    exhausted = best.excess > 0 and factorial(len(blocks)) <= steps
    if exhausted:
        best = min(_until_fit(packing, map(list, permutations(range(len(blocks))))), key=Fit.rank)
    elif best.excess and steps:
        best = _improved(packing, sorted(fits, key=Fit.rank), steps)
    # A least arena of single parts stays one when each is lowered, lowest first, onto another: that is a first fit.
    exhausted = exhausted and enough <= packing.bound and all(len(block.parts) == 1 for block in blocks)
    arena = max(map(sum, zip(best.offsets, packing.heights, strict=True)), default=0)
    return Assignment(tuple(best.offsets), arena, packing.bound, arena == packing.bound or exhausted)


def verify(blocks: Sequence[Block], offsets: Sequence[int]) -> None:
    """Raise a ValueError that names two blocks that overlap at some time, if there are such, or one below zero."""
    for b, offset in enumerate(offsets):
        if offset < 0:
            raise ValueError(f"block {b} starts below the arena, at {offset}")
    for b, p, c, q in meetings(blocks):
        low, high = offsets[b] + p.offset, offsets[c] + q.offset
        if low < high + q.size and high < low + p.size:
            raise ValueError(
                f"blocks {b} and {c} overlap at time {max(p.start, q.start)}: "
                f"bytes {low} to {low + p.size} and {high} to {high + q.size}"
            )


def _until_fit(packing: Packing, orders: Iterable[list[int]]) -> list[Fit]:
    """First fit in each order, up to the first that reaches the target."""
    fits: list[Fit] = []
    for order in orders:
        fits.append(packing.fit(order))
        if not fits[-1].excess:
            break
    return fits


def _orders(blocks: Sequence[Block], packing: Packing) -> Iterator[list[int]]:
    """Largest first, largest size x life first, most contended first, and what lives at the busiest times first."""
    heights, every = packing.heights, range(len(blocks))
    start = [min((part.start for part in block.parts), default=0) for block in blocks]
    end = [max((part.end for part in block.parts), default=0) for block in blocks]
    area = [h * (e - s) for h, s, e in zip(heights, start, end, strict=True)]
    yield sorted(every, key=lambda b: (-heights[b], start[b]))
    yield sorted(every, key=lambda b: (-area[b], start[b]))
    crowd = [h + sum(heights[c] for c, _, _ in packing.clashes[b]) for b, h in enumerate(heights)]
    yield sorted(every, key=lambda b: (-crowd[b], start[b]))
    alive = load(blocks)
    times = sorted(alive)

    def busiest(block: Block) -> tuple[int, int]:
        spans = (times[bisect_left(times, p.start) : bisect_left(times, p.end)] for p in block.parts)
        return max(((alive[t], t) for span in spans for t in span), default=(0, 0))

    peak = [busiest(block) for block in blocks]
    yield sorted(every, key=lambda b: (-peak[b][0], -peak[b][1], -heights[b], start[b]))


def _improved(packing: Packing, fits: list[Fit], steps: int) -> Fit:
    """By relocation, and if that does not reach the lower bound, by annealing."""
    best = relocate(packing, fits[0], steps, _EFFORT // 4)
    return min(best, _anneal(packing, fits, steps), key=Fit.rank) if best.excess else best


def _anneal(packing: Packing, starts: list[Fit], steps: int) -> Fit:
    """Move a block that is too high before one that was in its way, again and again, from each start in turn."""
    dice = random.Random(0)
    best = starts[0]
    effort = 1 + len(packing.clashes) + sum(map(len, packing.clashes))
    each = min(steps, _EFFORT // effort) // len(starts)
    for start in starts:
        now = start
        for step in range(each):
            b = pick(dice, [b for b in range(len(now.offsets)) if packing.excess(b, now.offsets)])
            place = {c: i for i, c in enumerate(now.order)}
            earlier = [place[c] for c, _, _ in packing.clashes[b] if place[c] < place[b]]
            to = pick(dice, earlier)
            order = [*now.order[:to], b, *(c for c in now.order[to:] if c != b)]
            trial = packing.fit(order, to, now.offsets)
            heat = 0.02 * packing.target * (1 - step / each)
            if trial.total - now.total <= heat * dice.random():
                now = trial
            best = min(best, trial, key=Fit.rank)
            if not best.excess:
                return best
    return best
