"""The classifiers inside the onnx package as wasm in wasmtime, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from helpers.light_models import light_model, randomize, without_softmax
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.support.weights import STORE, Bytes
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.commands.run import random_inputs
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle

MODELS = (
    *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
    *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
)
RANDOMIZED = ("densenet121", "inception_v1", "resnet50", "shufflenet", "squeezenet")
"""The smaller ones: they stand for all operators that there are."""


@pytest.fixture(autouse=True)
def _own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let go of the weights of a model when its test ends."""
    monkeypatch.setattr(STORE, "blobs", dict[str, Bytes]())


def compile_and_compare(path: Path, directory: Path) -> None:
    """Random inputs through a bundle of the model and through onnxruntime."""
    manifest, files, summary = compile_module(import_onnx(path), ["wasm"], name=path.stem)
    (wasm,) = summary.backends
    assert wasm.arena_bytes == wasm.arena_bound
    write_bundle(directory, manifest, files)
    with Session(directory) as session:
        inputs = random_inputs(session.inputs, seed=0)
        outputs = session.run(inputs)
    expected = Oracle(path).run(inputs)
    assert outputs.keys() == expected.keys()
    comparisons = {name: compare(value, expected[name]) for name, value in outputs.items()}
    assert all(c.within for c in comparisons.values()), comparisons


@pytest.mark.parametrize("name", MODELS)
def test_as_they_are(name: str, tmp_path: Path) -> None:
    compile_and_compare(light_model(name), tmp_path / "bundle")


@pytest.mark.parametrize("name", RANDOMIZED)
def test_with_random_weights(name: str, tmp_path: Path) -> None:
    model = onnx.load(light_model(name))
    randomize(model)
    without_softmax(model)
    path = tmp_path / f"{name}.onnx"
    onnx.save(model, path)
    compile_and_compare(path, tmp_path / "bundle")
