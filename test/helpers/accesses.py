"""Which elements of buffers the operations of kernels read and write, at all points at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref
from xdsl.ir import Attribute, Operation, SSAValue

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.access import WriteOp, buffer_type
from webdnn.dialects.kernel.reference.points import Indices, Values, at
from webdnn.support.index import Index


def written_by(op: Operation) -> SSAValue | None:
    match op:
        case WriteOp():
            return op.target
        case memref.StoreOp():
            return op.memref
        case _:
            return None


Place = Callable[[Values], tuple[Indices, NDArray[np.bool_]]]
"""values -> where elements lie, row-major, and where all of their indices are inside"""


def place_of(buffer: SSAValue, exprs: Sequence[Index], type: Attribute) -> Place:
    """Where an access goes. A vector has neighbours along the last axis."""
    shape, lanes = buffer_type(buffer).get_shape(), type.get_shape()[0] if is_vector(type) else 0

    def place(values: Values) -> tuple[Indices, NDArray[np.bool_]]:
        indices = [at(e, values) for e in exprs]
        if lanes:
            indices = [*(i[..., None] for i in indices[:-1]), indices[-1][..., None] + np.arange(lanes)]
        found, inside = np.zeros((), np.int64), np.ones((), np.bool_)
        for i, (index, extent) in enumerate(zip(indices, shape, strict=True)):
            inside = inside & (index >= 0) & (index < extent)
            found = found * extent + index if i else index
        return found, inside

    return place
