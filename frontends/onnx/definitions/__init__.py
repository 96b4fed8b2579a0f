"""Operators of onnxruntime's own domain, defined by those of ONNX: what its tools for quantization and fusion write."""

from webdnn.frontends.onnx.definitions import attention, fused, quantized, weights
from webdnn.frontends.onnx.definitions.definition import DEFINITIONS

FAMILIES = (attention, fused, quantized, weights)
"""Imported for the definitions they register."""

__all__ = ["DEFINITIONS", "FAMILIES"]
