"""The search for a better schedule of a kernel: all shapes of blocks, variations of the best, a second measurement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.scheduling.choice import choose, traits_of
from webdnn.passes.kernel.scheduling.fit import misfit
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.select_schedule import default_plan
from webdnn.passes.kernel.scheduling.signature import signature
from webdnn.support.scheduling.blocks import Block
from webdnn.support.scheduling.candidates import shapes, variations
from webdnn.support.scheduling.table import Features
from webdnn.tools.tune.stopwatch import Stopwatch
from webdnn.tools.tune.trial import compute_of

MARGIN = 0.03
"""The part of the time that a schedule must save, in two measurements: less is noise."""

ROUNDS, SURE_ROUNDS = 7, 25
BEST = 3
"""How many of the fastest are varied, and measured again."""


@dataclass(frozen=True)
class Tuned:
    """What was found for a kernel: milliseconds of a call as the table has it, and with the best plan."""

    signature: str
    default: float
    best: float
    plan: Plan
    tried: int
    adopted: bool

    @property
    def gain(self) -> float:
        """The part of the time that is saved."""
        return 1 - self.best / self.default


def candidates(compute: ComputeOp, features: Features) -> list[Block]:
    """Blocks of all shapes for a kernel."""
    traits = traits_of(compute)
    return shapes(traits, features) if traits else []


def plans_of(compute: ComputeOp, blocks: Iterable[Block], known: Iterable[Plan]) -> dict[Plan, Block]:
    """The plans of blocks, each once, without those that are known and those that do not fit."""
    found: dict[Plan, Block] = {}
    for block in blocks:
        plan = plan_of(compute, block)
        if plan not in found and plan not in known and misfit(compute, plan) is None:
            found[plan] = block
    return found


def plan_of(compute: ComputeOp, block: Block) -> Plan:
    """The plan that a block gives a kernel."""
    return choose(compute, lambda _: block)


def tuned(watch: Stopwatch, kernel: FuncOp, features: Features) -> Tuned:
    """Search the best plan of a kernel."""
    compute = compute_of(kernel)
    default = default_plan(compute, features)
    known: dict[Plan, Block | None] = {default: None, **plans_of(compute, candidates(compute, features), [default])}
    ranked = ranking(watch, kernel, list(known))
    around = [other for plan in ranked[:BEST] if (block := known[plan]) for other in variations(block)]
    if more := plans_of(compute, around, known):
        known |= more
        ranked = ranking(watch, kernel, [default, *(plan for plan in ranked[: 2 * BEST] if plan != default), *more])
    finalists = [default, *(plan for plan in ranked[:BEST] if plan != default)]
    first = watch.times(kernel, finalists, SURE_ROUNDS)
    best = min(range(len(finalists)), key=lambda i: first[i])
    again = watch.times(kernel, [default, finalists[best]], SURE_ROUNDS)
    saves = all(found <= (1 - MARGIN) * before for found, before in ((first[best], first[0]), (again[1], again[0])))
    return Tuned(signature(compute), again[0], again[1], finalists[best], len(known), best > 0 and saves)


def ranking(watch: Stopwatch, kernel: FuncOp, plans: Sequence[Plan]) -> list[Plan]:
    """The plans, the fastest first."""
    times = dict(zip(plans, watch.times(kernel, plans, ROUNDS), strict=True))
    return sorted(plans, key=lambda plan: times[plan])
