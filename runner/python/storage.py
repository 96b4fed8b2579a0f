"""Elements in the 4 bytes that a GPU has for each: the conversions of arrays to what it stores, and back."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Tensor
from webdnn.runner.python.tensors import DTYPES, Array

Storage: TypeAlias = Literal["f32", "i32", "u32"]

_HELD: Mapping[Storage, tuple[int, int]] = {
    "f32": (1 - 2**24, 2**24 - 1),
    "i32": (-(2**31), 2**31 - 1),
    "u32": (0, 2**32 - 1),
}
"""The integers that a storage holds exactly"""


def to_storage(tensor: Tensor, array: Array, storage: Storage, magnitude: int | None = None) -> Array:
    """The same values as they are stored. Raises SessionError where an integer is too large for that, or for kernels.

    They are right for integers of `magnitude` at most, if there is one.
    """
    if tensor["type"] == "bf16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if array.dtype.kind in "iu":
        least, most = _HELD[storage]
        held = (least, most) if magnitude is None else (max(least, -magnitude), min(most, magnitude))
        _check(array, held, f"input {tensor['name']!r}")
    with np.errstate(over="ignore"):  # what is too large for a float is infinite
        return array.astype(DTYPES[storage])


def from_storage(tensor: Tensor, stored: Array) -> Array:
    """The same values in the type of an output. Raises SessionError where it has integers that floats do not hold."""
    dtype = DTYPES[tensor["type"]]
    if tensor["type"] == "bf16":
        return _rounded(stored)
    if stored.dtype.kind == "f" and dtype.kind in "iu":
        _check(stored, _HELD["f32"], f"output {tensor['name']!r}")
        stored = np.rint(stored)
    with np.errstate(over="ignore"):
        return stored.astype(dtype)


def _check(values: Array, limits: tuple[int, int], where: str) -> None:
    low, high = limits
    held = np.greater_equal(values, low) & np.less_equal(values, high)
    if not held.all():
        place = int(np.argmin(held))
        problem = f"element {place} of {where} is {values.flat[place]}, and this backend holds {low} to {high}"
        raise SessionError(problem, "pass smaller values, or run it with wasm")


def _rounded(stored: Array) -> Array:
    """The bits of the nearest bfloat16s, of which ties are even."""
    bits = stored.astype(np.float32).view(np.uint32).astype(np.uint64)
    upper = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)
    return np.where(np.isnan(stored), 0x7FC0, upper).astype(np.uint16)
