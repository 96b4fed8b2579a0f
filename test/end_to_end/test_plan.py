"""The memory plans of whole models: as small as any can be, and never a byte overwritten that is still needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.light_models import light_model
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import OpResult, SSAValue

from helpers.peers import generated_model, shared_model
from helpers.plan import check_plan
from webdnn.dialects.kernel.program import AllocOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.passes.kernel.memory.assign_buffers import Buffers, copy_outputs, copy_parts, mark_once
from webdnn.passes.kernel.memory.assign_offsets import ARENA_BOUND, ARENA_BYTES, MEMORY_BOUND, MEMORY_BYTES
from webdnn.passes.kernel.memory.places import shape
from webdnn.passes.kernel.memory.scan_buffers import prepare_scans
from webdnn.targets.pipelines import GRAPH, PIPELINES
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context
from webdnn.tools.summary import noted

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
MODELS: Mapping[str, Callable[[str], Path]] = {
    "digits": lambda _: DIGITS,
    **dict.fromkeys(("mnist", "ultraface-rfb-320"), shared_model),
    **dict.fromkeys(
        ("mnist_cnn", "squeezenet11", "mobilenetv2", "resnet18", "resnet50", "minilm_l6", "lstm_audio"), generated_model
    ),
    **dict.fromkeys(("densenet121", "inception_v1", "inception_v2", "shufflenet", "squeezenet"), light_model),
}


@dataclass(frozen=True)
class Unplanned:
    """A model on tensors, just before its buffers are assigned, and the passes that plan."""

    module: ModuleOp
    passes: tuple[str, str]

    @classmethod
    def of(cls, path: Path, backend: str) -> Unplanned:
        module, passes = import_onnx(path), PIPELINES[backend].passes()
        first = next(i for i, text in enumerate(passes) if text.startswith("kernel-assign-buffers"))
        # Strips make several computes of one: they have tests of their own.
        before = [text for text in passes[:first] if not text.startswith("kernel-lower-peak")]
        Compiler(new_context()).run(backend, module, (*GRAPH, *before))
        (main,) = [op for op in module.body.block.ops if isinstance(op, func.FuncOp)]
        returned = main.body.block.last_op
        assert isinstance(returned, func.ReturnOp)
        # What `kernel-assign-buffers` begins with, and then finds nothing more to do.
        prepare_scans(main.body.block)
        copy_outputs(returned)
        copy_parts(main.body.block)
        mark_once(main.body.block)
        plan = next(text for text in passes[first:] if text.startswith("kernel-assign-offsets"))
        return cls(module, (passes[first], plan))

    def planned(self) -> ModuleOp:
        """A copy, with every buffer in its place."""
        module = self.module.clone()
        Compiler(new_context()).run("plan", module, self.passes)
        return module


@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
@pytest.mark.parametrize("name", MODELS)
def test_plans_are_optimal_and_clobber_nothing(name: str, backend: str) -> None:
    model = Unplanned.of(MODELS[name](name), backend)
    planned = model.planned()
    assert noted(planned, ARENA_BYTES) == noted(planned, ARENA_BOUND)
    assert noted(planned, MEMORY_BYTES) == noted(planned, MEMORY_BOUND)
    check_plan(model.module, planned)


def test_buffers_in_one_place_are_found() -> None:
    model = Unplanned.of(light_model("squeezenet"), "wasm")
    planned = model.planned()
    for op in planned.walk():
        if isinstance(op, AllocOp):
            op.at = IntegerAttr(0, i64)
    with pytest.raises(AssertionError, match=r"overwritten|what another writes"):
        check_plan(model.module, planned)


def same_size(buffers: Buffers, op: ComputeOp, result: OpResult, root: SSAValue) -> bool:
    """A rule for overwriting operands that leaves out how they are read, and for how long they are needed."""
    return shape(root) == shape(result) and isinstance(root.owner, ComputeOp)


def test_results_over_operands_that_others_need_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Unplanned.of(light_model("shufflenet"), "wasm")
    monkeypatch.setattr(Buffers, "may_overwrite", same_size)
    planned = model.planned()
    with pytest.raises(AssertionError, match=r"overwritten|what another writes"):
        check_plan(model.module, planned)
