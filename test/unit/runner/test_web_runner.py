"""The browser runner's modules: their size, and their tests in Node."""

import gzip
import os
import re
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest

from browser.tiny_bundles import write_integers, write_relu
from webdnn.targets.bundle.write import runner_files

HERE = Path(__file__).parent
RUNNER = HERE.parents[2] / "runner" / "web"
BUDGET = 25_500
LATER = ("runner/idle.js", "runner/backends/webgpu_choices.js", "runner/backends/webgpu_tuning.js")
"""What only sessions load that choose between variants of kernels, for the most part after the first run"""
BUDGET_LATER = 3_500
COMMENT = re.compile(r"\s*(/\*\*|\*|//)")


def test_comments_are_left_out_and_nothing_else() -> None:
    """What is left of a module is its code, line by line."""
    for path, content in runner_files().items():
        source = (RUNNER / path.removeprefix("runner/")).read_text()
        lines = iter(source.splitlines())
        for kept in content.decode().splitlines():
            left_out = takewhile(lambda line, kept=kept: line != kept, lines)
            assert not [line for line in left_out if not COMMENT.match(line)], path
        assert not [line for line in lines if not COMMENT.match(line)], path


@pytest.mark.parametrize(("later", "budget"), [(False, BUDGET), (True, BUDGET_LATER)])
def test_modules_are_small(capsys: pytest.CaptureFixture[str], later: bool, budget: int) -> None:
    chosen = [content for path, content in runner_files().items() if (path in LATER) is later]
    compressed = len(gzip.compress(b"".join(chosen), 9))
    with capsys.disabled():
        print(f"\nrunner/web: {compressed} bytes after gzip -9, of {budget}{' once variants are timed' * later}")
    assert compressed < budget


def test_modules_need_no_eval() -> None:
    for path, content in runner_files().items():
        assert not re.search(rb"\beval\(|new Function\b", content), path


def test_in_node(tmp_path: Path) -> None:
    """On the modules as bundles have them."""
    for path, content in runner_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "package.json").write_text('{"type":"module"}')
    environment = {
        **os.environ,
        "RUNNER": str(tmp_path / "runner"),
        "RELU": str(write_relu(tmp_path / "relu")),
        "INTEGERS": str(write_integers(tmp_path / "integers")),
        # The second byte of a section makes no sense to any engine.
        "BROKEN_FIRST": str(write_relu(tmp_path / "broken", replaced={"relaxed.wasm": b"\0asm\1\0\0\0\1\xff"})),
    }
    command = ["node", "--test", "--test-reporter=tap", str(HERE / "runner.test.mjs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
