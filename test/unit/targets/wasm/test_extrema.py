"""The greater and the lesser of vectors, which are NaN where either is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model


@pytest.mark.parametrize("engine", ["wasmtime", "wasmtime:simd"])
def test_either_nan_is_kept(engine: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((8, 16)).astype(np.float32) for _ in range(2))
    for x in (a, b):
        x[random.random(x.shape) < 0.2] = np.nan
    nodes = [
        helper.make_node("Max", ["a", "b"], ["max"]),
        helper.make_node("Min", ["a", "b"], ["min"]),
        helper.make_node("ReduceMax", ["a"], ["reduced"], axes=[0], keepdims=0),
        helper.make_node("ArgMax", ["a"], ["greatest"], axis=0, keepdims=0),
        helper.make_node("ArgMin", ["b"], ["least"], axis=1, keepdims=0, select_last_index=1),
        helper.make_node("Cast", ["greatest"], ["first"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["least"], ["last"], to=TensorProto.FLOAT),
    ]
    shapes = {"max": [8, 16], "min": [8, 16], "reduced": [16], "first": [16], "last": [8]}
    model = make_model(nodes, {"a": [8, 16], "b": [8, 16]}, shapes)
    manifest, files, _ = compile_model(write_model(tmp_path / "extrema.onnx", model), ["wasm"])
    write_bundle(tmp_path / "bundle", manifest, files)
    with Session(tmp_path / "bundle", engine) as session:
        found = session.run({"a": a, "b": b})
    first = np.where(np.isnan(a).any(axis=0), 0, a.argmax(axis=0))
    last = np.where(np.isnan(b).any(axis=1), 15, b.argmin(axis=1))
    wanted = {"max": np.maximum(a, b), "min": np.minimum(a, b), "reduced": a.max(axis=0), "first": first, "last": last}
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
