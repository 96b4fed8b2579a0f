"""The importers of ONNX operators, by family."""

from webdnn.frontends.onnx.converters import elementwise

FAMILIES = (elementwise,)
"""Imported for the converters they register."""
