"""Inputs and outputs without elements, compiled and run on every backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module


@pytest.mark.parametrize(
    ("target", "backend"),
    [("wasm", None), ("js", "js"), ("webgpu", "webgpu"), ("webgl", "webgl2"), ("webgl", "webgl1")],
)
def test_nothing_goes_in_and_comes_out(target: str, backend: str | None, browser: Browser, tmp_path: Path) -> None:
    nodes = [helper.make_node("Transpose", ["e"], ["t"]), helper.make_node("Neg", ["x"], ["y"])]
    inputs = [helper.make_tensor_value_info("e", TensorProto.INT64, ["N", 3])]
    inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]))
    outputs = [helper.make_tensor_value_info("t", TensorProto.INT64, [3, "N"])]
    outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [2]))
    graph = helper.make_graph(nodes, "empty", inputs, outputs)
    module = import_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), dims={"N": 0})
    manifest, files, _ = compile_module(module, [target], name="empty")
    write_bundle(tmp_path / "bundle", manifest, files)
    engine: Engine = Wasmtime() if backend is None else Chromium(backend, browser)
    with Session(tmp_path / "bundle", engine) as session:
        found = session.run({"e": np.zeros((0, 3), np.int64), "x": np.ones(2, np.float32)})
    assert found["t"].shape == (3, 0)
    np.testing.assert_array_equal(found["y"], [-1, -1])
