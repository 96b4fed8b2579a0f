"""The importers of ONNX operators, by family."""

from webdnn.frontends.onnx.converters import (
    activation,
    arithmetic,
    columns,
    convolution,
    einsum,
    elementwise,
    filling,
    finding,
    gather,
    linear_algebra,
    loops,
    machine_learning,
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
    training,
)
from webdnn.frontends.onnx.registry import CONVERTERS

FAMILIES = (
    activation,
    arithmetic,
    columns,
    convolution,
    einsum,
    elementwise,
    filling,
    finding,
    gather,
    linear_algebra,
    loops,
    machine_learning,
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
    training,
)
"""Imported for the converters they register."""

__all__ = ["CONVERTERS", "FAMILIES"]
