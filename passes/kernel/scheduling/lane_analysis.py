"""Which axes of a compute may have lanes: how far apart neighbours along an axis are for each access."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Block, BlockArgument, SSAValue

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import AxesOp, Lane, is_value, range_of
from webdnn.dialects.kernel.behind import values_behind
from webdnn.dialects.kernel.pairs import DotPairsOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.vectors import vector_access
from webdnn.support.index import Index, Range, substitute, symbol

PRODUCTS = (arith.MulfOp, arith.MuliOp, DotPairsOp)
"""What multiplies two factors."""

LONG = 16
"""A sum of so many products costs more than storing each lane of its result by itself."""


@dataclass(frozen=True)
class VectorOf:
    """Which vector along an axis of `count` vectors."""

    count: int


def axis_size(axis: SSAValue) -> int:
    """The extent of an axis of a compute or a reduction."""
    owner = axis.owner
    assert isinstance(owner, Block)
    parent = owner.parent_op()
    assert isinstance(parent, AxesOp)
    assert isinstance(axis, BlockArgument)
    return parent.shape[axis.index]


def depends_on(value: SSAValue, axis: SSAValue) -> bool:
    """Does a value of the body change along the axis?"""
    return any(found is axis for found in values_behind(value))


def lane_stride(op: AccessOp, axis: SSAValue, lanes: int = 4) -> int | None:
    """The distance in elements between lanes along an axis; None where it differs from lane to lane."""
    for operand in op.index_operands:
        if is_value(operand) and not isinstance(operand.owner, Block) and depends_on(operand, axis):
            return None
    count = -(-axis_size(axis) // lanes)
    lane, vector = Lane(lanes), VectorOf(count)

    def ranges(value: Hashable) -> Range | None:
        return (0, value.count - 1) if isinstance(value, VectorOf) else range_of(value)

    by: dict[Hashable, Index] = {axis: symbol(vector) * lanes + symbol(lane)}
    *outer, last = [substitute(e, by, ranges) for e in op.exprs]
    return None if any(lane in e.symbols for e in outer) else last.coefficient(lane)


def has_vectors(op: AccessOp) -> bool:
    """Do vectors move the elements of an access, if it is one?"""
    return not isinstance(op, ReadOp | WriteOp) or vector_access(op)


def accesses(op: ComputeOp | ReduceOp) -> Sequence[AccessOp]:
    return [o for o in op.walk() if isinstance(o, AccessOp)]


def lane_axis(compute: ComputeOp, lanes: int) -> int | None:
    """The axis along which results are stored side by side, where reductions read side by side or one for all.

    Long sums of products have lanes along an axis of one factor too if their results lie apart.
    """
    if lanes == 1 or any(v.type in (f64, i64) for op in compute.walk() for v in (*op.operands, *op.results)):
        return None
    writes = [o for o in compute.body.block.ops if isinstance(o, WriteOp)]
    axes = [i for i, size in enumerate(compute.shape) if size >= lanes]
    for i in reversed(axes):
        axis = compute.axes[i]
        if all(lane_stride(w, axis) == 1 and has_vectors(w) for w in writes) and reads_well(compute, axis):
            return i
    return next((i for i in reversed(axes) if pays_for_scattered_stores(compute, compute.axes[i])), None)


def reads_well(compute: ComputeOp, axis: SSAValue) -> bool:
    """Do reductions read neighbours or one element for all lanes, and at least half of all else?"""
    found = [(o, lane_stride(o, axis)) for o in accesses(compute) if not isinstance(o, WriteOp)]
    inner = [s for o, s in found if isinstance(o.parent_op(), ReduceOp)]
    good = [s in (0, 1) and (s == 0 or has_vectors(o)) and (s == 0 or isinstance(o, ReadOp)) for o, s in found]
    if any(s not in (0, 1) for s in inner):
        return False
    return not found or 2 * sum(good) >= len(found)


def pays_for_scattered_stores(compute: ComputeOp, axis: SSAValue) -> bool:
    """Do long sums of products have lanes along an axis, though their results lie apart?"""
    sums = [o for o in compute.body.block.ops if isinstance(o, ReduceOp)]
    if not sums or not all(prod(o.shape) >= LONG for o in sums) or not reads_well(compute, axis):
        return False
    return all(isinstance(s.yielded.owner, PRODUCTS) and streams(s, axis) for s in sums)


def streams(reduce: ReduceOp, axis: SSAValue) -> bool:
    """Does one factor of the products change along the axis, and the other not?"""
    assert isinstance(reduce.yielded.owner, PRODUCTS)
    factors = [depends_on(v, axis) for v in reduce.yielded.owner.operands]
    return sorted(factors) == [False, True]
