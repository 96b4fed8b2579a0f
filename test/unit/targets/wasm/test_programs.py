"""Random kernel functions through the whole wasm pipeline, with chosen and with random schedules, in all variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from helpers.kernels import Case, kernel_functions, same
from helpers.schedules import scheduled
from helpers.wasm import run_wasm
from webdnn.dialects.kernel.reference import run_function
from webdnn.passes.kernel.forming.collapse_axes import KernelCollapseAxesPass
from webdnn.passes.kernel.forming.expand_outside import KernelExpandOutsidePass
from webdnn.passes.kernel.forming.flatten_buffers import KernelFlattenBuffersPass
from webdnn.passes.kernel.forming.form_kernels import KernelFormKernelsPass
from webdnn.passes.kernel.fusion.fold_initial_values import KernelFoldInitialValuesPass
from webdnn.passes.kernel.fusion.fuse_producers import KernelFuseProducersPass
from webdnn.passes.kernel.fusion.split_shared_reductions import KernelSplitSharedReductionsPass
from webdnn.passes.kernel.memory.assign_buffers import KernelAssignBuffersPass
from webdnn.passes.kernel.memory.assign_offsets import KernelAssignOffsetsPass
from webdnn.passes.kernel.memory.hoist_initializers import KernelHoistInitializersPass
from webdnn.passes.kernel.packing.pack_weights import KernelPackWeightsPass
from webdnn.passes.kernel.packing.pad_operands import KernelPadOperandsPass
from webdnn.passes.kernel.scheduling.fit import misfit
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.prefetch_panels import KernelPrefetchPanelsPass
from webdnn.passes.kernel.scheduling.select_schedule import computes
from webdnn.passes.kernel.scheduling.share_loops import KernelShareLoopsPass
from webdnn.support.scheduling.candidates import variations
from webdnn.targets.wasm.lowering import Lowering, kernels_in
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.tune.search import candidates, plan_of

PASSES: tuple[ModulePass, ...] = (
    KernelFuseProducersPass(),
    KernelSplitSharedReductionsPass(),
    KernelFuseProducersPass(),
    KernelFoldInitialValuesPass(),
    KernelPackWeightsPass(panel=8),
    KernelPadOperandsPass(),
    KernelAssignBuffersPass(),
    KernelHoistInitializersPass(),
    KernelAssignOffsetsPass(),
    KernelFormKernelsPass(),
    KernelExpandOutsidePass(),
    KernelFlattenBuffersPass(),
    KernelCollapseAxesPass(),
)

EAGER = KernelShareLoopsPass(chunks=4, nanoseconds=1)
"""Even the smallest kernel in chunks"""


def always(passes: Sequence[ModulePass]) -> Sequence[ModulePass]:
    """Prefetch panels of the smallest buffers too."""
    always = KernelPrefetchPanelsPass(bytes=0)
    return [always if isinstance(p, KernelPrefetchPanelsPass) else p for p in passes]


TRIED = [replace(variant, sharing=EAGER, rewrite=always) for variant in VARIANTS]

bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def kernels(case: Case) -> ModuleOp:
    module = case.module.clone()
    for module_pass in PASSES:
        module_pass.apply(Context(), module)
    return module


@pytest.mark.parametrize("variant", TRIED, ids=lambda variant: variant.name)
@bounded
@given(case=kernel_functions())
def test_chosen_schedules(variant: Variant, case: Case) -> None:
    same(run_wasm(kernels(case), case.inputs, variant), run_function(case.module, case.inputs))


@bounded
@given(case=kernel_functions())
def test_variants_lowered_together_are_those_lowered_alone(case: Case) -> None:
    for kernel in kernels_in(kernels(case)):
        together = Lowering(kernel, Context()).code(TRIED)
        for variant, code in zip(TRIED, together, strict=True):
            assert [code] == Lowering(kernel, Context()).code([variant])


@pytest.mark.parametrize("variant", TRIED, ids=lambda variant: variant.name)
@bounded
@given(case=kernel_functions(), seed=st.integers(0, 1 << 30))
def test_random_schedules(variant: Variant, case: Case, seed: int) -> None:
    module = kernels(case)
    scheduled(module, Random(seed).randrange)
    for compute in computes(module):
        plan = Plan.of(compute)
        assert plan is not None
        assert misfit(compute, plan) is None
    same(run_wasm(module, case.inputs, variant), run_function(case.module, case.inputs))


@pytest.mark.parametrize("variant", VARIANTS[:2], ids=lambda variant: variant.name)
@bounded
@given(case=kernel_functions(), seed=st.integers(0, 1 << 30))
def test_candidates_of_tuning(variant: Variant, case: Case, seed: int) -> None:
    module, random = kernels(case), Random(seed)
    for compute in computes(module):
        blocks = candidates(compute, variant.scheduled_for)
        if not blocks:
            continue
        block = random.choice(blocks)
        plan = plan_of(compute, random.choice([block, *variations(block)]))
        assert misfit(compute, plan) is None
        plan.apply(compute)
    same(run_wasm(module, case.inputs, variant), run_function(case.module, case.inputs))
