"""Every pass keeps what random graphs compute, and finds something to do in some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from onnx import helper
from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f32
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from helpers.execution import run_buffers
from helpers.small_models import make_model
from random_graphs import passes
from random_graphs.passes import passes_for, run_seed, summary
from validation.compiled import module_after
from validation.kernel_programs import Case
from validation.program_cases import CASES, REFUSALS, TOO_LARGE, assert_close
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.targets.pipelines import JS_PASSES, WGSL_PASSES
from webdnn.tools.changes import all_passes

NAMES = frozenset(all_passes())
WITH_PRODUCTS = 16
FAST = ((3, "wasm"), (5, "wasm"), (2, "js"), (6, "js"), (3, "webgpu"), (4, "webgpu"), (7, "webgl"), (12, "webgl"))


@pytest.mark.parametrize(("seed", "target"), FAST)
def test_passes(seed: int, target: str) -> None:
    found = run_seed(NAMES, [target], seed)
    assert [o for o in found if o.status == "wrong"] == []
    assert sum(o.changed for o in found) > 10, summary(found)


@dataclass(frozen=True)
class Halving(ModulePass):
    """Half of what every product gives: a pass that is wrong."""

    name = "halving"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for product in [o for o in op.walk() if isinstance(o, arith.MulfOp) and o.result.type == f32]:
            half = arith.ConstantOp(FloatAttr(0.5, f32))
            halved = arith.MulfOp(product.result, half.result)
            product.result.replace_all_uses_with(halved.result)
            halved.operands[0] = product.result
            Rewriter.insert_op([half, halved], InsertPoint.after(product))


@pytest.mark.parametrize("behind", ["kernel-fuse-producers", "kernel-form-kernels", "kernel-map-points"])
def test_a_wrong_pass_is_found(behind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_wrong(target: str, seed: int) -> Sequence[ModulePass]:
        own = list(passes_for(target, seed))
        own.insert([p.name for p in own].index(behind) + 1, Halving())
        return own

    monkeypatch.setattr(passes, "passes_for", with_wrong)
    found = run_seed(frozenset({"halving"}), ["webgpu"], WITH_PRODUCTS)
    assert [o.name for o in found if o.status == "wrong"] == ["halving"]


@pytest.mark.parametrize("pipeline", [(), JS_PASSES, WGSL_PASSES], ids=["flat", "js", "wgsl"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_programs_are_executed(case: Case, pipeline: Sequence[str]) -> None:
    if pipeline == WGSL_PASSES and ((case.name, "webgpu") in REFUSALS or (case.name, "webgpu") in TOO_LARGE):
        pipeline = ()
    found = run_buffers(module_after(case.module, pipeline), case.inputs, placed=bool(pipeline))
    for array, expected in zip(found, case.outputs, strict=True):
        assert_close(case, array.astype(expected.dtype), expected)


def test_tiles_read_through_a_view() -> None:
    """The places of a tile, taken from those behind a reshape, cannot be proven to lie inside of it."""
    generator = np.random.default_rng(0)
    w, x = (generator.standard_normal(shape).astype(np.float32) for shape in ((32, 32, 3, 3), (1, 32, 16, 16)))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["c", "shape"], ["r"]),
        helper.make_node("Relu", ["r"], ["y"]),
    ]
    weights = {"w": w, "shape": np.array([8, -1, 4, 1, 2])}
    module = import_onnx(make_model(nodes, {"x": x.shape}, {"y": [8, 128, 4, 1, 2]}, weights))
    found = passes.Walk(0, "wasm", module, [x], [], NAMES).run()
    assert [o.reason for o in found if o.status != "ok"] == []
    assert "dnn-select-algorithms" in {o.name for o in found if o.changed}
