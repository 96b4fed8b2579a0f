"""Whatever goes wrong, a tool prints one line and a hint, and exits with 1."""

from collections.abc import Callable

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.test import TestOp
from xdsl.parser import Parser
from xdsl.utils.arg_spec import parse_spec
from xdsl.utils.exceptions import VerifyException

from webdnn.support.diagnostic import DiagnosticError, Problem
from webdnn.tools.report import TRACEBACK_VARIABLE, one_line, run_tool


def raise_diagnostic() -> int:
    raise DiagnosticError("is\nwrong", hint="mend it", where="a.onnx", also=(Problem("", "too long", "cut it"),))


def raise_verify() -> int:
    op = TestOp(attributes={"big": StringAttr("payload")})
    op.emit_error("does not verify", VerifyException("found 2, expected 3"))


def raise_parse() -> int:
    Parser(Context(), "\n  unknown.op", "a.mlir").parse_module()
    return 0


def raise_spec() -> int:
    parse_spec("a b")
    return 0


def raise_missing_file() -> int:
    with open("no/such.file"):
        return 0


def raise_bug() -> int:
    raise AssertionError("sizes differ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            raise_diagnostic,
            "tool: error: a.onnx: is wrong\nhint: mend it\ntool: error: too long\nhint: cut it\n",
        ),
        (raise_verify, "tool: error: found 2, expected 3\n"),
        (raise_parse, "tool: error: a.mlir:2:13: Operation unknown.op is not registered\n"),
        (raise_spec, "tool: error: pass-pipeline:1:2: Expected a comma or pass arguments here\n"),
        (raise_missing_file, "tool: error: no/such.file: No such file or directory\n"),
        (
            raise_bug,
            "tool: error: internal error: AssertionError: sizes differ\n"
            f"hint: this is a bug in WebDNN or xDSL; set {TRACEBACK_VARIABLE}=1 to see where it happened\n",
        ),
    ],
)
def test_errors(body: Callable[[], int], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("tool", body) == 1
    assert capsys.readouterr() == ("", expected)


def test_traceback_of_a_bug_on_demand(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")
    run_tool("tool", raise_bug)
    assert "in raise_bug" in capsys.readouterr().err
    run_tool("tool", raise_diagnostic)
    assert "Traceback" not in capsys.readouterr().err


def test_interrupt_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert run_tool("tool", interrupt) == 130
    assert capsys.readouterr() == ("", "")


def test_status_is_passed_on() -> None:
    assert run_tool("tool", lambda: 0) == 0
    assert run_tool("tool", lambda: 3) == 3


def test_long_messages_are_cut() -> None:
    assert one_line(" a\n  b\t") == "a b"
    assert len(one_line("x" * 10_000)) < 600
