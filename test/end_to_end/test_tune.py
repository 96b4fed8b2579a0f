"""`webdnn tune` in a browser, and compiling with what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.passes.kernel.scheduling.file import Schedules
from webdnn.passes.kernel.scheduling.select_schedule import builtin_table
from webdnn.runner.python.session import Session
from webdnn.support.scheduling.table import Table
from webdnn.tools.comparison import compare
from webdnn.tools.oracle import Oracle
from webdnn.tools.tune import builtin, search
from webdnn.tools.tune.representatives import REPRESENTATIVES
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution and a pooling of it."""
    generator = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("MaxPool", ["c"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    weights = {"w": generator.standard_normal((16, 8, 3, 3)).astype(np.float32)}
    made = make_model(nodes, {"x": [1, 8, 32, 32]}, {"y": None}, weights)
    return write_model(tmp_path_factory.mktemp("tune") / "net.onnx", made)


def test_what_is_tuned_compiles_and_is_right(
    model: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever is fastest is adopted, be it by nothing: the times of so small a kernel decide nothing here.
    monkeypatch.setattr(search, "MARGIN", -9.0)
    monkeypatch.setattr(search, "ROUNDS", 1)
    monkeypatch.setattr(search, "SURE_ROUNDS", 2)
    file = tmp_path / "schedules.json"
    assert main(["tune", str(model), "-o", str(file), "--budget", "30"]) == 0
    printed = capsys.readouterr().out
    found = Schedules.read(file)
    assert found.measured.keys() == {"machine", "browser", "date"}
    assert all(signature in printed for signature in found.kernels)
    bundle = tmp_path / "bundle"
    assert main(["compile", str(model), "-o", str(bundle), "--targets", "wasm", "--schedules", str(file)]) == 0
    assert "is not used" not in capsys.readouterr().out
    assert main(["compile", str(model), "--schedules", str(file), "--print-schedules"]) == 0
    given = json.loads(capsys.readouterr().out)["kernels"]
    for signature, entries in found.kernels.items():
        assert given[signature]["relaxed"]["schedule"] == str(entries["relaxed"].plan.schedule)
    feeds = {"x": np.random.default_rng(1).standard_normal((1, 8, 32, 32)).astype(np.float32)}
    with Session(bundle) as session:
        assert compare(session.run(feeds)["y"], Oracle(model).run(feeds)["y"]).within


def test_a_spent_budget_is_said(model: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "schedules.json"
    assert main(["tune", str(model), "-o", str(file), "--budget", "1e-9"]) == 0
    assert "the budget is spent" in capsys.readouterr().err
    assert Schedules.read(file).kernels == {}


def test_what_tune_needs_is_said(model: Path, capsys: Capture) -> None:
    for words in ([str(model)], [], ["--builtin", str(model)]):
        assert main(["tune", *words]) == 1
        assert "webdnn tune MODEL.onnx -o FILE" in capsys.readouterr().err
    assert main(["tune", str(model), "-o", "none.json", "--budget", "0"]) == 1
    assert "--budget" in capsys.readouterr().err


def test_the_built_in_table_is_measured_anew(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "ROUNDS", 1)
    monkeypatch.setattr(builtin, "SURE_ROUNDS", 1)
    monkeypatch.setattr(builtin, "REPRESENTATIVES", REPRESENTATIVES[9:10])
    path = tmp_path / "table.json"
    assert main(["tune", "--builtin", "--features", "simd", "-o", str(path)]) == 0
    assert "window: multiplies 0, stride from 2" in capsys.readouterr().out
    before, after = builtin_table(), Table.parse(path.read_text())
    assert "Chromium" in after.measured["simd"]
    assert [found.when for found in after.classes] == [found.when for found in before.classes]
    changed = [old for old, new in zip(before.classes, after.classes, strict=True) if old != new]
    assert len(changed) <= 1
