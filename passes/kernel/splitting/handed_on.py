"""How much of each value will be there at a time, where `kernel-form-strips` is going to cut it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation, SSAValue

from webdnn.dialects.kernel.access import byte_size
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.places import shape, users
from webdnn.passes.kernel.splitting.form_strips import Along, along, best_strip, read_again


def bytes_at_a_time(ops: Sequence[Operation], limit: int) -> Mapping[SSAValue, int]:
    """The bytes that are held of each value that loops over strips with so many bytes will cut.

    Those that share a kernel share the bytes.
    """
    cuts: dict[SSAValue, dict[ComputeOp, Along]] = {}
    for at, op in enumerate(ops):
        if isinstance(op, ComputeOp) and len(op.res) == 1 and byte_size(op.res[0]) >= limit // 2:
            readers = users(op.res[0])
            if list(ops[at + 1 : at + 1 + len(readers)]) == readers and (cut := cut_of(op, readers)):
                cuts[op.res[0]] = cut
    found: dict[SSAValue, int] = {}
    for value, cut in cuts.items():
        together = [v for v, other in cuts.items() if not cut.keys().isdisjoint(other)]
        parts = {compute: way for v in together for compute, way in cuts[v].items()}
        extent = shape(value)[cut[maker(value)].axis]
        strip = best_strip(extent, sum(map(byte_size, together)) // extent, read_again(parts, together), limit)
        if strip is not None:
            found[value] = byte_size(value) // extent * strip
    return found


def maker(value: SSAValue) -> ComputeOp:
    assert isinstance(value.owner, ComputeOp)
    return value.owner


def cut_of(op: ComputeOp, readers: Sequence[Operation]) -> dict[ComputeOp, Along] | None:
    """How a compute and all readers of its result run along the first dimension that they follow, but for the last."""
    for dimension, extent in enumerate(shape(op.res[0])[:-1]):
        if extent == 1 or op.shape[dimension] != extent:
            continue
        ways = {r: along(r, op.res[0], dimension) if isinstance(r, ComputeOp) else None for r in readers}
        cut = {r: way for r, way in ways.items() if isinstance(r, ComputeOp) and way}
        if len(cut) == len(ways):
            return {op: Along(dimension, 1), **cut}
    return None
