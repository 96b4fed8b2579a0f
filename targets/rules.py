"""The rules of the pipelines: each optimisation, how it is left out, what it gains, and what cannot be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """An optimisation. `changes` to a pipeline leave it out, in the words of `webdnn compile --passes`.

    A rule that is a pass has the pass's name; others are options of passes that have to run, or leave out passes that
    would stand in for them. What gains by sparing launches is left to GPUs, where a launch is dear.
    """

    name: str
    changes: str
    gain: str
    gpu_only: bool = False


def left_out(module_pass: str, gain: str, gpu_only: bool = False) -> Rule:
    """A pass that is a rule."""
    return Rule(module_pass, f"-{module_pass}", gain, gpu_only)


RULES = (
    left_out("dnn-fold-constants", "what depends on constants alone is computed by the compiler"),
    left_out("dnn-elide-duplicates", "what two operators compute alike is computed once"),
    left_out("dnn-narrow-integers", "sums of 64 bits of which 32 are read are sums of 32"),
    left_out("dnn-absorb-moves", "padding and shuffled channels are part of the operators behind them"),
    left_out("dnn-trim-windows", "taps of convolutions that see nothing but padding are left out"),
    left_out("dnn-aggregate-constants", "what constants scale and shift becomes part of weights and biases"),
    left_out("dnn-commute-resampling", "convolutions of one pixel see maps after they shrink and before they grow"),
    left_out("dnn-elide-identities", "operators that give back their operand disappear"),
    left_out("dnn-form-integer-products", "products of quantized tensors are sums of integers"),
    left_out("dnn-pack-nibbles", "two integers of four bits share a byte"),
    left_out("dnn-hoist-invariants", "what every step of a loop computes alike is computed once"),
    left_out("dnn-merge-siblings", "products that read the same input are one kernel", gpu_only=True),
    left_out("dnn-select-algorithms", "convolutions by small kernels take fewer products"),
    Rule(
        "layouts",
        "tensor-layout-assign-layouts{choose=false}",
        "values lie in memory as the operators on both sides read them fastest",
    ),
    left_out("tensor-layout-elide-conversions", "conversions of layouts that move nothing disappear"),
    Rule(
        "places",
        "+kernel-expand-concat@convert-tensor-layout-to-kernel,+kernel-expand-stacks@kernel-expand-concat",
        "parts of a concatenation are computed where they lie in it",
    ),
    left_out("kernel-fold-constant-reads", "constants of equal elements are numbers, not buffers"),
    left_out("kernel-fuse-producers", "element-wise work is part of the kernel before or behind it"),
    left_out("kernel-stage-repeated", "dear values that are needed twice are kept"),
    left_out("kernel-split-shared-reductions", "what many points share is computed once"),
    left_out("kernel-hoist-factors", "what scales a sum scales its result"),
    left_out("kernel-hoist-scales", "the scale of a compressed weight multiplies a sum, not its terms"),
    left_out("kernel-fold-initial-values", "sums start from their bias"),
    left_out("kernel-fuse-repeated", "what is cheaper to compute again than to launch has no kernel", gpu_only=True),
    left_out("kernel-fuse-scores", "attention is one kernel", gpu_only=True),
    left_out("kernel-pair-steps", "products of small integers are summed up by two"),
    Rule(
        "packing",
        "kernel-pack-weights{reorder=false panel=1}",
        "weights lie in the order in which their kernel reads them",
    ),
    Rule("panels", "kernel-pack-weights{panel=1}", "columns of weights that are used together lie side by side"),
    left_out("kernel-pack-operands", "factors of products are computed in the panels that the products read"),
    left_out("kernel-pad-operands", "windows need no tests at edges"),
    left_out("kernel-lower-peak", "kernels run in strips where less memory is nearly free"),
    Rule("in-place", "kernel-assign-buffers{in-place=false}", "results overwrite operands that nobody needs any more"),
    left_out("kernel-form-strips", "large values between kernels stay in the cache"),
    left_out("kernel-hoist-initializers", "what runs once runs first, and leaves its memory to the runs"),
    left_out("kernel-order-computes", "kernels run in the order in which the least memory is alive"),
    Rule("memory-reuse", "kernel-assign-offsets{reuse=false}", "buffers that are never alive together share bytes"),
    left_out("kernel-split-axes", "phases of transposed convolutions divide nothing"),
    left_out("kernel-collapse-axes", "loops are few and long"),
    left_out("kernel-map-tiles", "workgroups compute products from tiles in their memory", gpu_only=True),
    left_out("kernel-map-groups", "invocations of a GPU share long sums", gpu_only=True),
    left_out("kernel-merge-rows", "register blocks of small maps are full"),
    Rule(
        "register-blocks",
        "kernel-select-schedule{blocks=false}",
        "what is loaded serves several rows of a product",
    ),
    Rule("vectors", "kernel-select-schedule{lanes=1}", "four points are computed at once"),
    left_out("kernel-assign-layers", "what is loaded serves several texels of a fragment", gpu_only=True),
    left_out("kernel-elide-duplicates", "shaders are shorter, and engines compile them sooner", gpu_only=True),
    left_out("kernel-share-loops", "threads share kernels, and engines optimise them from the first run on"),
    left_out("kernel-prefetch-panels", "weights are in the cache when their turn comes"),
    left_out("kernel-alternate-panels", "steps begin with the weights that the step before has just read"),
    Rule(
        "relaxed-simd",
        "kernel-select-schedule{features=simd},wasm-select-instructions{relaxed=false}",
        "a multiply-add is one instruction",
    ),
)
"""In the order in which pipelines meet them."""

CPU_RULES = tuple(rule for rule in RULES if not rule.gpu_only)
"""What can be left out of builds for wasm."""

REQUIRED: Mapping[str, str] = {
    "dnn-pad-empty-tensors": "a kernel has at least one point",
    "convert-dnn-to-tensor-layout": "it leads to the level below",
    "tensor-layout-assign-layouts": "inputs and outputs lie as the runner holds them",
    "convert-tensor-layout-to-kernel": "it leads to the level below",
    "kernel-expand-concat": "a texture is written whole",
    "kernel-expand-stacks": "a texture is written whole",
    "kernel-form-dots": "what lies in pairs is read in pairs",
    "kernel-pack-weights": "it makes every constant a weight of the bundle",
    "kernel-split-rows": "it keeps the limit of memory",
    "kernel-assign-buffers": "it leads from values to memory",
    "kernel-share-offsets": "each strip would be a kernel of its own",
    "kernel-assign-offsets": "every buffer needs a place",
    "kernel-form-kernels": "emitters spell kernels",
    "kernel-expand-outside": "targets have no reads with a value outside",
    "kernel-flatten-buffers": "targets have buffers of one dimension",
    "kernel-select-schedule": "the loops of a kernel need an order",
    "js-select-schedule": "the loops of a kernel need an order",
    "kernel-tile": "it makes loops of what a schedule says",
    "kernel-lower-blocks": "it makes loops of what is left",
    "kernel-narrow-elements": "the target stores fewer types of elements",
    "kernel-map-points": "an invocation computes a few points",
    "kernel-split-outputs": "a fragment shader has one result",
    "kernel-split-buffers": "a device has textures and bindings of a limited size",
    "kernel-expand-math": "the target lacks functions",
    "kernel-merge-lanes": "textures are read by four elements",
    "kernel-lower-accesses": "the target's buffers are narrower than ours",
    "wasm-expand-math": "the target lacks functions",
    "wasm-form-pointers": "it leads from buffers to addresses",
    "wasm-select-instructions": "it leads to instructions",
    "wgsl-legalize": "it leads to what the emitter spells",
    "glsl-legalize": "it leads to what the emitter spells",
    "js-legalize": "it leads to what the emitter spells",
}
"""Passes that are no rules, and why they have to run."""
