"""A limit of memory is kept: plans may need less and less, until what is placed fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import ModuleOp

from webdnn.passes.kernel.memory.assign_offsets import ARENA_BYTES
from webdnn.passes.kernel.splitting.split_rows import PLANNED_PEAK
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.backends import Backend
from webdnn.tools.summary import noted

TRIES = 12
"""Plans, each of a lower peak than the one before, that are placed before a limit is given up."""

STEPS = 100
"""The next plan needs less by this fraction of the limit at least: those in between are placed much alike."""

ROOMS = (8, 4, 2, 1, 0.5)
"""Times the limit: what all tiles of a convolution (Winograd) may take where not all convolutions can have them.

A strip holds a few of them at a time, so that some convolutions whose tiles are larger than the limit still keep it.
"""

Modules = Mapping[str, ModuleOp]


@dataclass(frozen=True)
class Try:
    """What a plan came to: the bytes that it needs, those of what was placed, and the modules, if these fit."""

    planned: int
    arena: int
    modules: Modules | None


@dataclass(frozen=True)
class Search:
    """How to try a plan: `place` gives each value its place, and `finish` makes a module of that for each language.

    Placing is quick, and mostly tells whether the limit is kept; a limit of 0 always is.
    """

    limit: int
    place: Callable[[Backend], ModuleOp]
    finish: Callable[[ModuleOp, Backend], Modules]

    def tried(self, backend: Backend) -> Try:
        placed = self.place(backend)
        planned, arena = noted(placed, PLANNED_PEAK), noted(placed, ARENA_BYTES)
        modules = None
        if self.fits(arena):
            modules = self.finish(placed, backend)
            arena = noted(next(iter(modules.values())), ARENA_BYTES)  # a language may have wider elements
        return Try(planned, arena, modules if self.fits(arena) else None)

    def fits(self, arena: int) -> bool:
        return not self.limit or arena <= self.limit


def fewer_tiles(backend: Backend) -> Iterator[Backend]:
    """The backend, then those that compute fewer and fewer convolutions in tiles, which take memory; none at last."""
    yield backend
    if backend.kernels.points == 1:
        return
    if limit := backend.kernels.memory:
        rooms = (max(1, int(limit * share)) for share in ROOMS)
        yield from (replace(backend, kernels=replace(backend.kernels, room=room)) for room in rooms)
    yield backend.with_accuracy("exact")


def within_memory(
    backend: Backend, place: Callable[[Backend], ModuleOp], finish: Callable[[ModuleOp, Backend], Modules]
) -> Modules:
    """What a backend is lowered to within its limit of memory. Raises DiagnosticError.

    Where it holds anyway nothing changes. A plan tells how many bytes live at a time; to place them may take more. Then
    the next plan on the way down is tried, which does more work twice.
    """
    limit = backend.kernels.memory
    assert limit is not None
    search = Search(limit, place, finish)
    if limit:
        plain = search.tried(replace(backend, kernels=replace(backend.kernels, memory=None)))
        if plain.modules:
            return plain.modules
    budget, reached = limit, list[int]()
    while len(reached) < TRIES and budget >= min(1, limit):
        try:
            found = search.tried(with_budget(backend, budget))
        except DiagnosticError as error:
            if reached:
                break
            least = search.tried(with_budget(backend, 0))  # placed in parts, it may take less than was planned
            if least.modules:
                return least.modules
            raise possible(error, least.arena) from error
        if found.modules:
            return found.modules
        reached.append(found.arena)
        budget = found.planned - limit // STEPS - 1
    raise DiagnosticError(
        f"the values of a run take {min(reached)} bytes at least where they are placed, more than the limit of {limit}",
        hint=f"write --memory-limit {min(reached)}, or more, or least",
    )


def with_budget(backend: Backend, budget: int) -> Backend:
    return replace(backend, kernels=replace(backend.kernels, budget=budget))


def possible(error: DiagnosticError, arena: int) -> DiagnosticError:
    """The refusal of a plan, with the least that would not be refused."""
    return DiagnosticError(error.what, hint=f"write --memory-limit {arena}, or more, or least", where=error.where)
