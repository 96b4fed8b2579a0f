"""A small model without each rule in turn: right in wasmtime, and another bundle where the rule has something to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper

from helpers.small_models import make_model, write_model
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.targets.rules import CPU_RULES, Rule
from webdnn.tools.ablation.builds import Built, built, cases, variants
from webdnn.tools.comparison import compare
from webdnn.tools.oracle import Oracle

IDLE = {
    "dnn-commute-resampling",
    "dnn-fold-constants",
    "dnn-form-integer-products",
    "dnn-hoist-invariants",
    "dnn-narrow-integers",
    "dnn-pack-nibbles",
    "dnn-trim-windows",
    "kernel-alternate-panels",
    "kernel-form-strips",
    "kernel-hoist-factors",
    "kernel-hoist-scales",
    "kernel-lower-peak",
    "kernel-order-computes",
    "kernel-pack-operands",
    "kernel-pair-steps",
    "kernel-prefetch-panels",
    "kernel-share-loops",
    "tensor-layout-elide-conversions",
}
"""Rules that have nothing to do: constants are folded by the importer too, the model is too small for others, and it
has neither attention nor steps nor weights of few bits."""


def everything() -> ModelProto:
    """One operator for each rule."""
    random = np.random.default_rng(0)

    def weight(*shape: int) -> NDArray[np.float32]:
        return (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    weights: Mapping[str, NDArray[np.generic]] = {
        "w1": weight(8, 4, 1, 1),
        "w2": weight(32, 32, 3, 3),
        "w3": weight(16, 8, 2, 2),
        "w4": weight(8, 8),
        "w5": weight(16, 32, 3, 3),
        "half": np.full(1, 0.5, np.float32),
        "bias": weight(8),
        "edges": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        **{name: np.abs(weight(8)) + np.float32(0.5) for name in ("scale", "shift", "mean", "variance")},
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "pointwise"),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["b"], "norm"),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("MaxPool", ["c"], ["d"], "pool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["half", "half"], ["quarter"], "constants"),
        helper.make_node("MaxPool", ["c"], ["d1"], "again", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["c"], ["e0"], "identity", kernel_shape=[1, 1]),
        helper.make_node("Mul", ["e0", "quarter"], ["e1"], "scaled"),
        helper.make_node("Tanh", ["e1"], ["e"], "bounded"),
        helper.make_node("Concat", ["d", "e", "c", "d1"], ["f"], "parts", axis=1),
        helper.make_node("Conv", ["f", "w2"], ["g"], "window", pads=[1, 1, 1, 1]),
        helper.make_node("Pad", ["g", "edges"], ["g0"], "padded"),
        helper.make_node("Conv", ["g0", "w5"], ["l"], "strided", strides=[2, 2]),
        helper.make_node("ConvTranspose", ["l", "w3"], ["h"], "twice", strides=[2, 2]),
        helper.make_node("ReduceMean", ["h"], ["i"], "mean", axes=[2], keepdims=0),
        helper.make_node("Transpose", ["i"], ["j"], "turned", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["j", "w4"], ["k0"], "product"),
        helper.make_node("Add", ["k0", "bias"], ["k"], "biased"),
        helper.make_node("Softmax", ["k"], ["y"], "softmax", axis=-1),
    ]
    return make_model(nodes, {"x": [1, 4, 14, 14]}, {"y": None}, weights)


@dataclass(frozen=True)
class Bench:
    """The model, its inputs, what onnxruntime makes of them, and the full build."""

    path: Path
    inputs: Mapping[str, NDArray[np.float32]]
    expected: Mapping[str, NDArray[np.generic]]
    full: Built

    def without(self, rules: tuple[Rule, ...], directory: Path) -> Built:
        """A build, whose outputs have been compared with those of onnxruntime."""
        found = built(import_onnx(self.path), "some", rules, 1, directory)
        with Session(directory) as session:
            for name, array in session.run(self.inputs).items():
                assert compare(array, self.expected[name]).within
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("rules")
    path = write_model(folder / "everything.onnx", everything())
    x = np.random.default_rng(1).standard_normal((1, 4, 14, 14)).astype(np.float32)
    return Bench(
        path, {"x": x}, Oracle(path).run({"x": x}), built(import_onnx(path), "nothing", (), 1, folder / "full")
    )


@pytest.mark.parametrize("rule", CPU_RULES, ids=lambda rule: rule.name)
def test_a_rule_can_be_left_out(rule: Rule, bench: Bench, tmp_path: Path) -> None:
    found = bench.without((rule,), tmp_path / "bundle")
    assert (found.digest == bench.full.digest) == (rule.name in IDLE)


def test_all_rules_can_be_left_out(bench: Bench, tmp_path: Path) -> None:
    found = bench.without(CPU_RULES, tmp_path / "bundle")
    assert found.summary.code_bytes < bench.full.summary.code_bytes / 4


def test_a_build_is_made_for_each_rule() -> None:
    assert [name for name, _ in cases()] == ["nothing", *(rule.name for rule in CPU_RULES), "everything"]
    assert [variant.name for variant in variants(1)] == ["relaxed"]
    assert [variant.name for variant in variants(2)] == ["relaxed-threads", "relaxed"]
