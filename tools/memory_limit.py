"""A limit of memory is kept: plans may need less and less, until what is placed fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from xdsl.dialects.builtin import ModuleOp

from webdnn.passes.kernel.assign_offsets import ARENA_BYTES
from webdnn.passes.kernel.split_rows import PLANNED_PEAK
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.backends import Backend
from webdnn.tools.summary import noted

TRIES = 12
"""Plans, each of a lower peak than the one before, that are placed before a limit is given up."""

Modules = Mapping[str, ModuleOp]


def within_memory(backend: Backend, lower: Callable[[Backend], Modules]) -> Modules:
    """What a backend is lowered to within its limit of memory. Raises DiagnosticError.

    Where it holds anyway nothing changes. A plan tells how many bytes live at a time; to place them may take more. Then
    the next plan on the way down is tried, which does more work twice.
    """
    limit = backend.kernels.memory
    assert limit is not None
    if limit:
        modules = lower(replace(backend, kernels=replace(backend.kernels, memory=None)))
        if arena_of(modules) <= limit:
            return modules
    budget, reached = limit, list[int]()
    for _ in range(TRIES):
        try:
            modules = lower(with_budget(backend, budget))
        except DiagnosticError as error:
            if reached:
                break
            least = lower(with_budget(backend, 0))  # placed in parts, it may take less than was planned
            if arena_of(least) <= limit:
                return least
            raise possible(error, arena_of(least)) from error
        arena = arena_of(modules)
        if not limit or arena <= limit:
            return modules
        reached.append(arena)
        budget = noted(first(modules), PLANNED_PEAK) - 1
    raise DiagnosticError(
        f"the values of a run take {min(reached)} bytes at least where they are placed, more than the limit of {limit}",
        hint=f"write --memory-limit {min(reached)}, or more, or least",
    )


def with_budget(backend: Backend, budget: int) -> Backend:
    return replace(backend, kernels=replace(backend.kernels, budget=budget))


def first(modules: Modules) -> ModuleOp:
    return next(iter(modules.values()))


def arena_of(modules: Modules) -> int:
    return noted(first(modules), ARENA_BYTES)


def possible(error: DiagnosticError, arena: int) -> DiagnosticError:
    """The refusal of a plan, with the least that would not be refused."""
    return DiagnosticError(error.what, hint=f"write --memory-limit {arena}, or more, or least", where=error.where)
