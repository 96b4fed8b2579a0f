"""The numpy meaning of the `kernel` level, and of whole functions at any level of tensors."""

from webdnn.dialects.kernel.reference.function import run_function

__all__ = ["run_function"]
