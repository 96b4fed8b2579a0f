"""The least and the greatest that each element of a value can be that is computed of counts and constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMinOp, ReduceSumOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import evaluate
from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, ReshapeOp, SliceOp, TransposeOp

Bounds = tuple[Array, Array]
"""The least and the greatest, element by element"""

RISING: frozenset[type[Operation]] = frozenset(
    {
        CastOp,
        ConcatOp,
        ExpandOp,
        ReduceMaxOp,
        ReduceMinOp,
        ReduceSumOp,
        ReshapeOp,
        SliceOp,
        TransposeOp,
        dnn.AddOp,
        dnn.CeilOp,
        dnn.FloorOp,
        dnn.MaxOp,
        dnn.MinOp,
    }
)
"""Operators of which no result falls where an operand rises"""

COMPARISONS: frozenset[type[Operation]] = frozenset({dnn.EqualOp, dnn.GreaterOp, dnn.LessOp})


def bounds_of(op: DnnOp, operands: Sequence[Bounds]) -> Bounds | None:
    """The bounds of an operator's result, from those of its operands; None for one of which they are not known."""

    def at(*arrays: Array) -> Array:
        return evaluate(op, arrays)[0]

    lows, highs = [low for low, _ in operands], [high for _, high in operands]
    if type(op) in RISING:
        return at(*lows), at(*highs)
    match op:
        case dnn.SubOp():
            return at(lows[0], highs[1]), at(highs[0], lows[1])
        case dnn.MulOp() if np.all(lows[0] >= 0) and np.all(lows[1] >= 0):
            return at(*lows), at(*highs)
        case dnn.DivOp() if np.all(lows[0] >= 0) and np.all(lows[1] > 0):
            return at(lows[0], highs[1]), at(highs[0], lows[1])
        case GatherOp() if np.array_equal(lows[1], highs[1]):
            return at(lows[0], lows[1]), at(highs[0], lows[1])
        case _ if type(op) in COMPARISONS:
            return compared(op, operands)
        case dnn.WhereOp():
            least, greatest = ([at(c, *sides[1:]) for c in (lows[0], highs[0])] for sides in (lows, highs))
            return as_array(np.minimum(*least)), as_array(np.maximum(*greatest))
        case _:
            return None


def compared(op: DnnOp, operands: Sequence[Bounds]) -> Bounds:
    """Whether a comparison holds always, and whether it ever does."""
    (a_low, a_high), (b_low, b_high) = operands
    if isinstance(op, dnn.EqualOp):
        fixed = (a_low == a_high) & (b_low == b_high) & (a_low == b_low)
        return as_array(fixed), as_array((a_low <= b_high) & (b_low <= a_high))
    if isinstance(op, dnn.LessOp):
        return as_array(a_high < b_low), as_array(a_low < b_high)
    return as_array(a_low > b_high), as_array(a_high > b_low)
