"""The generated pages are those of the present sources, and hold what they should."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.tools.docs import lit_file, own_docstring, pages, passes_page
from webdnn.universe import WEBDNN_UNIVERSE

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class SplitPass(ModulePass):
    """Cut a long loop into pieces.

    Before: one loop. After: two loops.
    """

    name = "test-split"
    stage_after = "loops"
    pieces: int = 2

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        return


@dataclass(frozen=True)
class SilentPass(SplitPass):
    name = "test-silent"


SplitPass.__module__ = "webdnn.passes.dnn.split_long_loops"


def test_pages_are_up_to_date() -> None:
    for path, text in pages(ROOT).items():
        assert path.read_text() == text, f"{path.name} is out of date: run 'make docs'"


def test_lit_file_mirrors_the_module() -> None:
    assert lit_file(SplitPass) == PurePosixPath("passes/dnn/split-long-loops.mlir")


def test_docstrings_are_those_of_the_class_itself() -> None:
    assert own_docstring(SplitPass) == "Cut a long loop into pieces.\n\nBefore: one loop. After: two loops."
    assert own_docstring(SilentPass) == ""


def test_page_holds_docstring_options_stages_and_the_first_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WEBDNN_UNIVERSE, "all_passes", {"test-split": lambda: SplitPass})
    path = tmp_path / "test/filecheck" / lit_file(SplitPass)
    path.parent.mkdir(parents=True)
    path.write_text("// RUN: x\n\n// A loop is cut.\n// CHECK: loop\nloop\n// -----\nother\n")
    page = passes_page(tmp_path)
    for part in (
        "## `passes/dnn`",
        "### `test-split`",
        "Cut a long loop into pieces.",
        "- `pieces: int = 2`",
        "Ends at stage `loops`.",
        "```mlir\n// A loop is cut.\n// CHECK: loop\nloop\n```",
    ):
        assert part in page
    assert "other" not in page
    assert "RUN" not in page
