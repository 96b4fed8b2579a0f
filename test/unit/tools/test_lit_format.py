"""The forking lit format judges RUN lines as lit's own shell does, and shows what failed."""

import subprocess
import sys
from pathlib import Path

import pytest

FILECHECK = Path(__file__).parents[2] / "filecheck"
SOURCE = "func.func @f() {\n  func.return\n}\n"

CASES = {
    "pass": "// RUN: webdnn-opt %s | filecheck %s\n// CHECK: @f\n",
    "pass-not": "// RUN: not webdnn-opt %s -p nothing 2>&1 | filecheck %s\n// CHECK: unknown pass\n",
    "pass-shell": "// RUN: webdnn-opt %s > %t && filecheck %s < %t\n// CHECK: @f\n",
    "pass-expected-failure": "// XFAIL: *\n// RUN: not webdnn-opt %s\n",
    "fail-check": "// RUN: webdnn-opt %s | filecheck %s\n// CHECK: @absent\n",
    "fail-first-stage": "// RUN: webdnn-opt %s -p nothing | filecheck %s --allow-empty\n// CHECK-NOT: anything\n",
    "fail-not": "// RUN: not webdnn-opt %s\n",
    "fail-second-line": "// RUN: webdnn-opt %s\n// RUN: webdnn-opt %s -p nothing\n",
    "fail-crash": "// RUN: webdnn-opt %s --no-such-option\n",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lit prints for all cases, run as one suite with the configuration of ours."""
    suite = tmp_path_factory.mktemp("suite")
    for name, lines in CASES.items():
        (suite / f"{name}.mlir").write_text(lines + SOURCE)
    (suite / "lit.cfg.py").write_text(
        f"import runpy\nlit_config.load_config(config, {str(FILECHECK / 'lit.cfg.py')!r})\n"
        f"config.test_source_root = {str(suite)!r}\nconfig.test_exec_root = {str(suite / 'out')!r}\n"
    )
    lit = [str(Path(sys.executable).with_name("lit")), "-v", "-j1", str(suite)]
    return subprocess.run(lit, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str, report: str) -> None:
    verdict = {"pass": "PASS", "pass-expected-failure": "XFAIL"}.get(name, name.partition("-")[0].upper())
    assert f"{verdict}: WebDNN :: {name}.mlir" in report


def test_failure_shows_line_exit_codes_and_output(report: str) -> None:
    assert "RUN: webdnn-opt" in report
    assert "exit codes: webdnn-opt 1, filecheck 0" in report
    assert "exit codes: webdnn-opt 0, filecheck 1" in report
    assert "webdnn-opt: error: unknown pass 'nothing'" in report
    assert 'Couldn\'t match "@absent"' in report
