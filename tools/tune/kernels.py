"""The kernels of models that are worth tuning: those that take a share of the time, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.signature import signature
from webdnn.passes.kernel.work import block_nanoseconds
from webdnn.targets.program import Program, runs_of
from webdnn.targets.wasm.bundle import Variant
from webdnn.tools.tune.trial import compute_of

LEAST_SHARE = 0.01
"""Of the time of a model, as it is estimated."""


@dataclass(frozen=True)
class Candidate:
    """A kernel, how often a run calls it, and the nanoseconds that this is estimated to take."""

    kernel: FuncOp
    launches: int
    estimate: float


def worthwhile(modules: Iterable[ModuleOp], variant: Variant) -> list[Candidate]:
    """The kernels of modules of kernels with a share of the time of any of them, the longest first."""
    found: dict[str, Candidate] = {}
    for module in modules:
        kernels = list(estimated(module, variant))
        total = sum(candidate.estimate for candidate in kernels)
        for candidate in kernels:
            name = signature(compute_of(candidate.kernel))
            known = found.get(name)
            if candidate.estimate >= LEAST_SHARE * total and (known is None or known.estimate < candidate.estimate):
                found[name] = candidate
    return sorted(found.values(), key=lambda candidate: -candidate.estimate)


def estimated(module: ModuleOp, variant: Variant) -> Iterator[Candidate]:
    """Every kernel that a run calls."""
    counts = Counter(call.kernel for call, _ in runs_of(Program.of(module).launches_of_a_run))
    for kernel, launches in counts.items():
        own = ModuleOp([kernel.clone()])
        for module_pass in variant.tiling():
            module_pass.apply(Context(), own)
        (tiled,) = own.body.block.ops
        assert isinstance(tiled, FuncOp)
        yield Candidate(kernel, launches, launches * block_nanoseconds(tiled.body.block))
