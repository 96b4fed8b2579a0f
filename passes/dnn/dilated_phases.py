"""Dilated convolutions as plain ones: elements that lie a dilation apart are a phase, whose windows see no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import DnnOp, ints, text
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.shape import PadOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.element import shape_of


@dataclass(frozen=True)
class Phases:
    """An axis as `dilation` phases of equal lengths: element q of phase r is place q·dilation + r of the axis.

    It has `extent` elements behind `low` zeros, and windows of `taps` elements give `count` results, as many zeros
    following as they see.
    """

    extent: int
    low: int
    taps: int
    dilation: int
    count: int

    @property
    def before(self) -> int:
        """Zeros in front of the axis, with which a window begins at the first element of each phase."""
        return self.low % self.dilation

    @property
    def elements(self) -> int:
        """Of each phase."""
        return -(-(self.before + self.extent) // self.dilation)

    @property
    def behind(self) -> int:
        """Zeros behind the axis, with which the phases are equally long."""
        return self.elements * self.dilation - self.before - self.extent

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros in front of each phase, and behind it."""
        low = self.low // self.dilation
        return low, max(0, -(-self.count // self.dilation) + self.taps - 1 - low - self.elements)

    @property
    def results(self) -> int:
        """Of each phase; those of all phases may be more than `count`."""
        return sum(self.pads) + self.elements + 1 - self.taps


def undilated(op: ConvOp) -> tuple[Sequence[ConvOp], Sequence[DnnOp]] | None:
    """A convolution without dilations, along the phases of each axis and along what is in each; and all around it.

    x (N, C, H, W) is (N, C, H / d, d, W / d, d), and so is the result: nothing moves where d divides what it should,
    else zeros are added, and results cut off. None where there is no dilation, or a stride.
    """
    dilations = op.dilations.get_values()
    if max(dilations) == 1 or max(op.strides.get_values()) > 1:
        return None
    (batch, channels, *extents), (results, inputs, *kernel) = shape_of(op.input), shape_of(op.weight)
    _, _, *counts = shape_of(op.output)
    rank = len(kernel)
    axes = [Phases(*axis) for axis in zip(extents, op.pads.get_values()[:rank], kernel, dilations, counts, strict=True)]
    ones, zeros, inside = [1] * rank, [0] * rank, range(2, 2 + 2 * rank, 2)
    made: list[DnnOp] = []

    def then(new: DnnOp) -> SSAValue:
        made.append(new)
        return new.results[0]

    value = op.input
    if any(axis.before or axis.behind for axis in axes):
        added = [0, 0, *(axis.before for axis in axes), 0, 0, *(axis.behind for axis in axes)]
        value = then(PadOp.of(value, None, pads=ints(added), mode=text("constant")))
    apart = [extent for axis in axes for extent in (axis.elements, axis.dilation)]
    value = then(ReshapeOp.of(value, shape=ints([batch, channels, *apart])))
    value = then(TransposeOp.of(value, permutation=ints([0, 1, *(at + 1 for at in inside), *inside])))
    weight = then(ReshapeOp.of(op.weight, shape=ints([results, inputs, *ones, *kernel])))
    lows, highs = zip(*(axis.pads for axis in axes), strict=True)
    pads, steps = ints([*zeros, *lows, *zeros, *highs]), ints([*ones, *ones])
    plain = ConvOp.of(value, weight, op.bias, strides=steps, pads=pads, dilations=steps, groups=op.groups)
    value = then(plain)
    together = [at for axis in range(2, 2 + rank) for at in (axis + rank, axis)]
    value = then(TransposeOp.of(value, permutation=ints([0, 1, *together])))
    whole = [batch, results, *(axis.results * axis.dilation for axis in axes)]
    value = then(ReshapeOp.of(value, shape=ints(whole)))
    if whole[2:] != counts:
        sizes = ints([batch, results, *counts])
        then(SliceOp.of(value, starts=ints([0, 0, *zeros]), sizes=sizes, steps=ints([1, 1, *ones])))
    return [plain], made
