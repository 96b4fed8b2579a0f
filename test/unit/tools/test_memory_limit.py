"""The search for a plan that fits: what is tried, in which order, and what is said where nothing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Region

from webdnn.passes.kernel.memory.assign_offsets import ARENA_BYTES
from webdnn.passes.kernel.splitting.split_rows import PLANNED_PEAK
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.backends import BACKENDS, Backend
from webdnn.tools.memory_limit import fewer_tiles, within_memory

LIMIT = 1000


@dataclass
class Model:
    """A model whose plans need what their budget is, down to the least, and more where they are placed."""

    placed: Callable[[int], int]
    finished: Callable[[int], int] = lambda arena: arena
    least: int = 900
    tried: list[int | None] = field(default_factory=list[int | None])
    made: int = 0

    def place(self, backend: Backend) -> ModuleOp:
        memory, budget = backend.kernels.memory, backend.kernels.budget
        self.tried.append(None if memory is None else budget)
        if memory is None:
            return noting(0, 2000)
        assert budget is not None
        if 0 < budget < self.least:
            raise DiagnosticError("needs more", hint="allow more")
        planned = budget or self.least
        return noting(planned, self.placed(planned))

    def finish(self, module: ModuleOp, backend: Backend) -> dict[str, ModuleOp]:
        self.made += 1
        (function,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
        arena = function.attributes[ARENA_BYTES]
        assert isinstance(arena, IntegerAttr)
        return {"js": noting(0, self.finished(arena.value.data))}


def noting(planned: int, arena: int) -> ModuleOp:
    function = FuncOp("main", ((), ()), Region())
    numbers = {PLANNED_PEAK: planned, ARENA_BYTES: arena}
    function.attributes |= {name: IntegerAttr(number, i64) for name, number in numbers.items()}
    return ModuleOp([function])


def search(model: Model, limit: int = LIMIT) -> None:
    backend = BACKENDS["js"]
    within_memory(replace(backend, kernels=replace(backend.kernels, memory=limit)), model.place, model.finish)


def test_only_what_fits_is_finished() -> None:
    search(model := Model(placed=lambda planned: planned + 30))
    assert model.tried == [None, 1000, 989, 978, 967]
    assert model.made == 1


def test_what_is_wider_in_a_language_is_tried_again() -> None:
    search(model := Model(placed=lambda planned: planned, finished=lambda arena: arena + 15))
    assert model.tried == [None, 1000, 989, 978]
    assert model.made == 3


def test_as_little_as_possible_is_one_try() -> None:
    search(model := Model(placed=lambda planned: 3 * planned), limit=0)
    assert model.tried == [0]


def test_where_no_plan_fits_the_least_that_was_placed_is_told() -> None:
    model = Model(placed=lambda planned: planned + 506)
    with pytest.raises(DiagnosticError, match="take 1407 bytes at least") as caught:
        search(model)
    assert "--memory-limit 1407" in caught.value.hint
    assert model.made == 0


def test_where_there_is_no_plan_the_least_one_is_placed() -> None:
    search(model := Model(placed=lambda planned: planned - 200, least=1100))
    assert model.tried == [None, 1000, 0]
    with pytest.raises(DiagnosticError, match="needs more") as caught:
        search(Model(placed=lambda planned: planned, least=1100))
    assert "--memory-limit 1100" in caught.value.hint


def test_fewer_convolutions_have_tiles_where_a_limit_is_not_kept() -> None:
    wasm = BACKENDS["wasm"]
    kernels = [tried.kernels for tried in fewer_tiles(replace(wasm, kernels=replace(wasm.kernels, memory=LIMIT)))]
    assert [(k.points, k.room) for k in kernels] == [
        (6, 0), (6, 8000), (6, 4000), (6, 2000), (6, 1000), (6, 500), (1, 0)
    ]  # fmt: skip
    assert len([*fewer_tiles(BACKENDS["js"])]) == 1
