"""`webdnn compile --schedules` and `--print-schedules`: what is printed is taken, and what does not fit is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.passes.kernel.scheduling.file import Schedules
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx", perceptron())


def modules(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / "wasm").iterdir()}


def compiled(model: Path, *words: str) -> dict[str, bytes]:
    directory = model.with_name("bundle")
    assert main(["compile", str(model), "-o", str(directory), "--targets", "wasm", *words]) == 0
    return modules(directory)


def refused(model: Path, capsys: Capture, *words: str) -> str:
    assert main(["compile", str(model), "-o", str(model.with_name("refused")), *words]) == 1
    return capsys.readouterr().err


def test_printed_schedules_compile_to_the_same(model: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "schedules.json"
    assert main(["compile", str(model), "--print-schedules", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["compile", str(model), "--print-schedules"]) == 0
    assert capsys.readouterr().out == file.read_text()
    assert all(entries.keys() == {"relaxed", "simd"} for entries in Schedules.read(file).kernels.values())
    assert compiled(model, "--schedules", str(file)) == compiled(model)


def test_a_changed_schedule_changes_its_module_alone(model: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "schedules.json"
    main(["compile", str(model), "--print-schedules", str(file)])
    content = json.loads(file.read_text())
    name = next(name for name in content["kernels"] if name.startswith("sum 2x8 over 4"))
    content["kernels"][name]["relaxed"]["schedule"] = "#kernel.schedule<tile [1, 4], order [1, 0], vector 1 by 4>"
    file.write_text(json.dumps(content))
    before, after = compiled(model), compiled(model, "--schedules", str(file))
    assert before.keys() == after.keys()
    assert {path for path in before if before[path] != after[path]} == {"relaxed.wasm"}


def test_an_entry_that_no_kernel_has_is_told(model: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "schedules.json"
    main(["compile", str(model), "--print-schedules", str(file)])
    file.write_text(file.read_text().replace("sum 2x8 over 4 #", "sum 2x8 over 5 #"))
    compiled(model, "--schedules", str(file))
    assert "the model has no kernel 'sum 2x8 over 5 #" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("schedule", "unroll", "problem"),
    [
        ("tile [2, 8, 1], order [0, 1, 2]", "[4]", "its tile has 3 axes, and the kernel 2"),
        ("tile [2, 9], order [0, 1]", "[4]", "its tile of axis 1 is 9, and the axis has 8 points"),
        ("tile [2, 4], order [0, 0]", "[4]", "its order [0, 0] names an axis twice"),
        ("tile [2, 4], order [0]", "[4]", "its order leaves out axis 1, which then is whole: the tile must be 8"),
        ("tile [2, 8], order [0, 1], vector 1 by 8", "[4]", "it has vectors of 8 lanes, and there are those of 4"),
        ("tile [2, 6], order [0, 1], vector 1 by 4", "[4]", "axis 1 is 6, which is no number of vectors of 4"),
        ("tile [1, 8], order [0, 1], merge 0 into 1 by 3", "[4]", "it merges 3 rows of 2, which they do not divide"),
        ("tile [2, 8], order [0, 1]", "[4, 1]", "it unrolls 2 axes of a reduction over 1"),
        ("tile [2, 8], order [0, 1]", "[5]", "it unrolls 5 steps of 4"),
        ("tile [2, 8], order [0, 1]", "[3], vector by 2", "a reduction has vectors of 2 lanes"),
        ("tile [2, 8], order [0, 1]", "[2], vector by 4", "it unrolls 2 steps, which is no number of vectors of 4"),
        ("tile [2, 8], order [0, 1]", "[2], points (d0) -> (d0)", "must be one number, from 3 places"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(
    model: Path, tmp_path: Path, capsys: Capture, schedule: str, unroll: str, problem: str
) -> None:
    file = tmp_path / "schedules.json"
    main(["compile", str(model), "--print-schedules", str(file)])
    content = json.loads(file.read_text())
    name = next(name for name in content["kernels"] if name.startswith("sum 2x8 over 4"))
    entry = {"schedule": f"#kernel.schedule<{schedule}>", "unroll": [f"#kernel.unroll<{unroll}>"]}
    file.write_text(json.dumps({**content, "kernels": {name: {"relaxed": entry}}}))
    said = refused(model, capsys, "--targets", "wasm", "--schedules", str(file))
    assert problem in said
    assert f"says of '{name}', relaxed" in said


def test_schedules_are_for_wasm(model: Path, capsys: Capture) -> None:
    assert "--schedules is for kernels of wasm" in refused(model, capsys, "--targets", "js", "--schedules", "none.json")
    assert "No such file" in refused(model, capsys, "--schedules", "none.json")
