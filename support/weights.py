"""Weights by content: bytes named by their hash, kept in memory or in memory-mapped safetensors files.

A key names bytes, not a tensor: shape and element type stand in the IR beside the key. Equal bytes are one weight,
and an entry never changes, so one store serves every module of a process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from math import prod
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.element_type import ElementType

Array = NDArray[np.generic]
Bytes = NDArray[np.uint8]


def numpy_dtype(element: ElementType) -> np.dtype[np.generic]:
    """The dtype of the stored element."""
    return np.dtype(ml_dtypes.bfloat16) if element.numpy == "bfloat16" else np.dtype(element.numpy)


class WeightStore:
    """Blobs by key; those of opened files are read when they are asked for."""

    def __init__(self) -> None:
        self.blobs: dict[str, Bytes] = {}
        self.files: dict[Path, frozenset[str]] = {}

    def put(self, array: Array) -> str:
        """Keep the bytes of an array, row-major and little-endian; the key that names them."""
        blob = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        key = "w" + blake2b(blob.data, digest_size=10).hexdigest()
        self.blobs.setdefault(key, blob)
        return key

    def get(self, key: str, element: ElementType, shape: tuple[int, ...]) -> Array:
        """The elements under a key. Raises DiagnosticError where no file has it or its size differs."""
        blob = self.blobs.get(key)
        if blob is None:
            raise DiagnosticError(
                f"weight '{key}' is in none of the weight files ({', '.join(map(str, self.files)) or 'none given'})",
                hint="keep the .safetensors file that the module names in `dnn.weights` beside it",
            )
        dtype = numpy_dtype(element)
        if blob.nbytes != prod(shape) * dtype.itemsize:
            raise DiagnosticError(
                f"weight '{key}' has {blob.nbytes} bytes, expected {prod(shape) * dtype.itemsize}",
                hint="the weight file does not belong to this module; write both again",
            )
        return blob.view(dtype).reshape(shape)

    def open(self, path: Path) -> None:
        """Make the weights of a safetensors file known, without reading them. Raises DiagnosticError."""
        path = path.resolve()
        if path in self.files:
            return
        try:
            data = np.memmap(path, np.uint8, "r")
            length = int.from_bytes(data[:8].tobytes(), "little")
            header: dict[str, dict[str, list[int]]] = json.loads(data[8 : 8 + length].tobytes())
            spans = {key: entry["data_offsets"] for key, entry in header.items() if key != "__metadata__"}
            for key, (begin, end) in spans.items():
                if end > data.size - 8 - length:
                    raise ValueError("it is cut short")
                self.blobs.setdefault(key, data[8 + length + begin : 8 + length + end])
        except (OSError, ValueError, KeyError, UnicodeDecodeError) as error:
            raise DiagnosticError(
                f"cannot read the weight file: {error}",
                where=str(path),
                hint="keep the .safetensors file that the module names in `dnn.weights` beside it",
            ) from error
        self.files[path] = frozenset(spans)

    def save(self, path: Path, keys: Iterable[str]) -> None:
        """Write a safetensors file of these weights, atomically."""
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(save({key: self.blobs[key] for key in keys}))
        partial.chmod(0o644)  # as readable as the text beside it
        partial.replace(path)


STORE = WeightStore()
"""The process's weights."""
