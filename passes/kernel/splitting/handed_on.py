"""How much of each value will be there at a time, where `kernel-form-strips` is going to cut it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation, SSAValue

from webdnn.dialects.kernel.access import byte_size
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.places import shape, users
from webdnn.passes.kernel.splitting.form_strips import along, longest_strip


def bytes_at_a_time(ops: Sequence[Operation], limit: int) -> Mapping[SSAValue, int]:
    """The bytes that are held of each value that loops over strips with so many bytes will cut.

    Those that share a kernel share the bytes.
    """
    extents: dict[SSAValue, int] = {}
    for at, op in enumerate(ops):
        if isinstance(op, ComputeOp) and len(op.res) == 1 and byte_size(op.res[0]) >= limit // 2:
            readers = users(op.res[0])
            if list(ops[at + 1 : at + 1 + len(readers)]) == readers and (extent := extent_cut(op, readers)):
                extents[op.res[0]] = extent
    found: dict[SSAValue, int] = {}
    for value, extent in extents.items():
        around = {value.owner, *users(value)}
        together = [v for v in extents if not around.isdisjoint({v.owner, *users(v)})]
        strip = longest_strip(extent, sum(map(byte_size, together)) // extent, limit)
        if strip is not None:
            found[value] = byte_size(value) // extent * strip
    return found


def extent_cut(op: ComputeOp, readers: Sequence[Operation]) -> int | None:
    """The extent of the dimension along which all readers of a compute's result follow it."""
    for dimension, extent in enumerate(shape(op.res[0])[:-1]):
        follow = all(isinstance(reader, ComputeOp) and along(reader, op.res[0], dimension) for reader in readers)
        if follow and extent > 1:
            return extent if op.shape[dimension] == extent else None
    return None
