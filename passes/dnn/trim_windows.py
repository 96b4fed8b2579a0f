"""`dnn-trim-windows`: taps of a convolution that see nothing but padding are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.base import DnnOp, ints
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import ConcatOp, SliceOp
from webdnn.dialects.element import shape_of
from webdnn.passes.dnn import rewriting

FEW = 0.25
"""The part of its products that a convolution is left with where it is cut into regions, each with taps of its own."""

LAUNCH = 15_000_000
"""Multiply-adds in the time of a launch of a GPU, which each further region takes."""


@dataclass(frozen=True)
class Axis:
    """Windows of `taps` elements, `dilation` apart, that begin every `stride` elements, `low` before the first one."""

    extent: int
    low: int
    high: int
    taps: int
    stride: int
    dilation: int
    count: int

    def seen(self, result: int) -> range:
        """The taps of a window that see elements of the input."""
        begin = result * self.stride - self.low
        first = max(0, -(begin // self.dilation))
        return range(first, max(first, min(self.taps, (self.extent - 1 - begin) // self.dilation + 1)))

    def trimmed(self) -> tuple[int, Axis]:
        """The first tap that is kept, and the axis without those before it and behind that see nothing anywhere."""
        used = [taps for taps in map(self.seen, range(self.count)) if taps]
        if not used:
            return 0, self
        # A pad is not negative: no more taps go than it has room for.
        first = min(self.low // self.dilation, *(taps.start for taps in used))
        behind = min(self.high // self.dilation, *(self.taps - taps.stop for taps in used))
        low, high = self.low - first * self.dilation, self.high - behind * self.dilation
        return first, replace(self, low=low, high=high, taps=self.taps - first - behind)

    def regions(self) -> list[Region]:
        """Results next to one another whose windows see the same taps."""
        found: list[Region] = []
        for taps, group in groupby(range(self.count), self.seen):
            results = list(group)
            if not taps:
                return []
            start = results[0] * self.stride + taps.start * self.dilation - self.low
            extent = (len(results) - 1) * self.stride + (len(taps) - 1) * self.dilation + 1
            found.append(Region(len(results), start, extent, taps.start, len(taps)))
        return found


@dataclass(frozen=True)
class Region:
    """Results along an axis, the elements that they are made of, and by which taps."""

    count: int
    start: int
    extent: int
    tap: int
    taps: int


def axes_of(op: ConvOp) -> list[Axis]:
    extents, kernel, counts = shape_of(op.input)[2:], shape_of(op.weight)[2:], shape_of(op.output)[2:]
    pads, rank = op.pads.get_values(), len(kernel)
    strides, dilations = op.strides.get_values(), op.dilations.get_values()
    return list(map(Axis, extents, pads[:rank], pads[rank:], kernel, strides, dilations, counts))


def with_taps(op: ConvOp, value: SSAValue, weight: Array, taps: Sequence[slice], pads: Sequence[int]) -> list[DnnOp]:
    """The convolution of a value by some of the taps."""
    kept = constant_of(weight[(slice(None), slice(None), *taps)].copy())
    dilations = [1 if n == 1 else d for d, n in zip(op.dilations.get_values(), shape_of(kept.output)[2:], strict=True)]
    properties = {**op.properties, "pads": ints(pads), "dilations": ints(dilations)}
    return [kept, ConvOp.of(value, kept.results[0], op.bias, **properties)]


def trimmed(op: ConvOp, weight: Array) -> list[DnnOp]:
    """The convolution by the taps that see something somewhere; nothing if those are all."""
    firsts, axes = zip(*(axis.trimmed() for axis in axes_of(op)), strict=True)
    taps = [slice(first, first + axis.taps) for first, axis in zip(firsts, axes, strict=True)]
    if tuple(axis.taps for axis in axes) == weight.shape[2:]:
        return []
    return with_taps(op, op.input, weight, taps, [axis.low for axis in axes] + [axis.high for axis in axes])


def in_regions(op: ConvOp, weight: Array) -> list[DnnOp]:
    """The results of each region by the taps that they see, side by side; nothing where that gains little."""
    regions = [axis.regions() for axis in axes_of(op)]
    products = prod(shape_of(op.output)) * prod(weight.shape[1:])
    left = prod(sum(r.count * r.taps for r in found) for found in regions) * products
    left //= prod(axis.count * axis.taps for axis in axes_of(op))
    if not all(regions) or left > FEW * products or products - left < LAUNCH * prod(map(len, regions)):
        return []
    made: list[DnnOp] = []
    rank, (batch, channels) = len(regions), shape_of(op.input)[:2]
    parts: list[SSAValue] = []
    for cell in product(*regions):
        starts, sizes = ints([0, 0, *(r.start for r in cell)]), ints([batch, channels, *(r.extent for r in cell)])
        part = SliceOp.of(op.input, starts=starts, sizes=sizes, steps=ints([1] * (2 + rank)))
        taps = [slice(r.tap, r.tap + r.taps) for r in cell]
        made += [part, *with_taps(op, part.output, weight, taps, [0] * 2 * rank)]
        parts.append(made[-1].results[0])
    for axis in reversed(range(rank)):  # the last one varies fastest
        size = len(regions[axis])
        rows = [parts[i : i + size] for i in range(0, len(parts), size)]
        joined = [ConcatOp.of(row, axis=IntegerAttr(2 + axis, i64)) if size > 1 else row[0] for row in rows]
        made += [concat for concat in joined if isinstance(concat, ConcatOp)]
        parts = [part.output if isinstance(part, ConcatOp) else part for part in joined]
    return made


@dataclass(frozen=True)
class DnnTrimWindowsPass(ModulePass):
    """Leave out taps of convolutions that see nothing but padding, as those of large dilations on small maps do.

    First those that see nothing in any window. Where windows in a corner, at an edge and inside see others, and a
    quarter of all products or less are of elements, each such region is a convolution by its own taps.

    Before:

        %y = dnn.conv %x, %w {pads = array<i64: 24, 24>, dilations = array<i64: 24>, …}
           : (tensor<1x64x14xf32>, tensor<8x64x3xf32>) -> tensor<1x8x14xf32>

    After:

        %y = dnn.conv %x, %v {pads = array<i64: 0, 0>, dilations = array<i64: 24>, …}
           : (tensor<1x64x14xf32>, tensor<8x64x1xf32>) -> tensor<1x8x14xf32>

    Leaves alone: weights that are no constants, windows that see no element at all, and what regions would gain less
    by than launches take. Run after `dnn-absorb-moves`, which makes padding part of convolutions.
    """

    name = "dnn-trim-windows"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in rewriting.bodies(op):
            for conv in [conv for conv in block.ops if isinstance(conv, ConvOp) and any(conv.pads.get_values())]:
                if (weight := known(conv.weight)) is None or 0 in (*shape_of(conv.output), *weight.shape):
                    continue
                made = trimmed(conv, weight)
                if made:
                    rewriting.replace(conv, made)
                last = made[-1] if made else conv
                assert isinstance(last, ConvOp)
                whole = known(last.weight)
                assert whole is not None
                if parts := in_regions(last, whole):
                    rewriting.replace(last, parts)
