"""Every pass on tensors keeps the meaning of random functions; buffers, places and loops keep it in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from helpers.kernels import Case, kernel_functions, same
from helpers.memory import run_program
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.reference import run_function
from webdnn.passes.kernel.forming.collapse_axes import KernelCollapseAxesPass
from webdnn.passes.kernel.forming.expand_concat import KernelExpandConcatPass
from webdnn.passes.kernel.forming.expand_outside import KernelExpandOutsidePass
from webdnn.passes.kernel.forming.expand_stacks import KernelExpandStacksPass
from webdnn.passes.kernel.forming.flatten_buffers import KernelFlattenBuffersPass
from webdnn.passes.kernel.forming.form_kernels import KernelFormKernelsPass
from webdnn.passes.kernel.forming.split_axes import KernelSplitAxesPass
from webdnn.passes.kernel.fusion.fold_initial_values import KernelFoldInitialValuesPass
from webdnn.passes.kernel.fusion.fuse_producers import KernelFuseProducersPass
from webdnn.passes.kernel.fusion.fuse_repeated import KernelFuseRepeatedPass
from webdnn.passes.kernel.fusion.hoist_factors import KernelHoistFactorsPass
from webdnn.passes.kernel.fusion.split_shared_reductions import KernelSplitSharedReductionsPass
from webdnn.passes.kernel.fusion.stage_repeated import KernelStageRepeatedPass
from webdnn.passes.kernel.memory.assign_buffers import KernelAssignBuffersPass
from webdnn.passes.kernel.memory.assign_offsets import KernelAssignOffsetsPass
from webdnn.passes.kernel.memory.hoist_initializers import KernelHoistInitializersPass
from webdnn.passes.kernel.memory.order_computes import KernelOrderComputesPass
from webdnn.passes.kernel.packing.pack_operands import KernelPackOperandsPass
from webdnn.passes.kernel.packing.pack_weights import KernelPackWeightsPass
from webdnn.passes.kernel.packing.pad_operands import KernelPadOperandsPass
from webdnn.passes.kernel.splitting.form_strips import KernelFormStripsPass
from webdnn.passes.kernel.splitting.share_offsets import KernelShareOffsetsPass
from webdnn.passes.kernel.splitting.split_buffers import KernelSplitBuffersPass
from webdnn.passes.kernel.splitting.split_rows import KernelSplitRowsPass
from webdnn.support.dominance import verify_dominance
from webdnn.support.legality import stages_of, verify_stage
from webdnn.support.weights import Array
from webdnn.universe import ALL_STAGES

ON_TENSORS: dict[str, Callable[[], ModulePass]] = {
    "fuse-producers": KernelFuseProducersPass,
    "fuse-producers, few inputs": lambda: KernelFuseProducersPass(max_inputs=2),
    "fuse-producers, prologues": lambda: KernelFuseProducersPass(prologues=True),
    "split-shared-reductions": KernelSplitSharedReductionsPass,
    "fold-initial-values": KernelFoldInitialValuesPass,
    "fuse-repeated": KernelFuseRepeatedPass,
    "fuse-repeated, few inputs": lambda: KernelFuseRepeatedPass(max_inputs=2),
    "pack-weights": lambda: KernelPackWeightsPass(panel=4, align=2),
    "pad-operands": KernelPadOperandsPass,
    "stage-repeated": KernelStageRepeatedPass,
    "hoist-factors": KernelHoistFactorsPass,
    "pack-operands": lambda: KernelPackOperandsPass(panel=2, stride=1),
    "split-rows": KernelSplitRowsPass,
    "expand-concat": lambda: KernelExpandConcatPass(most=2),
}
FUSION = (
    KernelFuseProducersPass(),
    KernelStageRepeatedPass(),
    KernelSplitSharedReductionsPass(),
    KernelHoistFactorsPass(),
    KernelFuseProducersPass(),
    KernelFoldInitialValuesPass(),
    KernelFuseRepeatedPass(launch=200),
)
PLANNED = (KernelPackWeightsPass(panel=4), KernelPackOperandsPass(panel=4, stride=1), KernelPadOperandsPass())
KERNELS = (KernelHoistInitializersPass(), KernelAssignOffsetsPass(), KernelFormKernelsPass())
FLAT = (KernelExpandOutsidePass(), KernelFlattenBuffersPass(), KernelSplitAxesPass(), KernelCollapseAxesPass())

bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def applied(module: ModuleOp, passes: Sequence[ModulePass]) -> ModuleOp:
    """A copy of the module after passes, each of which leaves valid IR, and its stage."""
    own = module.clone()
    for module_pass in passes:
        module_pass.apply(Context(), own)
        own.verify()
        verify_dominance(own)
        if stage := stages_of(module_pass).after:
            verify_stage(own, ALL_STAGES[stage]())
    return own


def wanted(case: Case) -> list[Array]:
    return run_function(case.module, case.inputs)


def has_no_scan(case: Case) -> bool:
    return not any(isinstance(op, ScanOp) for op in case.module.walk())


@pytest.mark.parametrize("name", ON_TENSORS)
@bounded
@given(case=kernel_functions())
def test_passes_on_tensors(name: str, case: Case) -> None:
    same(run_function(applied(case.module, [ON_TENSORS[name]()]), case.inputs), wanted(case))


@bounded
@given(case=kernel_functions(steps=8))
def test_all_passes_on_tensors(case: Case) -> None:
    same(run_function(applied(case.module, [*FUSION, *PLANNED]), case.inputs), wanted(case))


@pytest.mark.parametrize("in_place", [True, False])
@bounded
@given(case=kernel_functions(steps=8))
def test_buffers(in_place: bool, case: Case) -> None:
    """Without fusion there are more buffers, places and views."""
    passes = [*PLANNED, KernelAssignBuffersPass(in_place), *KERNELS]
    same(run_program(applied(case.module, passes), case.inputs), wanted(case))


@bounded
@given(case=kernel_functions(steps=8))
def test_strips(case: Case) -> None:
    passes = [*PLANNED, KernelAssignBuffersPass(), KernelFormStripsPass(limit=32), *KERNELS]
    same(run_program(applied(case.module, passes), case.inputs), wanted(case))


@bounded
@given(case=kernel_functions(steps=8).filter(has_no_scan))
def test_rows_in_strips(case: Case) -> None:
    """Buffers whose bytes live one by one, and one kernel for strips that differ in their place; scans are not cut."""
    split = [*FUSION, *PLANNED, KernelSplitRowsPass(), KernelAssignBuffersPass(), KernelHoistInitializersPass()]
    placed = [KernelOrderComputesPass(), KernelAssignOffsetsPass(parts=True, enough=1 << 12), KernelShareOffsetsPass()]
    formed = [KernelFormKernelsPass(), *FLAT, KernelAssignOffsetsPass(parts=True, enough=1 << 12)]
    same(run_program(applied(case.module, [*split, *placed, *formed]), case.inputs), wanted(case))


@bounded
@given(case=kernel_functions(steps=8))
def test_kernels_on_flat_buffers(case: Case) -> None:
    passes = [*FUSION, *PLANNED, KernelAssignBuffersPass(), *KERNELS, *FLAT]
    same(run_program(applied(case.module, passes), case.inputs), wanted(case))


@bounded
@given(case=kernel_functions(), in_place=st.booleans())
def test_buffers_in_pieces(case: Case, in_place: bool) -> None:
    """Pieces of a few elements; every kernel may have as many of them as it needs."""
    graph = [KernelExpandConcatPass(), KernelExpandStacksPass(), KernelPackWeightsPass(), *FUSION]
    buffers = [KernelAssignBuffersPass(in_place), *KERNELS, *FLAT]
    pieces = [KernelSplitBuffersPass(bytes=48, bindings=1000), KernelAssignOffsetsPass()]
    found = run_program(applied(case.module, [*graph, *buffers, *pieces]), case.inputs)
    expected = wanted(case)
    same([array.reshape(like.shape) for array, like in zip(found, expected, strict=True)], expected)
