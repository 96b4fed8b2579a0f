"""Convolutions of groups of channels as plain ones: each group has channels, weights and results of its own."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import DnnOp, ints
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.shape import ConcatOp, SliceOp
from webdnn.dialects.element import shape_of

MOST_GROUPS = 8
"""Each group is launched by itself, so that many small ones stay together."""


def part(value: SSAValue, axis: int, number: int, size: int) -> SliceOp:
    """The part of this number along an axis."""
    starts, sizes = [0] * len(shape_of(value)), list(shape_of(value))
    starts[axis], sizes[axis] = number * size, size
    return SliceOp.of(value, starts=ints(starts), sizes=ints(sizes), steps=ints([1] * len(sizes)))


def ungrouped(op: ConvOp) -> tuple[Sequence[ConvOp], Sequence[DnnOp]] | None:
    """A convolution for each group, and all that takes them apart and puts them together; None where there is one.

    y (N, O, …) is the y_g (N, O / groups, …) side by side, where y_g = conv(x_g, w_g) of C / groups channels.
    """
    groups = op.groups.value.data
    if not 1 < groups <= MOST_GROUPS:
        return None
    inputs, results = shape_of(op.weight)[1], shape_of(op.weight)[0] // groups
    made: list[DnnOp] = []
    plain: list[ConvOp] = []
    properties = {**op.properties, "groups": IntegerAttr(1, i64)}
    for group in range(groups):
        x, w = part(op.input, 1, group, inputs), part(op.weight, 0, group, results)
        b = part(op.bias, 0, group, results) if op.bias else None
        plain.append(ConvOp.of(x.output, w.output, b.output if b else None, **properties))
        made += [x, w, *([b] if b else []), plain[-1]]
    return plain, [*made, ConcatOp.of([conv.output for conv in plain], axis=IntegerAttr(1, i64))]
