"""Relocation: blocks above the lower bound and some in their way are lifted out and put back, low or high."""

import random
from collections.abc import Sequence

from webdnn.support.planning.packing import UNPLACED, Fit, Packing

_GROUP = 10  # blocks that move at one time, at most
_HEAT = 0.02  # of the lower bound, by which a move may make things worse at first


def relocate(packing: Packing, start: Fit, steps: int, effort: int) -> Fit:
    """The best of what small moves make of a placement, which end at the lower bound.

    A move looks at a few blocks alone, however large the plan is: what annealing of the whole order cannot afford.
    Some blocks have to lie high, which no order of first fit lets them: each is put where it lies lowest or highest.
    `effort` is how many conflicts may be looked at.
    """
    dice = random.Random(0)
    offsets, best = list(start.offsets), start
    high = [b for b in range(len(offsets)) if packing.excess(b, offsets)]
    total = start.total
    for step in range(steps):
        group = _neighbourhood(packing, pick(dice, high), dice)
        effort -= sum(len(packing.clashes[b]) for b in group)
        if effort < 0:
            break
        before = {b: offsets[b] for b in group}
        change = -sum(packing.excess(b, offsets) for b in group)
        _replace(packing, group, offsets, dice)
        change += sum(packing.excess(b, offsets) for b in group)
        if change > _HEAT * packing.target * (1 - step / steps) * dice.random():
            for b, offset in before.items():
                offsets[b] = offset
            continue
        total += change
        high = [b for b in dict.fromkeys([*high, *group]) if packing.excess(b, offsets)]
        if total < best.total:
            best = packing.placed(start.order, list(offsets))
        if not high:
            break
    return best


def _neighbourhood(packing: Packing, b: int, dice: random.Random) -> list[int]:
    """A block and some that are in its way, or in the way of those."""
    group = [b]
    for _ in range(1 + int(dice.random() * _GROUP)):
        clashes = packing.clashes[pick(dice, group)]
        if clashes and (c := clashes[int(dice.random() * len(clashes))][0]) not in group:
            group.append(c)
    first = int(dice.random() * len(group))
    return group[first:] + group[:first]


def _replace(packing: Packing, group: Sequence[int], offsets: list[int], dice: random.Random) -> None:
    """Lift blocks out and put them back one by one."""
    for b in group:
        offsets[b] = UNPLACED
    for b in group:
        top = packing.highest(b, offsets) if dice.random() < 0.5 else None
        offsets[b] = packing.lowest(b, offsets) if top is None else top


def pick(dice: random.Random, among: Sequence[int]) -> int:
    """One of them; only `random()` is the same in every version of Python."""
    return among[int(dice.random() * len(among))]
