"""Small matrices of known coefficients: what says which coefficient it is, is unrolled, so that all are constants."""

from __future__ import annotations

from xdsl.ir import SSAValue

from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.indexing import TableOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.lanes import columns, may_mask
from webdnn.support.index import FloorDiv, Index, symbol


def tables(compute: ComputeOp) -> list[TableOp]:
    """The matrices that a compute reads."""
    return [o for o in compute.walk() if isinstance(o, TableOp)]


def unroll_tables(compute: ComputeOp, lane: int, lanes: int) -> ScheduleAttr:
    """Unroll all that chooses a coefficient; one vector of everything else."""
    tile, aligned = [1] * len(compute.shape), list[int]()
    for i, (axis, size) in enumerate(zip(compute.axes, compute.shape, strict=True)):
        period = max((p for t in tables(compute) for e in t.exprs if (p := period_of(e, axis, size))), default=1)
        tile[i] = min(period, size)
        if period > 1:
            aligned.append(i)
    tile[lane] = columns(compute, lane, 1, lanes)
    for reduce in compute.walk():
        if isinstance(reduce, ReduceOp):
            reduce.unroll = UnrollAttr.of(list(reduce.shape))
    masked = compute.shape[lane] % lanes > 0 and may_mask(compute)
    return ScheduleAttr.of(tile, aligned=aligned, vector=(lane, lanes), masked=masked)


def period_of(expr: Index, axis: SSAValue, size: int) -> int | None:
    """After how many steps of an axis an index repeats, which is the axis, or the axis modulo a number."""
    if expr == symbol(axis):
        return size
    for atom in expr.terms:
        if isinstance(atom, FloorDiv) and atom.numerator == symbol(axis):
            return atom.divisor
    return None
