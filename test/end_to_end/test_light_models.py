"""The classifiers inside the onnx package as wasm in wasmtime, against onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bench.light_models import light_model, randomize, without_softmax
from onnx import ModelProto

from helpers.small_models import write_model
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.runner.python.sizes import Inputs
from webdnn.support.weights import STORE, Bytes
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.commands.run import random_inputs
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle

PLAIN = ("bvlc_alexnet", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19", "zfnet512")
"""All but DenseNet, whose outputs are one number, thousandfold, as long as its weights are constants."""

RANDOMIZED = ("densenet121", "inception_v1", "resnet50", "shufflenet", "squeezenet")
"""Those of less than 100 MB, which have all operators that there are."""


@pytest.fixture(autouse=True)
def _own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let go of the weights of a model when its test ends."""
    monkeypatch.setattr(STORE, "blobs", dict[str, Bytes]())


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that is gone after the test, unlike pytest's, for files of hundreds of megabytes."""
    with TemporaryDirectory() as directory:
        yield Path(directory)


def compile_and_compare(path: Path, directory: Path) -> None:
    """Random inputs through a bundle of the model and through onnxruntime."""
    manifest, files, summary = compile_module(import_onnx(path), ["wasm"], name=path.stem)
    (wasm,) = summary.backends
    assert wasm.arena_bytes == wasm.arena_bound
    write_bundle(directory, manifest, files)
    with Session(directory) as session:
        inputs = random_inputs(Inputs(session.inputs), seed=0)
        outputs = session.run(inputs)
    expected = Oracle(path).run(inputs)
    assert outputs.keys() == expected.keys()
    comparisons = {name: compare(value, expected[name]) for name, value in outputs.items()}
    assert all(c.within for c in comparisons.values()), comparisons


@pytest.mark.parametrize("name", PLAIN)
def test_as_they_are(name: str, place: Path) -> None:
    compile_and_compare(light_model(name), place / "bundle")


@pytest.mark.parametrize("name", RANDOMIZED)
def test_with_random_weights(name: str, place: Path) -> None:
    model = ModelProto.FromString(light_model(name).read_bytes())
    randomize(model)
    without_softmax(model)
    path = write_model(place / f"{name}.onnx", model)
    compile_and_compare(path, place / "bundle")
