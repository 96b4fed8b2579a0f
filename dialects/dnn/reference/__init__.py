"""The numpy meaning of every operator: the oracle of the tests, and what constant folding evaluates."""

from webdnn.dialects.dnn.reference import convolution, elementwise, linear_algebra
from webdnn.dialects.dnn.reference.registry import MEANINGS, evaluate

FAMILIES = (convolution, elementwise, linear_algebra)
"""Imported for the meanings they register."""

__all__ = ["FAMILIES", "MEANINGS", "evaluate"]
