"""The importers of ONNX operators, by family."""

from webdnn.frontends.onnx.converters import (
    activation,
    arithmetic,
    convolution,
    einsum,
    elementwise,
    filling,
    gather,
    linear_algebra,
    loops,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    sampling,
    shape,
    signal,
    softmax,
    structure,
)
from webdnn.frontends.onnx.registry import CONVERTERS

FAMILIES = (
    activation,
    arithmetic,
    convolution,
    einsum,
    elementwise,
    filling,
    gather,
    linear_algebra,
    loops,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    sampling,
    shape,
    signal,
    softmax,
    structure,
)
"""Imported for the converters they register."""

__all__ = ["CONVERTERS", "FAMILIES"]
