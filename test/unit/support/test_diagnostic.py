"""Diagnostics name the place, the operation and a way out."""

import pytest
from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    LocationAttr,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.dialects.func import FuncOp
from xdsl.dialects.test import TestOp
from xdsl.utils.exceptions import PassFailedException

from webdnn.support.diagnostic import UNKNOWN_PLACE, DiagnosticError, Diagnostics, fail, place, where


def line(number: int, file: str = "model.mlir") -> FileLineColLoc:
    return FileLineColLoc(StringAttr(file), IntAttr(number), IntAttr(3))


def named(name: str, inner: LocationAttr | None = None) -> NameLoc:
    return NameLoc(StringAttr(name), inner or UnknownLoc())


def fused(*parts: LocationAttr) -> FusedLoc:
    return FusedLoc(ArrayAttr(parts), NoneAttr())


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (UnknownLoc(), None),
        (line(7), "model.mlir:7:3"),
        (line(0, "model.onnx"), "model.onnx"),
        (named("Conv_0"), "Conv_0"),
        (named("Conv_0", line(0, "model.onnx")), "Conv_0 (model.onnx)"),
        (CallSiteLoc(named("inner"), named("outer")), "inner"),
        (fused(named("Conv_0"), named("Relu_1"), named("Conv_0")), "Conv_0, Relu_1"),
        (fused(*(named(name) for name in "abcde")), "a, b, c and 2 more"),
        (fused(fused(UnknownLoc()), named("a")), "a"),
        (fused(), None),
    ],
)
def test_place(location: LocationAttr, expected: str | None) -> None:
    assert place(location) == expected


def test_where_falls_back_to_what_encloses_the_operation() -> None:
    op = TestOp()
    assert where(op) == UNKNOWN_PLACE
    function = FuncOp("main", ((), ()))
    function.body.block.add_op(op)
    assert where(op) == "@main"
    function.location = named("Loop_3")
    assert where(op) == "Loop_3"


def test_fail_names_place_operation_and_hint() -> None:
    op = TestOp()
    op.location = named("Conv_0")
    with pytest.raises(DiagnosticError) as caught:
        fail(op, "has no weights", hint="export them")
    error = caught.value
    assert (error.where, error.what, error.hint) == ("Conv_0", "'test.op' has no weights", "export them")
    assert isinstance(error, PassFailedException)
    assert str(error) == "Conv_0: error: 'test.op' has no weights\nhint: export them"


def test_collector_raises_all_distinct_problems_at_once() -> None:
    found = Diagnostics()
    found.raise_if_any()
    op = ModuleOp([])
    found.add(op, "is empty", hint="fill it")
    found.add(op, "is empty", hint="fill it")
    found.note("model.onnx", "no such file", hint="check the path")
    with pytest.raises(DiagnosticError) as caught:
        found.raise_if_any()
    assert [problem.headline for problem in caught.value.problems] == [
        f"{UNKNOWN_PLACE}: 'builtin.module' is empty",
        "model.onnx: no such file",
    ]
