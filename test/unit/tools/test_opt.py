"""`webdnn-opt` beyond what `test/filecheck/tools` and `test/filecheck/shell` show: files, cases and options."""

import subprocess
import sys
from pathlib import Path

import pytest

from webdnn.tools.opt import main

RIGHT = "func.func @right(%x: i32) -> i32 {\n  func.return %x : i32\n}\n"
WRONG = "func.func @wrong(%x: i32) -> i64 {\n  func.return %x : i32\n}\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source.mlir"


def test_failed_case_does_not_stop_the_others(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_text(f"{WRONG}// -----\n{RIGHT}// -----\n{WRONG}")
    assert main([str(source), "--split-input-file"]) == 1
    out, err = capsys.readouterr()
    assert out.count("// -----\n") == 2
    assert "@right" in out
    assert "@wrong" not in out + err
    assert [line.split(": ")[2] for line in err.splitlines()] == [f"{source}:2:3", f"{source}:10:3"]


def test_output_file_is_written_only_on_success(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "output.mlir"
    source.write_text(WRONG)
    assert main([str(source), "-o", str(output)]) == 1
    assert not output.exists()
    source.write_text(RIGHT)
    assert main([str(source), "-o", str(output)]) == 0
    assert "@right" in output.read_text()


def test_wanted_diagnostics_are_output(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_text(f"{WRONG}// -----\nunknown.op")
    assert main([str(source), "--split-input-file", "--verify-diagnostics", "--parsing-diagnostics"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "'func.return' does not verify" in out
    assert f"{source}:5:11: Operation unknown.op is not registered" in out


def test_output_reads_back(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_text(RIGHT)
    assert main([str(source)]) == 0
    once = capsys.readouterr().out
    source.write_text(once)
    assert main([str(source)]) == 0
    assert capsys.readouterr().out == once


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["no.mlir"], "no.mlir: No such file or directory\n"),
        (["model.onnx"], "model.onnx: not textual IR\nhint: "),
        (["--verify-eac", "x"], "x: No such file or directory\n"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option\nhint: "),
        (["-t", "mlir{x=1}"], "'mlir' has no option 'x'\nhint: its options are: print-generic-format: "),
    ],
)
def test_errors_of_the_command_line(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(f"webdnn-opt: error: {error}")


def test_binary_input_is_refused(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_bytes(b"\x7fELF\xff\xfe")
    assert main([str(source)]) == 1
    assert "not textual IR" in capsys.readouterr().err


def test_closed_pipe_is_silent(source: Path) -> None:
    source.write_text(RIGHT)
    tool = [sys.executable, "-m", "webdnn.tools.opt", str(source)]
    with subprocess.Popen(tool, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
