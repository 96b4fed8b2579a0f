"""Pipelines: how they are written, what is wrong with them, and what is checked between their passes."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, i32
from xdsl.dialects.test import TestOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import ArgSpecParseError, PassFailedException

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.legality import Stage
from webdnn.tools import pipeline
from webdnn.tools.pipeline import Checks, parse_passes, run_passes


@dataclass(frozen=True)
class TilePass(ModulePass):
    """Breaks nothing."""

    name = "test-tile"
    tile_sizes: tuple[int, ...]
    label: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        return


@dataclass(frozen=True)
class SwapPass(ModulePass):
    """Moves a definition behind its use."""

    name = "test-swap"
    stage_before = "whole"
    stage_after = "empty"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if (first := op.body.block.first_op) is not None:
            first.detach()
            op.body.block.add_op(first)


@dataclass(frozen=True)
class CrashPass(ModulePass):
    """Has a bug."""

    name = "test-crash"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        raise KeyError("x")


AVAILABLE: dict[str, Callable[[], type[ModulePass]]] = {
    "test-tile": lambda: TilePass,
    "test-swap": lambda: SwapPass,
    "test-crash": lambda: CrashPass,
}


@pytest.fixture
def module() -> ModuleOp:
    value = TestOp(result_types=[i32])
    return ModuleOp([value, TestOp(operands=[value.results[0]])])


@pytest.fixture(autouse=True)
def stages(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"whole": lambda: Stage("whole", ("test.*",)), "empty": lambda: Stage("empty", ())}
    monkeypatch.setattr(pipeline, "ALL_STAGES", known)


@pytest.mark.parametrize(
    "text",
    [
        'test-tile{tile-sizes=1,2 label="a, b"},test-swap',
        'builtin.module(test-tile{tile-sizes=1,2 label="a, b"},test-swap)',
        ' builtin.module ( \n test-tile{tile_sizes=1,2 label="a, b"} , test-swap ) ',
    ],
)
def test_spellings_of_a_pipeline(text: str) -> None:
    assert parse_passes(text, AVAILABLE) == (TilePass((1, 2), "a, b"), SwapPass())


def test_empty_pipeline() -> None:
    assert parse_passes("", AVAILABLE) == parse_passes("builtin.module()", AVAILABLE) == ()


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("test-tiled", "unknown pass 'test-tiled'", "did you mean 'test-tile'?"),
        ("zzz", "unknown pass 'zzz'", "'webdnn-opt --help' lists the passes"),
        ("test-swap{a=1}", "'test-swap' has no option 'a'", "'test-swap' has no options"),
        (
            "test-tile{size=1}",
            "'test-tile' has no option 'size'",
            "its options are: tile-sizes: tuple[int, ...], label: str|None = none",
        ),
        (
            "test-tile",
            "'test-tile' needs a value for its option 'tile-sizes'",
            "its options are: tile-sizes: tuple[int, ...], label: str|None = none",
        ),
        (
            "test-tile{tile-sizes=x}",
            "the options of 'test-tile' are not right: Incompatible types: given ('x',), expected tuple[int, ...]",
            "its options are: tile-sizes: tuple[int, ...], label: str|None = none",
        ),
    ],
)
def test_errors_of_a_pipeline(text: str, what: str, hint: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse_passes(text, AVAILABLE)
    assert (caught.value.what, caught.value.hint) == (what, hint)


@pytest.mark.parametrize("text", ["test-tile{", "a,,b", "a b", "func.func(a)", "a{b=}"])
def test_syntax_errors_of_a_pipeline(text: str) -> None:
    with pytest.raises(ArgSpecParseError):
        parse_passes(text, AVAILABLE)


def run(module: ModuleOp, module_pass: ModulePass, checks: Checks) -> None:
    run_passes(Context(), module, (module_pass,), checks)


def test_dominance_is_checked_with_verify_each(module: ModuleOp) -> None:
    run(module.clone(), SwapPass(), Checks())
    with pytest.raises(DiagnosticError, match="before its definition") as caught:
        run(module, SwapPass(), Checks(verify_each=True))
    assert caught.value.__notes__ == ["after pass 'test-swap'"]


def test_stages_are_checked_with_verify_each(module: ModuleOp) -> None:
    single = ModuleOp([TestOp()])
    run(single.clone(), SwapPass(), Checks())
    with pytest.raises(DiagnosticError, match="not legal at stage 'empty'") as caught:
        run(single, SwapPass(), Checks(verify_each=True))
    assert caught.value.__notes__ == ["after pass 'test-swap'"]
    with pytest.raises(DiagnosticError, match="not legal at stage 'whole'") as caught:
        run(ModuleOp([ModuleOp([])]), SwapPass(), Checks(verify_each=True))
    assert caught.value.__notes__ == ["before pass 'test-swap'"]


def test_errors_in_a_pass_name_it(module: ModuleOp) -> None:
    with pytest.raises(KeyError) as caught:
        run(module, CrashPass(), Checks())
    assert caught.value.__notes__ == ["in pass 'test-crash'"]


def test_dumps_and_times_go_to_stderr(module: ModuleOp, capsys: pytest.CaptureFixture[str]) -> None:
    run(module, TilePass((1,)), Checks(print_ir_after_all=True, time_passes=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "s  test-tile\n// -----// IR Dump After test-tile //----- //\nbuiltin.module {\n" in err


def test_diagnostics_are_failures_of_passes_to_xdsl() -> None:
    assert issubclass(DiagnosticError, PassFailedException)
