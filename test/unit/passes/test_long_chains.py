"""Chains of hundreds of operators that could all be one kernel, and whose constants could go all the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model

LENGTH = 300
FACTOR = np.array(0.9, np.float32)


@pytest.mark.parametrize("computed", [False, True])
def test_a_polynomial(computed: bool, tmp_path: Path) -> None:
    """x = x * c + u, again and again, where u is an input or computed anew for each step."""
    nodes, last = list[NodeProto](), "x"
    for i in range(LENGTH):
        if computed:
            nodes.append(helper.make_node("MatMul", ["u", "w"], [f"p{i}"]))
            nodes.append(helper.make_node("Relu", [f"p{i}"], [f"u{i}"]))
        nodes += [
            helper.make_node("Mul", [last, "c"], [f"m{i}"]),
            helper.make_node("Add", [f"m{i}", f"u{i}" if computed else "u"], [f"a{i}"]),
        ]
        last = f"a{i}"
    weights = {"c": FACTOR, "w": np.eye(8, dtype=np.float32)}
    model = make_model(nodes, {"x": [1, 8], "u": [1, 8]}, {last: [1, 8]}, weights)
    manifest, files, _ = compile_model(write_model(tmp_path / "chain.onnx", model), ["wasm"])
    write_bundle(tmp_path / "bundle", manifest, files)
    u = np.abs(np.random.default_rng(0).standard_normal((1, 8))).astype(np.float32)
    with Session(tmp_path / "bundle", "wasmtime") as session:
        found = session.run({"x": u, "u": u})[last]
    expected = u
    for _ in range(LENGTH):
        expected = expected * FACTOR + u
    np.testing.assert_allclose(np.asarray(found, np.float32), expected, rtol=1e-5)
