"""Operators of onnxruntime's own domain, defined by those of ONNX: what its tools for quantization and fusion write."""

from webdnn.frontends.onnx.definitions import (
    adopted,
    attention,
    diffusion,
    fused,
    grouped_attention,
    quantized,
    weights,
)
from webdnn.frontends.onnx.definitions.definition import DEFINITIONS

FAMILIES = (adopted, attention, diffusion, fused, grouped_attention, quantized, weights)
"""Imported for the definitions they register."""

__all__ = ["DEFINITIONS", "FAMILIES"]
