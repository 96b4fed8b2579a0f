"""The kernel form of every operator, by family."""

from webdnn.lowering.tensor_layout_to_kernel.operators import convolution, elementwise, linear_algebra

FAMILIES = (convolution, elementwise, linear_algebra)
"""Imported for the kernel forms they register."""
