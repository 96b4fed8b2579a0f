"""Arrays of any element type, as numpy meanings take and give them."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""An array of any element type: meanings are generic, which numpy's annotations cannot say of arithmetic."""


def is_array(value: object) -> TypeGuard[Array]:
    return isinstance(value, np.ndarray)


def as_array(value: object) -> Array:
    """An array of any element type, as meanings take it."""
    array = np.asarray(value)
    assert is_array(array)
    return array
