"""Convolutions of groups of channels as plain ones: each group has channels, weights and results of its own."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.shape import ConcatOp, SliceOp
from webdnn.dialects.element import shape_of

MOST_GROUPS = 8
"""Each group is launched by itself, so that many small ones stay together."""


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
        own = range(group * results, (group + 1) * results)
        x = SliceOp.along(op.input, 1, range(group * inputs, (group + 1) * inputs))
        w, b = SliceOp.along(op.weight, 0, own), SliceOp.along(op.bias, 0, own) if op.bias else None
        plain.append(ConvOp.of(x.output, w.output, b.output if b else None, **properties))
        made += [x, w, *([b] if b else []), plain[-1]]
    return plain, [*made, ConcatOp.of([conv.output for conv in plain], axis=IntegerAttr(1, i64))]
