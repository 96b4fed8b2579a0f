"""Converters of what reads images at computed places between pixels: GridSample, RoiAlign, DeformConv."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import ModOp
from webdnn.dialects.dnn.base import flag
from webdnn.dialects.dnn.elementwise import AbsOp, FloorOp, RoundOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.converters.window import kernel_shape, per_axis
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, stacked, total

CUBIC = -0.75
"""Keys' parameter of cubic convolution"""

MODES = {"linear": 1, "bilinear": 1, "nearest": 0, "cubic": 3, "bicubic": 3}
"""The degree of interpolation"""

Place = Sequence[Term]
"""For each spatial axis an index, or a coordinate: [batch, point]"""


def pixel(image: Term, place: Place) -> Term:
    """The elements [batch, channel, point] at whole places that lie inside."""
    batch, channels, *spatial = image.shape
    flat = total([p.cast("i32") * prod(spatial[axis + 1 :]) for axis, p in enumerate(place)])
    points = flat.shape[1]
    indices = flat.reshaped(batch, 1, points).expanded(batch, channels, points)
    return image.reshaped(batch, channels, prod(spatial)).picked(indices, 2)


def pixel_or_zero(image: Term, place: Place) -> Term:
    """Zero where a place lies outside."""
    bounds = list(zip(place, image.shape[2:], strict=True))
    found = pixel(image, [p.at_least(0).at_most(n - 1) for p, n in bounds])
    inside = [p.greater(-0.5) & p.less(n - 0.5) for p, n in bounds]
    whole = reduce(lambda a, b: a & b, inside)
    return whole.reshaped(whole.shape[0], 1, whole.shape[1]).where(found, 0)


def reflected(x: Term, low: float, high: float) -> Term:
    """Mirrored at both ends as often as needed: low + the distance to the next multiple of 2 · (high - low)."""
    span = high - low
    if span <= 0:
        return x * 0 + low
    period = Term(x.node, x.node.add(ModOp.of((x - low).value, x.like(2 * span), truncated=flag(False))))
    return (span - (period - span).apply(AbsOp)) + low


def padded(x: Term, extent: int, padding: str, aligned: bool) -> Term:
    """A coordinate, or an index, brought inside as the padding says; for zeros it stays outside."""
    if padding == "border":
        return x.at_least(0).at_most(extent - 1)
    if padding == "reflection":
        ends = (0.0, extent - 1.0) if aligned else (-0.5, extent - 0.5)
        return reflected(x, *ends)
    return x


def weights(fraction: Term, degree: int) -> list[Term]:
    """What each neighbour counts, the first of them `(degree - 1) / 2` before the place."""
    if degree == 1:
        return [1 - fraction, fraction]
    a = CUBIC

    def near(x: Term) -> Term:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Term) -> Term:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)]


