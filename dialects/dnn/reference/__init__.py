"""The numpy meaning of every operator: the oracle of the tests, and what constant folding evaluates."""

from webdnn.dialects.dnn.reference import (
    activation,
    arithmetic,
    control,
    convolution,
    elementwise,
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
)
from webdnn.dialects.dnn.reference.registry import MEANINGS, evaluate

FAMILIES = (
    activation,
    arithmetic,
    control,
    convolution,
    elementwise,
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
)
"""Imported for the meanings they register."""

__all__ = ["FAMILIES", "MEANINGS", "evaluate"]
