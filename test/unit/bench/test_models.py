"""The models that engines are measured with: written by the script, and run by onnxruntime as it writes them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def written(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.models", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_models_are_written_and_keep_their_signals_size(tmp_path: Path) -> None:
    found = written(str(tmp_path))
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert sorted(path.stem for path in tmp_path.glob("*.onnx")) == sorted(
        Path(line.split(":")[0]).stem for line in lines
    )
    assert len(lines) == 7
    for line in lines:
        deviations = [float(text) for text in re.findall(r"\S+ ([\d.e+-]+)(?:,|$)", line.split("outputs:")[1])]
        assert deviations
        assert all(0.05 < deviation < 100 for deviation in deviations), line


def test_a_model_is_the_same_every_time(tmp_path: Path) -> None:
    contents: list[bytes] = []
    for folder in ("a", "b"):
        assert written(str(tmp_path / folder), "vision_transformer").returncode == 0
        contents.append((tmp_path / folder / "vision_transformer.onnx").read_bytes())
    assert contents[0] == contents[1]


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    found = written(str(tmp_path), "alexnet")
    assert found.returncode == 2
    assert "there is no model alexnet" in found.stderr
