"""Which axes of a compute may have lanes: how far apart neighbours along an axis are for each access."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, BlockArgument, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import AxesOp, Lane, is_value, range_of
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.support.index import Index, Range, substitute, symbol


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
    if value is axis:
        return True
    owner = value.owner
    if isinstance(owner, Block):
        return False
    if isinstance(owner, ReduceOp):
        return any(depends_on(operand, axis) for inner in owner.walk() for operand in inner.operands)
    return any(depends_on(operand, axis) for operand in owner.operands)


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


def four_bytes(op: AccessOp) -> bool:
    """Are the elements computed as they are stored, in four bytes each?"""
    buffer = op.source if isinstance(op, ReadOp) else op.target if isinstance(op, WriteOp) else None
    return buffer is None or element_type(buffer_type(buffer).element_type).bits == 32


def accesses(op: ComputeOp | ReduceOp) -> Sequence[AccessOp]:
    return [o for o in op.walk() if isinstance(o, AccessOp)]