def interpolated(image: Term, place: Place, degree: int, padding: str, aligned: bool) -> Term:
    """The image [batch, channel, …] at coordinates [batch, point], in pixels: [batch, channel, point]."""

    def at(indices: Place) -> Term:
        if padding == "zeros":
            return pixel_or_zero(image, indices)
        inside = [padded(i, n, padding, aligned) for i, n in zip(indices, image.shape[2:], strict=True)]
        if padding == "reflection" and not aligned:
            inside = [i.apply(RoundOp) for i in inside]
        bounds = zip(inside, image.shape[2:], strict=True)
        return pixel(image, [i.at_least(0).at_most(n - 1) for i, n in bounds])

    if degree == 0:
        return at([x.apply(RoundOp) for x in place])
    batch, points = place[0].shape
    corners = np.array(list(product(range(degree + 1), repeat=len(place))))
    neighbours: list[Term] = []
    factors: list[Term] = []
    for axis, x in enumerate(place):
        low = x.apply(FloorOp)
        offsets = Term.known(x.node, as_array((corners[:, axis] - (degree - 1) // 2).astype(np.float32)))
        neighbours.append((low.reshaped(batch, points, 1) + offsets).reshaped(batch, points * len(corners)))
        each = stacked(weights(x - low, degree), 2)
        factors.append(each.gathered(Term.known(x.node, as_array(corners[:, axis])), 2))
    weight = reduce(lambda a, b: a * b, factors).reshaped(batch, 1, points, len(corners))
    values = at(neighbours).reshaped(batch, image.shape[1], points, len(corners))
    return (values * weight).sum(3)


@converter("GridSample")
def grid_sample(node: Node) -> SSAValue:
    """The grid holds coordinates from -1 to 1, those of the last axis first."""
    mode, padding = node.text("mode", "linear"), node.text("padding_mode", "zeros")
    aligned = bool(node.integer("align_corners", 0))
    if mode not in MODES or padding not in ("zeros", "border", "reflection"):
        node.refuse(f"has mode '{mode}' and padding '{padding}'", hint="check the node's attributes")
    image, grid = Term.operand(node, 0), Term.operand(node, 1).cast("f32")
    batch, channels, *spatial = image.shape
    rank, outer = len(spatial), grid.shape[1:-1]
    if len(grid.shape) != rank + 2 or grid.shape[-1] != rank or grid.shape[0] != batch:
        node.refuse(f"has a grid {list(grid.shape)} for {list(image.shape)}", hint="check the model's shapes")
    flat = grid.reshaped(batch, prod(outer), rank)
    place: list[Term] = []
    for axis, extent in enumerate(spatial):
        n = flat.at(2, rank - 1 - axis)
        x = (n + 1) * ((extent - 1) / 2) if aligned else ((n + 1) * extent - 1) / 2
        if MODES[mode] == 0:
            x = x.apply(RoundOp)
        # Cubic interpolation brings neighbours inside, not the place itself.
        place.append(x if MODES[mode] == 3 else padded(x, extent, padding, aligned))
    wide = image.cast("f32") if node.element(0).bytes < 4 else image
    result = interpolated(wide, place, MODES[mode], padding, aligned)
    return result.reshaped(batch, channels, *outer).cast(node.element(0).name).value


@converter("RoiAlign")
def roi_align(node: Node) -> SSAValue:
    """Samples spread evenly over each bin of each region, averaged; places up to one pixel outside are clamped."""
    image, regions = Term.operand(node, 0), Term.operand(node, 1)
    height, width = node.integer("output_height", 1), node.integer("output_width", 1)
    samples, mode = node.integer("sampling_ratio", 0), node.text("mode", "avg")
    shifted = node.opset >= 16 and node.text("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    if samples < 1:
        node.refuse("takes a number of samples that depends on each region", hint="set sampling_ratio to a number")
    if mode not in ("avg", "max"):
        node.refuse(f"has mode '{mode}'", hint="the modes of RoiAlign are 'avg' and 'max'")
    scaled = regions * node.number("spatial_scale", 1.0) - (0.5 if shifted else 0.0)
    channels, extents = image.shape[1], image.shape[2:]
    chosen = image.gathered(Term.operand(node, 2), 0)
    count = regions.shape[0]
    place: list[Term] = []
    for axis, bins in enumerate((height, width)):
        start, end = scaled.at(1, 1 - axis), scaled.at(1, 3 - axis)
        length = end - start if shifted else (end - start).at_least(1.0)
        offsets = as_array(((np.arange(bins * samples) + 0.5) / samples / bins).astype(np.float32))
        along = start.reshaped(count, 1) + length.reshaped(count, 1) * Term.known(node, offsets)
        place.append(along)
    rows, columns = height * samples, width * samples
    grid = [
        place[0].reshaped(count, rows, 1).expanded(count, rows, columns).reshaped(count, rows * columns),
        place[1].reshaped(count, 1, columns).expanded(count, rows, columns).reshaped(count, rows * columns),
    ]
    return pooled_samples(chosen, grid, mode, (count, channels, height, samples, width, samples), extents).value


def pooled_samples(image: Term, grid: Place, mode: str, shape: Sequence[int], extents: Sequence[int]) -> Term:
    """Samples of each bin combined: their mean, or the largest of all weighted neighbours."""
    outside = None
    for x, n in zip(grid, extents, strict=True):
        beyond = x.less(-1.0) | x.greater(float(n))
        outside = beyond if outside is None else outside | beyond
    assert outside is not None
    missing = outside.reshaped(outside.shape[0], 1, outside.shape[1])
    clamped = [x.at_least(0.0).at_most(n - 1.0) for x, n in zip(grid, extents, strict=True)]
    if mode == "avg":
        value = interpolated(image, clamped, 1, "border", True)
        zeroed = missing.expanded(*value.shape).where(value * 0, value)
        return zeroed.reshaped(*shape).mean(3, 5)
    floors = [x.apply(FloorOp) for x in clamped]
    ceils = [(low + 1).at_most(n - 1.0) for low, n in zip(floors, extents, strict=True)]
    fractions = [x - low for x, low in zip(clamped, floors, strict=True)]
    best: Term | None = None
    for corner in product((0, 1), repeat=2):
        value = pixel(image, [(floors, ceils)[i][axis] for axis, i in enumerate(corner)])
        for axis, i in enumerate(corner):
            factor = fractions[axis] if i else 1 - fractions[axis]
            value = value * factor.reshaped(factor.shape[0], 1, factor.shape[1])
        best = value if best is None else best.at_least(value)
    assert best is not None
    zeroed = missing.expanded(*best.shape).where(best * 0, best)
    return zeroed.reshaped(*shape).max(3, 5)


@converter("DeformConv")
def deform_conv(node: Node) -> SSAValue:
    """Each tap of the kernel reads at its place plus an offset, perhaps times a mask; a product of matrices follows."""
    image, weight, offset = (Term.operand(node, i) for i in range(3))
    batch, channels, *spatial = image.shape
    rank, result = len(spatial), offset.shape[2:]
    groups, offset_groups = node.integer("group", 1), node.integer("offset_group", 1)
    kernel = kernel_shape(node, weight.shape[2:])
    strides, dilations = (per_axis(node, name, [1] * rank, rank) for name in ("strides", "dilations"))
    pads, taps = per_axis(node, "pads", [0] * 2 * rank, 2 * rank), prod(kernel)
    if offset.shape[1] != offset_groups * taps * rank or channels % offset_groups or channels % groups:
        node.refuse(f"has offsets {list(offset.shape)} for {offset_groups} groups", hint="check the model's shapes")
    points = taps * prod(result)
    shifts = offset.cast("f32").reshaped(batch * offset_groups, taps, rank, prod(result))
    place: list[Term] = []
    for axis in range(rank):
        tap = np.indices(kernel)[axis].reshape(-1, 1) * dilations[axis]
        start = np.indices(result)[axis].reshape(1, -1) * strides[axis] - pads[axis]
        grid = Term.known(node, as_array((tap + start).astype(np.float32)))
        place.append((shifts.at(2, axis) + grid).reshaped(batch * offset_groups, points))
    grouped = image.reshaped(batch * offset_groups, channels // offset_groups, *spatial)
    columns = interpolated(grouped, place, 1, "zeros", True)
    mask = node.optional(4)
    if mask is not None:
        columns = columns * Term(node, mask).reshaped(batch * offset_groups, 1, points)
    outputs = weight.shape[0]
    taken = columns.reshaped(batch, groups, channels // groups * taps, prod(result))
    flat = weight.reshaped(groups, outputs // groups, channels // groups * taps)
    sums = (flat @ taken).reshaped(batch, outputs, *result)
    bias = node.optional(3)
    return sums.value if bias is None else (sums + Term(node, bias).reshaped(outputs, *[1] * rank)).value
