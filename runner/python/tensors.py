"""How tensors of a bundle look as numpy arrays, and outputs without what a run has not filled."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from webdnn.runner.python.manifest import Tensor

Array: TypeAlias = NDArray[np.generic]

DTYPES: Mapping[str, np.dtype[np.generic]] = {
    "f32": np.dtype("<f4"),
    "f64": np.dtype("<f8"),
    "f16": np.dtype("<f2"),
    # numpy has no bfloat16: its raw bits.
    "bf16": np.dtype("<u2"),
    "i8": np.dtype("i1"),
    "u8": np.dtype("u1"),
    "i16": np.dtype("<i2"),
    "u16": np.dtype("<u2"),
    "i32": np.dtype("<i4"),
    "u32": np.dtype("<u4"),
    "i64": np.dtype("<i8"),
    "u64": np.dtype("<u8"),
    "bool": np.dtype("?"),
}


def from_bytes(tensors: Sequence[Tensor], contents: Sequence[bytearray]) -> list[Array]:
    """The outputs, whose elements are in their natural encoding, without the places that a run has not filled."""
    pairs = zip(tensors, contents, strict=True)
    return shaped(tensors, [np.frombuffer(content, DTYPES[tensor["type"]]) for tensor, content in pairs])


def shaped(tensors: Sequence[Tensor], flat: Sequence[Array]) -> list[Array]:
    """The outputs, of whose elements there may be more, without the places that a run has not filled."""
    found: list[Array] = []
    for tensor, array in zip(tensors, flat, strict=True):
        most, shape = prod(tensor["shape"]), filled_shape(tensor, lambda output: int(flat[output][0]))
        elements = array[:most]  # buffers have one element at least
        whole = elements.size == most
        found.append(first_places(elements.reshape(tensor["shape"] if whole else shape), shape))
    return found


def filled(tensors: Sequence[Tensor], arrays: Sequence[Array]) -> list[Array]:
    """The outputs without the places that a run has not filled."""
    pairs = zip(tensors, arrays, strict=True)
    return [first_places(array, filled_shape(tensor, lambda output: int(arrays[output]))) for tensor, array in pairs]


def filled_shape(tensor: Tensor, number: Callable[[int], int]) -> list[int]:
    """How much of each axis is filled; `number` gives the element of an output that counts."""
    shape = list(tensor["shape"])
    for count in tensor.get("counts", ()):
        shape[count["axis"]] = min(max(number(count["output"]), 0), shape[count["axis"]])
    return shape


def first_places(array: Array, shape: Sequence[int]) -> Array:
    """The first places of each axis."""
    return array[tuple(slice(extent) for extent in shape)]


def names_of_counts(tensors: Sequence[Tensor]) -> set[str]:
    """The outputs that say how long others are, and are none of the model's."""
    return {tensors[count["output"]]["name"] for tensor in tensors for count in tensor.get("counts", ())}
