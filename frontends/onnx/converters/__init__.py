"""The importers of ONNX operators, by family."""

from webdnn.frontends.onnx.converters import elementwise, structure
from webdnn.frontends.onnx.registry import CONVERTERS

FAMILIES = (elementwise, structure)
"""Imported for the converters they register."""

__all__ = ["CONVERTERS", "FAMILIES"]
