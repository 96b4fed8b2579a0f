"""What the command line of `webdnn bench` refuses, and the models that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.runner.python.bundle import open_bundle
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.bench.subject import drop_relaxed_modules
from webdnn.tools.commands.bench import model_paths, thread_counts
from webdnn.tools.compiler import compile_model
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]

REFUSED: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "the following arguments are required: MODEL"),
    "no file": (["@nowhere.onnx"], "no such file or directory"),
    "no models": (["@empty"], "holds neither a bundle nor models"),
    "results and models": (["@a.json", "@net.onnx"], "results are reported alone"),
    "other JSON": (["@a.json"], "is not the result of a bench"),
    "a backend": (["@net.onnx", "--backends", "cuda"], "there is no target 'cuda'"),
    "a peer": (["@net.onnx", "--peers", "torch"], "there is no peer 'torch'"),
    "no packages": (["@net.onnx", "--peers", "tfjs", "--peer-packages", "@empty"], "npm packages are missing"),
    "threads": (["@net.onnx", "--threads", "0"], "--threads 0"),
    "rounds": (["@net.onnx", "--rounds", "0"], "--rounds 0"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bench")
    (place / "empty").mkdir()
    (place / "a.json").write_text("{}")
    write_model(place / "net.onnx", perceptron())
    return place


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_one_line_and_a_hint(name: str, folder: Path, capsys: Capture) -> None:
    words, problem = REFUSED[name]
    given = [word.replace("@", f"{folder}/") for word in words]
    peers = [] if "--peers" in given else ["--peers", "none"]
    assert main(["bench", *given, *peers]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert problem in error
    assert hint.startswith("hint: ")


def test_numbers_of_threads() -> None:
    assert thread_counts("1,2") == [1, 2]
    for text in ("", "-1", "two"):
        with pytest.raises(DiagnosticError):
            thread_counts(text)


def test_a_folder_stands_for_its_models_and_a_bundle_for_itself(folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    manifest, files, _ = compile_model(folder / "net.onnx", ["wasm"])
    write_bundle(bundle, manifest, files)
    assert model_paths([str(folder), str(bundle)]) == [folder / "net.onnx", bundle]
    drop_relaxed_modules(bundle)
    wasm = open_bundle(bundle).manifest["backends"].get("wasm")
    assert wasm is not None
    assert [module["features"] for module in wasm["modules"]] == [["simd"]]
