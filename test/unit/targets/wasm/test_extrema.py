"""The greater and the lesser of vectors, which are NaN where either is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

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
    ]
    shapes = {"max": [8, 16], "min": [8, 16], "reduced": [16]}
    model = make_model(nodes, {"a": [8, 16], "b": [8, 16]}, shapes)
    manifest, files, _ = compile_model(write_model(tmp_path / "extrema.onnx", model), ["wasm"])
    write_bundle(tmp_path / "bundle", manifest, files)
    with Session(tmp_path / "bundle", engine) as session:
        found = session.run({"a": a, "b": b})
    wanted = {"max": np.maximum(a, b), "min": np.minimum(a, b), "reduced": a.max(axis=0)}
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
