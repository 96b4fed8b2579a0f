"""`webdnn-translate`: models to text with weights beside it, options, and errors of one line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from webdnn.support.weights import STORE
from webdnn.tools.opt import main as optimize
from webdnn.tools.translate import main


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """y = x + w + s, with a symbolic dimension and weights that are not inline."""
    nodes = [helper.make_node("Add", ["x", "w"], ["a"], name="sum"), helper.make_node("Mul", ["a", "s"], ["y"])]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, d) for n, d in (("x", ["N", 40]), ("s", []))]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    held = [numpy_helper.from_array(np.linspace(0, 1, 40, dtype=np.float32), "w")]
    graph = helper.make_graph(nodes, "test", inputs, outputs, held)
    path = tmp_path / "model.onnx"
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(proto.SerializeToString())
    return path


def test_text_and_weights(model: Path) -> None:
    np.save(model.with_name("s.npy"), np.float32(3))
    target = model.with_name("out.mlir")
    constant = f"s={model.with_name('s.npy')}"
    assert main(["--import-onnx", str(model), "--dim", "N=2", "--constant", constant, "-o", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert 'dnn.weights = ["out.safetensors"]' in text
    assert 'loc("sum")' in text
    assert "tensor<2x40xf32>" in text
    assert "%s" not in text
    STORE.files.clear()
    again = model.with_name("again.mlir")
    assert main([str(target), "-o", str(again)]) == 0
    assert 'dnn.weights = ["out.safetensors"]' in again.read_text(encoding="utf-8")


def test_text_to_standard_output(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--import-onnx", str(model), "--dim", "N=1..3", "--output", "a"]) == 0
    printed = capsys.readouterr().out
    assert '{dnn.name = "N.size", dnn.sizes = ["N", 1 : i64, 3 : i64]}' in printed
    assert "dnn.counted = array<i64: 0, " in printed
    assert main(["--import-onnx", str(model), "--dim", "N=2", "--output", "a"]) == 0
    captured = capsys.readouterr()
    assert 'dnn.name = "a"' in captured.out
    assert "weights are written only with -o" in captured.err
    assert not list(model.parent.glob("*.safetensors"))


ERRORS: list[tuple[list[str], str]] = [
    (["--import-onnx", "MODEL"], "--dim N=1"),
    (["--import-onnx", "MODEL", "--dim", "N"], "write it as --dim NAME=VALUE"),
    (["--import-onnx", "MODEL", "--dim", "N=two"], "--dim N=two"),
    (["--import-onnx", "MODEL", "--constant", "s=/nowhere.npy"], "No such file"),
    (["--import-onnx", "MODEL", "--constant", "s=MODEL"], "--constant s="),
    (["--import-onnx", "MODEL", "--emit", "cobol"], "unknown language 'cobol'"),
    (["--import-onnx", "MODEL", "--frobnicate"], "--help"),
    ([], "--import-onnx"),
    (["/nowhere.mlir"], "No such file"),
    (["--import-onnx", "/nowhere.onnx"], "no such file"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_errors(model: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert main([option.replace("MODEL", str(model)) for option in options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("webdnn-translate: error: ")
    assert message in error
    assert "internal error" not in error


def test_names_that_end_in_numbers_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a", "a_1", "a_1_2", "a_2", "_1", "y"]
    nodes = [helper.make_node("Relu", [x], [y]) for x, y in pairwise(["x", *names])]
    (x, y) = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    proto = helper.make_model(helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", 18)])
    model, text = tmp_path / "model.onnx", tmp_path / "model.mlir"
    proto.ir_version = 10
    model.write_bytes(proto.SerializeToString())
    assert main(["--import-onnx", str(model), "-o", str(text)]) == 0
    assert optimize([str(text)]) == 0
    assert capsys.readouterr().out.count("dnn.relu") == len(names)
