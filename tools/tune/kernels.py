"""The kernels of models that are worth tuning: those that take a share of the time, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.choice import traits_of
from webdnn.passes.kernel.scheduling.select_schedule import default_plan
from webdnn.passes.kernel.scheduling.signature import signature
from webdnn.passes.kernel.scheduling.work import kernel_nanoseconds
from webdnn.targets.program import Program, runs_of
from webdnn.targets.wasm.variants import Variant
from webdnn.tools.tune.stopwatch import Stopwatch
from webdnn.tools.tune.trial import compute_of

LEAST_SHARE = 0.01
"""Of the time of a model."""

UNSURE = 0.1
"""An estimate may be so far from the time: kernels are timed that are estimated at so much of the least share."""

ROUNDS = 3


@dataclass(frozen=True)
class Candidate:
    """A kernel, how often a run calls it, and the milliseconds that this takes, or is estimated to take."""

    kernel: FuncOp
    launches: int
    milliseconds: float


def worthwhile(watch: Stopwatch, modules: Iterable[ModuleOp]) -> list[Candidate]:
    """The kernels of modules that have a choice and a share of the time of any of them, the longest first."""
    found: dict[str, Candidate] = {}
    for module in modules:
        for candidate in timed(watch, module):
            name = signature(compute_of(candidate.kernel))
            known = found.get(name)
            if known is None or known.milliseconds < candidate.milliseconds:
                found[name] = candidate
    return sorted(found.values(), key=lambda candidate: -candidate.milliseconds)


def timed(watch: Stopwatch, module: ModuleOp) -> Iterator[Candidate]:
    """The kernels of a module with a share of its time, as it is measured for each by itself."""
    kernels = estimated(module, watch.variant)
    total = sum(candidate.milliseconds for candidate in kernels)
    long: list[Candidate] = []
    for candidate in kernels:
        if candidate.milliseconds >= UNSURE * LEAST_SHARE * total:
            plan = default_plan(compute_of(candidate.kernel), watch.variant.scheduled_for)
            (time,) = watch.times(candidate.kernel, [plan], ROUNDS)
            long.append(Candidate(candidate.kernel, candidate.launches, candidate.launches * time))
    total = sum(candidate.milliseconds for candidate in long)
    for candidate in long:
        if candidate.milliseconds >= LEAST_SHARE * total and traits_of(compute_of(candidate.kernel)):
            yield candidate


def estimated(module: ModuleOp, variant: Variant) -> list[Candidate]:
    """Every kernel that a run calls."""
    found: list[Candidate] = []
    counts = Counter(call.kernel for call, _ in runs_of(Program.of(module).launches_of_a_run))
    for kernel, launches in counts.items():
        own = ModuleOp([kernel.clone()])
        tiling, _ = variant.tiling()
        for module_pass in tiling:
            module_pass.apply(Context(), own)
        (tiled,) = own.body.block.ops
        assert isinstance(tiled, FuncOp)
        found.append(Candidate(kernel, launches, launches * kernel_nanoseconds(tiled) / 1e6))
    return found
