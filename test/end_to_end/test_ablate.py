"""`webdnn ablate` on a tiny model in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.targets.rules import CPU_RULES, Rule
from webdnn.tools.ablation import measure
from webdnn.tools.ablation.builds import Built, cases
from webdnn.tools.ablation.results import Build, ratio, read_ablation
from webdnn.tools.bench.subject import Subject
from webdnn.tools.comparison import Comparison
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "net.onnx", perceptron())


def ablated(model: Path, status: int) -> dict[str, Build]:
    out = model.with_name("out.json")
    assert main(["ablate", str(model), "--rounds", "3", "--json", str(out)]) == status
    (found,) = read_ablation(out)["models"]
    return {build["without"]: build for build in found["builds"]}


def test_every_rule_is_left_out_and_measured(model: Path, capsys: Capture) -> None:
    builds = ablated(model, 0)
    assert list(builds) == ["nothing", *(rule.name for rule in CPU_RULES), "everything"]
    full, none = builds["nothing"], builds["everything"]
    assert (full["same"], ratio(full)) == (False, 1.0)
    assert builds["kernel-form-strips"]["same"]
    assert builds["kernel-form-strips"]["times"] == []
    fused = builds["kernel-fuse-producers"]
    assert (fused["kernels"], fused["launches"]) > (full["kernels"], full["launches"])
    assert fused["moved"] > full["moved"] > 0
    assert none["launches"] > full["launches"]
    for build in (full, fused, none):
        assert len(build["times"]) == 3
        assert build["error"] < 1e-5
        assert build["download"] > 1000
        assert build["arena"] > 0
        assert build["seconds"] > 0
    assert "net, without everything: " in capsys.readouterr().err


def test_a_wrong_build_is_not_timed(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    right = measure.checked

    def checked(it: Built, subject: Subject) -> list[Comparison]:
        return [Comparison(2.0, 2.0, 1.0, within=False)] if it.without == "vectors" else right(it, subject)

    def few(rules: Sequence[Rule]) -> Iterator[tuple[str, Sequence[Rule]]]:
        return cases([rule for rule in rules if rule.name == "vectors"])

    monkeypatch.setattr(measure, "checked", checked)
    monkeypatch.setattr(measure, "cases", few)
    builds = ablated(model, 1)
    assert builds["vectors"]["times"] == []
    assert builds["everything"]["times"]
    assert "net, without vectors: WRONG RESULT: largest error 2" in capsys.readouterr().out
