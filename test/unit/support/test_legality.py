"""Stages refuse operations by name, by dialect and by condition, and say what to do about them."""

from dataclasses import dataclass

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.dialects.test import TestOp, TestPureOp
from xdsl.ir import Operation, Region
from xdsl.passes import ModulePass

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.legality import Stage, illegal_operations, stages_of, verify_stage, verify_stage_fully


def module() -> ModuleOp:
    body = [TestOp(), TestPureOp(), ReturnOp()]
    function = FuncOp("main", ((), ()), Region())
    function.body.add_block(FuncOp("other", ((), ())).body.detach_block(0))
    function.body.block.add_ops(body)
    return ModuleOp([function])


def names(stage: Stage) -> list[str]:
    return [op.name for op in illegal_operations(module(), stage)]


def test_names_and_dialects_are_legal() -> None:
    assert names(Stage("all", ("func.*", "test.*"))) == []
    assert names(Stage("one", ("func.*", "test.op"))) == ["test.pureop"]
    assert names(Stage("none", ())) == ["func.func", "test.op", "test.pureop", "func.return"]


def test_a_dialect_prefix_is_not_a_name_prefix() -> None:
    assert names(Stage("prefix", ("func.*", "test.op.*", "tes.*", "test.o"))) == ["test.op", "test.pureop"]


def test_exceptions_and_conditions() -> None:
    assert names(Stage("except", ("func.*", "test.*"), illegal=("test.op",))) == ["test.op"]

    def unmarked(op: Operation) -> bool:
        return "marked" not in op.attributes

    marked = TestOp(attributes={"marked": StringAttr("")})
    stage = Stage("unmarked", ("test.*",), condition=unmarked)
    assert list(illegal_operations(ModuleOp([TestOp(), marked]), stage)) == [marked]


def test_error_names_stage_operation_and_remedy() -> None:
    verify_stage(module(), Stage("all", ("func.*", "test.*")))
    with pytest.raises(DiagnosticError) as caught:
        verify_stage(module(), Stage("buffers", ("func.*",), lowered_by="kernel-assign-buffers"))
    assert caught.value.what == "'test.op' is not legal at stage 'buffers'"
    assert caught.value.where == "@main"
    assert caught.value.hint == "run 'kernel-assign-buffers' first"
    with pytest.raises(DiagnosticError) as caught:
        verify_stage_fully(module(), Stage("buffers", ("func.*",), illegal=("func.call",)))
    assert len(caught.value.problems) == 2
    assert caught.value.hint == "legal there: func.*; except func.call"


@dataclass(frozen=True)
class AnywherePass(ModulePass):
    name = "test-anywhere"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        return


@dataclass(frozen=True)
class PlacedPass(AnywherePass):
    name = "test-placed"
    stage_before = "kernel"
    stage_after = "buffers"


def test_passes_state_their_stages() -> None:
    assert stages_of(AnywherePass) == (None, None)
    assert stages_of(PlacedPass) == ("kernel", "buffers")
    assert stages_of(PlacedPass()) == ("kernel", "buffers")
