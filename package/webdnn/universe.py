"""What WebDNN registers: the one list of its dialects, passes, targets and stages, each loaded only when asked for.

Every entry is `"name": "module:Object"`. The entry point `xdsl.universe` makes dialects, passes and targets known
to `webdnn-opt` and to plain `xdsl-opt`; documentation and tests walk the same tables.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import TypeVar

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.target import Target

from webdnn.support.legality import Stage

DIALECTS: dict[str, str] = {
    "dnn": "webdnn.dialects.dnn:DNN",
    "tensor_layout": "webdnn.dialects.tensor_layout:TENSOR_LAYOUT",
    "kernel": "webdnn.dialects.kernel:KERNEL",
    "wasm_simd": "webdnn.targets.wasm.dialect:WASM_SIMD",
}
"""Dialect name → its `Dialect` object; from the highest level to the lowest."""

PASSES: dict[str, str] = {
    "dnn-infer-shapes": "webdnn.passes.dnn.infer_shapes:DnnInferShapesPass",
    "dnn-fold-constants": "webdnn.passes.dnn.fold_constants:DnnFoldConstantsPass",
    "dnn-elide-identities": "webdnn.passes.dnn.elide_identities:DnnElideIdentitiesPass",
    "dnn-elide-duplicates": "webdnn.passes.dnn.elide_duplicates:DnnElideDuplicatesPass",
    "dnn-absorb-moves": "webdnn.passes.dnn.absorb_moves:DnnAbsorbMovesPass",
    "dnn-trim-windows": "webdnn.passes.dnn.trim_windows:DnnTrimWindowsPass",
    "dnn-aggregate-constants": "webdnn.passes.dnn.aggregate_constants:DnnAggregateConstantsPass",
    "dnn-commute-resampling": "webdnn.passes.dnn.commute_resampling:DnnCommuteResamplingPass",
    "dnn-narrow-integers": "webdnn.passes.dnn.narrow_integers:DnnNarrowIntegersPass",
    "dnn-pad-empty-tensors": "webdnn.passes.dnn.pad_empty_tensors:DnnPadEmptyTensorsPass",
    "dnn-compress-weights": "webdnn.passes.dnn.compress_weights:DnnCompressWeightsPass",
    "dnn-form-integer-products": "webdnn.passes.dnn.form_integer_products:DnnFormIntegerProductsPass",
    "dnn-pack-nibbles": "webdnn.passes.dnn.pack_nibbles:DnnPackNibblesPass",
    "dnn-hoist-invariants": "webdnn.passes.dnn.hoist_invariants:DnnHoistInvariantsPass",
    "dnn-merge-siblings": "webdnn.passes.dnn.merge_siblings:DnnMergeSiblingsPass",
    "dnn-select-algorithms": "webdnn.passes.dnn.select_algorithms:DnnSelectAlgorithmsPass",
    "convert-dnn-to-tensor-layout": "webdnn.lowering.dnn_to_tensor_layout.convert:ConvertDnnToTensorLayoutPass",
    "tensor-layout-assign-layouts": "webdnn.passes.tensor_layout.assign_layouts:TensorLayoutAssignLayoutsPass",
    "tensor-layout-elide-conversions": (
        "webdnn.passes.tensor_layout.elide_conversions:TensorLayoutElideConversionsPass"
    ),
    "convert-tensor-layout-to-kernel": (
        "webdnn.lowering.tensor_layout_to_kernel.convert:ConvertTensorLayoutToKernelPass"
    ),
    "kernel-expand-concat": "webdnn.passes.kernel.forming.expand_concat:KernelExpandConcatPass",
    "kernel-expand-stacks": "webdnn.passes.kernel.forming.expand_stacks:KernelExpandStacksPass",
    "kernel-fold-constant-reads": "webdnn.passes.kernel.fusion.fold_constant_reads:KernelFoldConstantReadsPass",
    "kernel-fuse-producers": "webdnn.passes.kernel.fusion.fuse_producers:KernelFuseProducersPass",
    "kernel-stage-repeated": "webdnn.passes.kernel.fusion.stage_repeated:KernelStageRepeatedPass",
    "kernel-hoist-factors": "webdnn.passes.kernel.fusion.hoist_factors:KernelHoistFactorsPass",
    "kernel-split-shared-reductions": (
        "webdnn.passes.kernel.fusion.split_shared_reductions:KernelSplitSharedReductionsPass"
    ),
    "kernel-hoist-scales": "webdnn.passes.kernel.fusion.hoist_scales:KernelHoistScalesPass",
    "kernel-fold-initial-values": "webdnn.passes.kernel.fusion.fold_initial_values:KernelFoldInitialValuesPass",
    "kernel-fuse-repeated": "webdnn.passes.kernel.fusion.fuse_repeated:KernelFuseRepeatedPass",
    "kernel-fuse-scores": "webdnn.passes.kernel.fusion.fuse_scores:KernelFuseScoresPass",
    "kernel-pair-steps": "webdnn.passes.kernel.packing.pair_steps:KernelPairStepsPass",
    "kernel-pack-operands": "webdnn.passes.kernel.packing.pack_operands:KernelPackOperandsPass",
    "kernel-pack-weights": "webdnn.passes.kernel.packing.pack_weights:KernelPackWeightsPass",
    "kernel-pad-operands": "webdnn.passes.kernel.packing.pad_operands:KernelPadOperandsPass",
    "kernel-lower-peak": "webdnn.passes.kernel.splitting.lower_peak:KernelLowerPeakPass",
    "kernel-split-rows": "webdnn.passes.kernel.splitting.split_rows:KernelSplitRowsPass",
    "kernel-assign-buffers": "webdnn.passes.kernel.memory.assign_buffers:KernelAssignBuffersPass",
    "kernel-form-strips": "webdnn.passes.kernel.splitting.form_strips:KernelFormStripsPass",
    "kernel-hoist-initializers": "webdnn.passes.kernel.memory.hoist_initializers:KernelHoistInitializersPass",
    "kernel-order-computes": "webdnn.passes.kernel.memory.order_computes:KernelOrderComputesPass",
    "kernel-assign-offsets": "webdnn.passes.kernel.memory.assign_offsets:KernelAssignOffsetsPass",
    "kernel-share-offsets": "webdnn.passes.kernel.splitting.share_offsets:KernelShareOffsetsPass",
    "kernel-form-kernels": "webdnn.passes.kernel.forming.form_kernels:KernelFormKernelsPass",
    "kernel-expand-outside": "webdnn.passes.kernel.forming.expand_outside:KernelExpandOutsidePass",
    "kernel-flatten-buffers": "webdnn.passes.kernel.forming.flatten_buffers:KernelFlattenBuffersPass",
    "kernel-form-dots": "webdnn.passes.kernel.packing.form_dots:KernelFormDotsPass",
    "kernel-split-axes": "webdnn.passes.kernel.forming.split_axes:KernelSplitAxesPass",
    "kernel-collapse-axes": "webdnn.passes.kernel.forming.collapse_axes:KernelCollapseAxesPass",
    "kernel-merge-rows": "webdnn.passes.kernel.scheduling.merge_rows:KernelMergeRowsPass",
    "kernel-select-schedule": "webdnn.passes.kernel.scheduling.select_schedule:KernelSelectSchedulePass",
    "kernel-tile": "webdnn.passes.kernel.scheduling.tile:KernelTilePass",
    "kernel-share-loops": "webdnn.passes.kernel.scheduling.share_loops:KernelShareLoopsPass",
    "kernel-split-buffers": "webdnn.passes.kernel.splitting.split_buffers:KernelSplitBuffersPass",
    "kernel-split-outputs": "webdnn.passes.kernel.splitting.split_outputs:KernelSplitOutputsPass",
    "kernel-narrow-elements": "webdnn.passes.kernel.packing.narrow_elements:KernelNarrowElementsPass",
    "kernel-map-tiles": "webdnn.passes.kernel.mapping.map_tiles:KernelMapTilesPass",
    "kernel-map-groups": "webdnn.passes.kernel.mapping.map_groups:KernelMapGroupsPass",
    "kernel-assign-layers": "webdnn.passes.kernel.mapping.assign_layers:KernelAssignLayersPass",
    "kernel-map-points": "webdnn.passes.kernel.mapping.map_points:KernelMapPointsPass",
    "kernel-prefetch-panels": "webdnn.passes.kernel.scheduling.prefetch_panels:KernelPrefetchPanelsPass",
    "kernel-alternate-panels": "webdnn.passes.kernel.scheduling.alternate_panels:KernelAlternatePanelsPass",
    "kernel-lower-blocks": "webdnn.passes.kernel.loops.lower_blocks:KernelLowerBlocksPass",
    "kernel-expand-math": "webdnn.passes.kernel.loops.expand_math:KernelExpandMathPass",
    "kernel-merge-lanes": "webdnn.passes.kernel.loops.merge_lanes:KernelMergeLanesPass",
    "kernel-lower-accesses": "webdnn.passes.kernel.loops.lower_accesses:KernelLowerAccessesPass",
    "kernel-elide-duplicates": "webdnn.passes.kernel.loops.elide_duplicates:KernelElideDuplicatesPass",
    "wasm-expand-math": "webdnn.targets.wasm.expand_math:WasmExpandMathPass",
    "wasm-select-instructions": "webdnn.targets.wasm.select_instructions:WasmSelectInstructionsPass",
    "wasm-form-pointers": "webdnn.targets.wasm.form_pointers:WasmFormPointersPass",
    "wgsl-legalize": "webdnn.targets.wgsl.legalize:WgslLegalizePass",
    "glsl-legalize": "webdnn.targets.glsl.legalize:GlslLegalizePass",
    "js-select-schedule": "webdnn.targets.js.schedule:JsSelectSchedulePass",
    "js-legalize": "webdnn.targets.js.legalize:JsLegalizePass",
}
"""Pass name → its `ModulePass` class; by level, in the order in which the pipelines run them."""

TARGETS: dict[str, str] = {
    "webdnn-wasm": "webdnn.targets.wasm.emit:WasmTarget",
    "webdnn-wgsl": "webdnn.targets.wgsl.emit:WebdnnWgslTarget",
    "webdnn-glsl": "webdnn.targets.glsl.emit:WebdnnGlslTarget",
    "webdnn-glsl100": "webdnn.targets.glsl.emit:WebdnnGlsl100Target",
    "webdnn-js": "webdnn.targets.js.emit:WebdnnJsTarget",
}
"""Target name → its `Target` class; all are called `webdnn-…`, because xDSL owns `wgsl` and `wat`."""

STAGES: dict[str, str] = {
    "dnn": "webdnn.dialects.stages:DNN",
    "tensor_layout": "webdnn.dialects.stages:TENSOR_LAYOUT",
    "kernel": "webdnn.dialects.stages:KERNEL",
    "buffers": "webdnn.dialects.stages:BUFFERED",
    "kernels": "webdnn.dialects.stages:KERNELS",
    "flat": "webdnn.dialects.stages:FLAT",
    "blocks": "webdnn.dialects.stages:BLOCKS",
    "loops": "webdnn.dialects.stages:LOOPED",
    "wasm": "webdnn.dialects.stages:WASM",
}
"""Stage name → its `Stage` object; a pass names stages in `stage_before` and `stage_after` (`support/legality.py`)."""

Registered = TypeVar("Registered")


def _load(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _instance(kind: type[Registered], path: str) -> Registered:
    found = _load(path)
    assert isinstance(found, kind), f"{path} is not a {kind.__name__}"
    return found


def _subclass(base: type[Registered], path: str) -> type[Registered]:
    found = _load(path)
    assert isinstance(found, type), f"{path} is not a class"
    assert issubclass(found, base), f"{path} is not a subclass of {base.__name__}"
    return found


def lazily(table: Mapping[str, str], load: Callable[[str], Registered]) -> dict[str, Callable[[], Registered]]:
    """Turn a table of paths into a table of factories that import nothing before they are called."""
    return {name: partial(load, path) for name, path in table.items()}


WEBDNN_UNIVERSE = Universe(
    all_dialects=lazily(DIALECTS, partial(_instance, Dialect)),
    all_passes=lazily(PASSES, partial(_subclass, ModulePass)),
    all_targets=lazily(TARGETS, partial(_subclass, Target)),
)
ALL_STAGES = lazily(STAGES, partial(_instance, Stage))
