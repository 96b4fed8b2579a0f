"""`--passes`: what it changes, what it refuses, and that the list of rules covers every pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.rules import REQUIRED, RULES, Rule
from webdnn.tools.backends import BACKENDS, backends_named
from webdnn.tools.changes import Changes, parse_changes, without
from webdnn.tools.pipeline import parse_passes
from webdnn.tools.webdnn import main
from webdnn.universe import WEBDNN_UNIVERSE

Capture = pytest.CaptureFixture[str]


def passes_after(text: str, target: str = "wasm") -> list[str]:
    """The passes of a target's pipeline, in the spelling of `webdnn-opt`, after changes."""
    backend = backends_named([target], changes=parse_changes(text))[target]
    language = next(iter(backend.languages))
    return list(map(str, parse_passes(backend.pipeline(language), WEBDNN_UNIVERSE.all_passes)))


def names_of(passes: list[str]) -> list[str]:
    return [text.partition("{")[0] for text in passes]


def test_every_pass_is_a_rule_or_required() -> None:
    leaving_out = {rule.name for rule in RULES if rule.changes == f"-{rule.name}"}
    known = {spec.name for backend in BACKENDS.values() for specs in backend.pipelines for spec in specs}
    assert known <= leaving_out | REQUIRED.keys()
    assert not leaving_out & REQUIRED.keys()
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_can_be_left_out(rule: Rule) -> None:
    backends = ("webgpu", "webgl") if rule.gpu_only else ("wasm",)
    without([rule]).check([p for backend in backends for p in BACKENDS[backend].pipelines], " or ".join(backends))


def test_a_pass_is_left_out() -> None:
    assert "kernel-form-strips" in names_of(passes_after(""))
    assert "kernel-form-strips" not in names_of(passes_after("-kernel-form-strips"))


def test_a_rule_sets_options_or_adds_what_stands_in() -> None:
    assert "kernel-assign-buffers{in_place=false}" in passes_after("-in-place")
    names = names_of(passes_after("-places"))
    at = names.index("convert-tensor-layout-to-kernel")
    assert names[at + 1 : at + 3] == ["kernel-expand-concat", "kernel-expand-stacks"]


def test_options_are_set_beside_those_that_there_are() -> None:
    found = passes_after("kernel-fuse-producers{max-inputs=3}", "webgpu")
    assert [p for p in found if p.startswith("kernel-fuse-producers{max_inputs=3 prologues=true")]


def test_a_pass_is_added_after_another() -> None:
    names = names_of(passes_after("+dnn-elide-identities@dnn-fold-constants"))
    assert names[:3] == ["dnn-fold-constants", "dnn-elide-identities", "dnn-elide-duplicates"]


def test_the_passes_of_a_wasm_module_change_too() -> None:
    assert "kernel-merge-rows" not in names_of(passes_after("-kernel-merge-rows"))
    assert "wasm-select-instructions{relaxed=false}" in passes_after("-relaxed-simd")


def test_changes_come_one_after_another() -> None:
    names = names_of(passes_after("-dnn-fold-constants,+dnn-fold-constants@dnn-elide-duplicates"))
    assert names[:2] == ["dnn-elide-duplicates", "dnn-fold-constants"]


REFUSED = [
    ("-kernel-form-kernels", "'kernel-form-kernels' has to run, because", "what can be left out: dnn-fold-constants"),
    ("-frobnicate", "there is no rule 'frobnicate'", "what can be left out"),
    ("frobnicate", "unknown pass 'frobnicate'", "webdnn-opt --help"),
    ("kernel-tile{rows=3}", "'kernel-tile' has no option 'rows'", "no options"),
    ("kernel-assign-buffers{in-place=maybe}", "the options of 'kernel-assign-buffers' are not right", "in-place: bool"),
    ("+dnn-elide-identities", "after which pass?", "+PASS@OTHER"),
    ("+@", "this is no pass", "+PASS@OTHER"),
    ("+dnn-elide-identities@js-legalize", "changes nothing for wasm", "--print-pipeline --targets wasm"),
    ("kernel-assign-offsets{reuse=true alignment=64},kernel-narrow-elements", "changes nothing for wasm", "--print"),
]


@pytest.mark.parametrize(("text", "what", "hint"), REFUSED)
def test_what_cannot_be_changed_is_refused(text: str, what: str, hint: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        backends_named(["wasm"], changes=parse_changes(text))
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_a_rule_of_another_target_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="changes nothing for js"):
        backends_named(["js"], changes=parse_changes("-relaxed-simd"))
    backends_named(["js", "wasm"], changes=parse_changes("-relaxed-simd"))


def test_a_pass_in_the_wrong_place_is_refused(tmp_path: Path, capsys: Capture) -> None:
    model = write_model(tmp_path / "model.onnx", perceptron())
    command = ["compile", str(model), "-o", str(tmp_path / "bundle"), "--targets", "wasm"]
    assert main([*command, "--passes=+kernel-pad-operands@dnn-fold-constants"]) == 1
    assert "is not legal at stage 'kernel'" in capsys.readouterr().err
    assert main([*command, "--passes=-dnn-aggregate-constants,+dnn-elide-identities@dnn-fold-constants"]) == 0


def test_nothing_is_changed_by_nothing() -> None:
    assert parse_changes("") == parse_changes(" , ") == Changes()
    assert passes_after("") == passes_after(" , ")
