"""`webdnn-opt` on modules with weights: read from files beside the text, new ones written beside the output."""

from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.support.weights import STORE
from webdnn.tools.opt import main as opt
from webdnn.tools.translate import main as translate


def translated(directory: Path, seed: int) -> Path:
    """A model as text, with a weight file beside it; the store of the process knows no weights of this seed yet."""
    model, path = write_model(directory / "model.onnx", perceptron(seed)), directory / "model.mlir"
    assert translate(["--import-onnx", str(model), "-o", str(path)]) == 0
    assert path.with_suffix(".safetensors").exists()
    return path


def test_new_weights_go_beside_the_output(tmp_path: Path) -> None:
    text, packed = translated(tmp_path, 101), tmp_path / "packed.mlir"
    passes = "convert-tensor-layout-to-kernel,kernel-pack-weights{panel=8}"
    assert opt([str(text), "--pass-pipeline", passes, "-o", str(packed)]) == 0
    assert "packed.safetensors" in packed.read_text()
    assert opt([str(packed), "--pass-pipeline", "kernel-fold-constant-reads", "-o", str(tmp_path / "again.mlir")]) == 0


def test_a_missing_weight_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = translated(tmp_path, 102)
    STORE.files.clear()
    text.with_suffix(".safetensors").unlink()
    assert opt([str(text), "--pass-pipeline", "dnn-fold-constants"]) == 1
    message = capsys.readouterr().err
    assert "model.safetensors" in message
    assert message.count("\n") == 2
