"""Mistakes of the 2018 system, each as a case that our passes must get right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from helpers.small_models import make_model
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.targets.pipelines import GRAPH, PIPELINES
from webdnn.tools.compiler import Compiler, compile_module
from webdnn.tools.context import new_context


def test_folding_inside_a_split_keeps_every_part() -> None:
    """There, folding what a split cut orphaned the split's target, and weights were lost."""
    generator = np.random.default_rng(0)
    weights, x = (generator.standard_normal((4, 6)).astype(np.float32) for _ in range(2))
    nodes = [
        helper.make_node("Neg", ["w"], ["n"]),
        helper.make_node("Split", ["n", "sizes"], ["a", "b", "c"], axis=1),
        helper.make_node("Concat", ["c", "a", "b"], ["turned"], axis=1),
        helper.make_node("Add", ["x", "turned"], ["y"]),
        helper.make_node("Identity", ["b"], ["z"]),
    ]
    sizes = np.array([1, 2, 3], np.int64)
    model = make_model(nodes, {"x": (4, 6)}, {"y": (4, 6), "z": (4, 2)}, {"w": weights, "sizes": sizes})
    module = import_onnx(model)
    expected = [x - np.concatenate([weights[:, 3:], weights[:, :1], weights[:, 1:3]], axis=1), -weights[:, 1:3]]
    compiler = Compiler(new_context())
    for stage in (GRAPH, PIPELINES["wasm"].passes()[:8]):
        for found, wanted in zip(run_function(module, [x]), expected, strict=True):
            np.testing.assert_allclose(found.astype(np.float32), wanted, rtol=1e-6)
        compiler.run("test", module, stage)


def test_an_operand_with_another_reader_is_not_overwritten(tmp_path: Path) -> None:
    """There, h = conv(x); y = h + conv(relu(h)) put h and relu(h) at one place, and pre-activation ResNets broke."""
    generator = np.random.default_rng(1)
    weights = {name: generator.standard_normal((3, 3, 1, 1)).astype(np.float32) for name in ("v", "w")}
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["c"]),
        helper.make_node("Add", ["h", "c"], ["y"]),
    ]
    module = import_onnx(make_model(nodes, {"x": (1, 3, 4, 4)}, {"y": (1, 3, 4, 4)}, weights))
    x = generator.standard_normal((1, 3, 4, 4)).astype(np.float32)
    (expected,) = run_function(module, [x])
    manifest, files, _ = compile_module(module, ["wasm"], name="preactivation")
    write_bundle(tmp_path / "bundle", manifest, files)
    with Session(tmp_path / "bundle") as session:
        found = session.run({"x": x})["y"].astype(np.float32)
    np.testing.assert_allclose(found, expected.astype(np.float32), rtol=1e-5, atol=1e-6)
