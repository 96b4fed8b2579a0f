"""The table of built-in choices measured anew: for each class, the block that is best on all its representatives."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import geometric_mean

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.choice import traits_of
from webdnn.passes.kernel.scheduling.fit import misfit
from webdnn.passes.kernel.scheduling.select_schedule import builtin_table
from webdnn.support.scheduling.blocks import Block, Traits
from webdnn.support.scheduling.candidates import shapes, variations
from webdnn.support.scheduling.table import Features, KernelClass, Table
from webdnn.targets.wasm.variants import Variant
from webdnn.tools.bench.table import Table as Printed
from webdnn.tools.bench.table import spell_number
from webdnn.tools.compiler import wasm_kernels
from webdnn.tools.tune.kernels import estimated
from webdnn.tools.tune.representatives import REPRESENTATIVES, Representative
from webdnn.tools.tune.search import MARGIN, ROUNDS, SURE_ROUNDS, plan_of
from webdnn.tools.tune.stopwatch import Stopwatch
from webdnn.tools.tune.trial import compute_of

Tell = Callable[[str], None]
Measured = Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """The kernel of a representative."""

    kernel: FuncOp
    traits: Traits


@dataclass(frozen=True)
class Finding:
    """What was found for a class: how many kernels, the blocks before and after, and the mean ratio of their times."""

    of: KernelClass
    kernels: int
    before: Block
    after: Block
    ratio: float


def measure_builtin(watch: Stopwatch, where: Measured, path: Path, budget: float, tell: Tell) -> int:
    """Measure the classes of the table for some seconds, and write it to a file with what is faster."""
    deadline = time.monotonic() + budget
    table, features = builtin_table(), watch.variant.scheduled_for
    subjects = [subject_of(it, watch.scratch / "representative.onnx", watch.variant) for it in REPRESENTATIVES]
    groups: dict[int, list[Subject]] = {}
    for subject in subjects:
        found = table.class_of(subject.traits)
        groups.setdefault(-1 if found is None else table.classes.index(found), []).append(subject)
    classes, findings = list(table.classes), list[Finding]()
    for i, members in groups.items():
        if i >= 0 and time.monotonic() > deadline:
            tell(f"the budget is spent: {classes[i].spelled()} stays as it is")
        elif i >= 0:
            finding = best_block(watch, classes[i], members, features)
            classes[i] = replace(classes[i], blocks={**classes[i].blocks, features: finding.after})
            findings.append(finding)
            tell(f"{classes[i].spelled()}: {finding.after}")
    measured = {**table.measured, features: ", ".join(where.values())}
    path.write_text(Table(measured, tuple(classes)).text())
    print(*printed(findings, features).text(), sep="\n")
    return 0


def subject_of(representative: Representative, path: Path, variant: Variant) -> Subject:
    """The longest kernel of the kind that is meant."""
    module = wasm_kernels(representative.write(path), {}, {})
    for candidate in sorted(estimated(module, variant), key=lambda candidate: -candidate.milliseconds):
        traits = traits_of(compute_of(candidate.kernel))
        if traits and traits.kind == representative.kind:
            return Subject(candidate.kernel, traits)
    raise AssertionError(f"{representative} has no such kernel")


def best_block(watch: Stopwatch, of: KernelClass, members: Sequence[Subject], features: Features) -> Finding:
    """The block that is best on the mean of all members, if it saves enough in two measurements."""
    before = of.blocks[features]
    ratios = compared(watch, members, before, shapes(members[0].traits, features), ROUNDS)
    best = min(ratios, key=lambda block: ratios[block])
    ratios |= compared(watch, members, before, [best, *variations(best)], ROUNDS)
    after = min(ratios, key=lambda block: ratios[block])
    first, again = (compared(watch, members, before, [after], SURE_ROUNDS)[after] for _ in range(2))
    worst = max(first, again)
    return Finding(of, len(members), before, after if worst <= 1 - MARGIN else before, worst)


def compared(
    watch: Stopwatch, members: Sequence[Subject], before: Block, blocks: Sequence[Block], rounds: int
) -> dict[Block, float]:
    """The mean ratio of the time with each block to that with the one before, of those that fit all members."""
    ratios: dict[Block, list[float]] = {before: [1.0]}
    for member in members:
        compute = compute_of(member.kernel)
        plans = {block: plan_of(compute, block) for block in (before, *blocks)}
        plans = {block: plan for block, plan in plans.items() if misfit(compute, plan) is None}
        distinct = list(dict.fromkeys(plans.values()))
        times = dict(zip(distinct, watch.times(member.kernel, distinct, rounds), strict=True))
        for block, plan in plans.items():
            ratios.setdefault(block, []).append(times[plan] / times[plans[before]])
    whole = {block: found for block, found in ratios.items() if block == before or len(found) == len(members)}
    return {block: geometric_mean(found) for block, found in whole.items()}


def printed(findings: Sequence[Finding], features: Features) -> Printed:
    """The classes, and what was found for each."""
    rows = [
        [
            it.of.spelled(),
            str(it.kernels),
            spell_number(it.ratio),
            str(it.after),
            "" if it.after == it.before else "new",
        ]
        for it in findings
    ]
    heads = ["class", "kernels", "time of the best / before", "block", ""]
    return Printed(f"Built-in choices ({features})", heads, rows, range(1, 3))
