"""The kernel form of every operator, by family."""

from webdnn.lowering.tensor_layout_to_kernel.operators import (
    activation,
    arithmetic,
    convolution,
    elementwise,
    float_codes,
    gather,
    linear_algebra,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    scatter,
    selection,
    shape,
    softmax,
    suppression,
)

FAMILIES = (
    activation,
    arithmetic,
    convolution,
    elementwise,
    float_codes,
    gather,
    linear_algebra,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    scatter,
    selection,
    shape,
    softmax,
    suppression,
)
"""Imported for the kernel forms they register."""
