"""Long sums of equal elements, in which every addition rounds to the same side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model

VALUE = np.float32(0.1)


@pytest.mark.parametrize("size", [(255, 1), (80, 80), (6421, 1), (160, 160)])
@pytest.mark.parametrize("channels", ["last", "first"])
def test_errors_do_not_add_up(size: tuple[int, int], channels: str, tmp_path: Path) -> None:
    shape, axes = ([*size, 8], [0, 1]) if channels == "last" else ([8, *size], [1, 2])
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)
    manifest, files, _ = compile_model(
        write_model(tmp_path / "mean.onnx", make_model([node], {"x": shape}, {"y": [8]})), ["wasm"]
    )
    write_bundle(tmp_path / "bundle", manifest, files)
    with Session(tmp_path / "bundle", "wasmtime") as session:
        found = session.run({"x": np.full(shape, VALUE, np.float32)})["y"]
    np.testing.assert_allclose(np.asarray(found, np.float32), VALUE, rtol=4e-6)
