"""Operators that may stand before or behind an affine map of their first operand, with the same result."""

from __future__ import annotations

from xdsl.ir import Operation

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.pooling import AveragePoolOp, MaxPoolOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMeanOp, ReduceMinOp, ReduceSumOp
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.dnn.shape import ExpandOp, PadOp, TileOp
from webdnn.dialects.dnn.traits import Homogeneous, Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.affine import Affine


def commutes(op: DnnOp, affine: Affine) -> bool:
    """f(x * s + b) = f(x) * s + b, where the axes of s and b are those that stand in front of operand and result."""
    if op.has_trait(Homogeneous):
        same = shape_of(op.operands[0]) == shape_of(op.results[0])
        return same and not affine.shifts and bool((affine.scale > 0).all())
    return affine.varies <= independent(op) and bool(allows(op, affine))


def independent(op: Operation) -> frozenset[int]:
    """The axes along which an operator does the same at each place, and with nothing but what is there."""
    trait = op.get_trait(Tensorwise)
    return trait.axes(op) if isinstance(trait, Tensorwise) else frozenset()


def allows(op: Operation, affine: Affine) -> bool:
    """May elements be scaled and shifted that an operator combines, if all of them are so in the same way?"""
    match op:
        case GatherOp() | ExpandOp() | TileOp() | ReduceMeanOp():
            return True
        case AveragePoolOp():
            counted = bool(op.count_include_pad.value.data) and any(op.pads.get_values())
            return not (affine.shifts and counted)
        case ResizeOp():
            return op.coordinates.data != "tf_crop_and_resize"
        case ReduceSumOp():
            return not affine.shifts
        case PadOp():
            return op.mode.data != "constant" or (op.value is None and not affine.shifts)
        case MaxPoolOp() | ReduceMaxOp() | ReduceMinOp():
            return bool((affine.scale > 0).all())
        case _:
            return False
