"""The passes of each of these targets, from kernels on flat buffers to what its emitter spells."""

WGSL_PASSES = (
    "kernel-narrow-elements{storage=word}",
    "kernel-assign-offsets{alignment=256}",
    "kernel-map-points{lanes=4}",
    "kernel-expand-math{keep=exp2,trunc,roundeven,rsqrt,remsi}",
    "kernel-lower-blocks",
    "kernel-merge-lanes",
    "kernel-lower-accesses{texels=true}",
    "wgsl-legalize",
)

GLSL_PASSES = (
    "kernel-narrow-elements{storage=float}",
    "kernel-split-outputs",
    "kernel-map-points{lanes=4 texels=true}",
)


def glsl_passes(version: int) -> tuple[str, ...]:
    """For GLSL ES 3.00 (300) or 1.00 (100)."""
    keep = "exp2,trunc,roundeven,rsqrt" if version == 300 else "exp2,rsqrt"
    return (
        *GLSL_PASSES,
        f"kernel-expand-math{{keep={keep}}}",
        "kernel-lower-blocks",
        "kernel-merge-lanes{every=true}",
        "kernel-lower-accesses{texels=true}",
        f"glsl-legalize{{version={version}}}",
    )


JS_FUNCTIONS = (
    *("acos", "asin", "atan", "acosh", "asinh", "atanh", "cosh", "sinh"),
    *("sin", "cos", "tan", "tanh", "cbrt", "expm1", "log10", "log1p", "powf", "round"),
    *("roundeven", "trunc", "remsi"),
)

JS_PASSES = (
    "kernel-assign-offsets",
    "js-select-schedule",
    "kernel-tile",
    f"kernel-expand-math{{keep={','.join(JS_FUNCTIONS)}}}",
    "kernel-lower-blocks",
    "kernel-lower-accesses",
    "js-legalize",
)
"""Each begins after `kernel-expand-outside`, `kernel-form-kernels`, `kernel-flatten-buffers`, `kernel-collapse-axes`.

GLSL wants `kernel-expand-concat` before buffers are assigned and `kernel-assign-buffers{in-place=false}`.
"""
