"""Kernels whose workgroups share sums by subgroups compute what they should, however a device forms subgroups."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr

from helpers.execution import run_buffers
from helpers.subgroups import Forming, neighbours, numbered_from, scattered, shuffled
from validation.compiled import module_after
from validation.kernel_programs import Case
from validation.program_cases import assert_close
from validation.workgroup_programs import least_of_all, long_softmax, product
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.mapping.subgroups import SUBGROUPS
from webdnn.targets.pipelines import WGSL_PASSES

CASES = (
    product("long_sums", 1, 1026, 24),
    product("wide_sums", 1, 1024, 512),
    product("long_sums_of_rows", 3, 200, 10),
    long_softmax(2, 300),
    least_of_all(3, 700),
)
FORMINGS: dict[str, Forming] = {
    **{f"neighbours{size}": neighbours(size) for size in (1, 2, 4, 8, 16, 32, 64, 128, 24)},
    **{f"scattered{size}": scattered(size) for size in (4, 32, 128)},
    "numbered_from_64": numbered_from(64, 32),
    **{f"shuffled{size}": shuffled(size) for size in (8, 32, 10)},
}


def only(module: ModuleOp, variant: str) -> ModuleOp:
    """The module whose calls are to the variants of that name."""
    kernels = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, FuncOp)}
    for call in [op for op in module.walk() if isinstance(op, CallOp)]:
        others = [name.data for name in kernels[call.callee.root_reference.data].others]
        (chosen,) = [name for name in others if (kind := kernels[name].variant) and kind.data == variant]
        call.callee = SymbolRefAttr(chosen)
    return module


@pytest.mark.parametrize("stage", ["kernel-map-groups", "kernel-lower-blocks", "wgsl-legalize"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sums_are_right_in_subgroups_of_every_kind(case: Case, stage: str) -> None:
    names = [name.partition("{")[0] for name in WGSL_PASSES]
    module = only(module_after(case.module, WGSL_PASSES[: names.index(stage) + 1]), SUBGROUPS)
    for form in FORMINGS.values():
        (found,) = run_buffers(module, case.inputs, placed=False, form=form)
        assert_close(case, found, case.outputs[0])
