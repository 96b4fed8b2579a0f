"""`dnn-trim-windows`: taps of a convolution that see nothing but padding are left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.base import DnnOp, ints, text
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.elementwise import AddOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import PadOp, SliceOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn import rewriting

FEW = 0.25
"""The part of its products that a convolution is left with where each tap is one of its own."""

LAUNCH = 15_000_000
"""Multiply-adds in the time of a launch of a GPU, which each further tap takes."""


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

    def results(self, tap: int) -> range:
        """The windows in which a tap sees elements of the input."""
        begin = tap * self.dilation - self.low
        first = max(0, -(begin // self.stride))
        return range(first, max(first, min(self.count, (self.extent - 1 - begin) // self.stride + 1)))

    def elements(self, tap: int, windows: range) -> range:
        """The elements that a tap of these windows sees."""
        begin = tap * self.dilation - self.low
        return range(windows.start * self.stride + begin, (windows.stop - 1) * self.stride + begin + 1, self.stride)


def axes_of(op: ConvOp) -> list[Axis]:
    extents, kernel, counts = shape_of(op.input)[2:], shape_of(op.weight)[2:], shape_of(op.output)[2:]
    pads, rank = op.pads.get_values(), len(kernel)
    strides, dilations = op.strides.get_values(), op.dilations.get_values()
    return list(map(Axis, extents, pads[:rank], pads[rank:], kernel, strides, dilations, counts))


def padded_weight(op: ConvOp) -> Array | None:
    """The weights of a convolution with padding, if they are known."""
    weight = known(op.weight) if any(op.pads.get_values()) else None
    return None if weight is None or 0 in (*shape_of(op.output), *weight.shape) else weight


def trimmed(op: ConvOp) -> list[DnnOp]:
    """The convolution by the taps that see something somewhere; nothing if those are all."""
    if (weight := padded_weight(op)) is None:
        return []
    firsts, axes = zip(*(axis.trimmed() for axis in axes_of(op)), strict=True)
    if tuple(axis.taps for axis in axes) == weight.shape[2:]:
        return []
    taps = (slice(first, first + axis.taps) for first, axis in zip(firsts, axes, strict=True))
    kept = constant_of(weight[(slice(None), slice(None), *taps)].copy())
    pads = ints([*(axis.low for axis in axes), *(axis.high for axis in axes)])
    dilations = ints([axis.dilation if axis.taps > 1 else 1 for axis in axes])
    return [kept, ConvOp.of(op.input, kept.output, op.bias, **{**op.properties, "pads": pads, "dilations": dilations})]


def tap_by_tap(op: ConvOp) -> list[DnnOp]:
    """The sum of a convolution of one pixel for each tap, where it sees elements; nothing where that gains little."""
    if (weight := padded_weight(op)) is None:
        return []
    axes = axes_of(op)
    seen = [[axis.results(tap) for tap in range(axis.taps)] for axis in axes]
    places, taps = prod(axis.count for axis in axes), prod(axis.taps for axis in axes)
    left = prod(sum(map(len, results)) for results in seen)
    spared = (places * taps - left) * shape_of(op.output)[0] * prod(weight.shape[:2])
    if not 0 < left <= FEW * places * taps or spared < LAUNCH * taps or not element_type(op.output.type).is_float:
        return []
    windows = {
        tap: [results[k] for results, k in zip(seen, tap, strict=True)]
        for tap in product(*(range(axis.taps) for axis in axes))
    }
    everywhere = [tap for tap, found in windows.items() if prod(map(len, found)) == places]
    if op.bias and not everywhere:
        return []
    made: list[DnnOp] = []
    parts: list[SSAValue] = []
    ones, zeros = ints([1] * len(axes)), ints([0] * 2 * len(axes))
    plain = {**op.properties, "strides": ones, "dilations": ones, "pads": zeros}

    def then(new: DnnOp) -> SSAValue:
        made.append(new)
        return new.results[0]

    for tap in (tap for tap, found in windows.items() if all(found)):
        elements = (axis.elements(k, w) for axis, k, w in zip(axes, tap, windows[tap], strict=True))
        part = then(SliceOp.at(op.input, [*map(range, shape_of(op.input)[:2]), *elements]))
        kept = then(constant_of(weight[(slice(None), slice(None), *(slice(k, k + 1) for k in tap))].copy()))
        part = then(ConvOp.of(part, kept, op.bias if tap in everywhere[:1] else None, **plain))
        before = [own.start for own in windows[tap]]
        behind = [axis.count - own.stop for axis, own in zip(axes, windows[tap], strict=True)]
        if any(before + behind):
            pads = ints([0, 0, *before, 0, 0, *behind])
            part = then(PadOp.of(part, None, pads=pads, mode=text("constant")))
        parts.append(part)
    total = parts[0]
    for part in parts[1:]:
        total = then(AddOp.of(total, part))
    return made


@dataclass(frozen=True)
class DnnTrimWindowsPass(ModulePass):
    """Leave out taps of convolutions that see nothing but padding, as those of large dilations on small maps do.

    First those that see nothing in any window. Where a quarter of all products or less are of elements, each tap is a
    convolution of one pixel of what it sees, and the result is their sum.

    Before:

        %y = dnn.conv %x, %w {pads = array<i64: 24, 24>, dilations = array<i64: 24>, …}
           : (tensor<1x64x14xf32>, tensor<8x64x3xf32>) -> tensor<1x8x14xf32>

    After:

        %y = dnn.conv %x, %v {pads = array<i64: 0, 0>, dilations = array<i64: 24>, …}
           : (tensor<1x64x14xf32>, tensor<8x64x1xf32>) -> tensor<1x8x14xf32>

    Leaves alone: weights that are no constants, convolutions that see no element at all, and what would gain less
    than the launches take. Run after `dnn-absorb-moves`, which makes padding part of convolutions.
    """

    name = "dnn-trim-windows"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for rewrite in (trimmed, tap_by_tap):
            for conv in [conv for block in rewriting.bodies(op) for conv in block.ops if isinstance(conv, ConvOp)]:
                if made := rewrite(conv):
                    rewriting.replace(conv, made)
