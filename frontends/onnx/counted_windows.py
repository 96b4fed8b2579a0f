"""Rules for windows that slide over axes of which only the first places are filled, for padding and for resizing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.shape import Padding, padded, padding_of
from webdnn.frontends.onnx.converters.window import Window, auto_pad, window
from webdnn.frontends.onnx.filled import (
    counts,
    extents_of,
    lowest,
    masked,
    numbers,
    refuse_counted,
    replaced,
    same,
    without_rest,
)
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rule import Rule
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axis, window_extent

SCALED = ("asymmetric", "half_pixel")
"""Where resizing reads from follows from the scale alone, and not from how many places there are."""


def spatial(node: Node) -> dict[int, Term]:
    """The counted axes that windows slide over; the axis of channels must be none."""
    if 1 in counts(node, 0) or any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "has channels or weights whose number varies", hint="let other axes vary")
    return {axis: count for axis, count in counts(node, 0).items() if axis > 1}


def sliding(node: Node) -> Window:
    """The window of a node, which must not depend on how many places there are."""
    shape, varying = node.shape(0), spatial(node)
    kernel = node.integers("kernel_shape") if node.has("kernel_shape") else node.shape(1)[2:]
    found = window(node, kernel, shape[2:])
    if auto_pad(node).startswith("SAME") and any(found.strides[axis - 2] > 1 for axis in varying):
        refuse_counted(node, "pads as many places as there are, in strides", hint="export it with 'pads'")
    return found


def zeros_around(node: Node) -> Node:
    """A convolution or a mean, with zeros behind what is filled, as padding has them."""
    return replaced(node, {0: without_rest(node, 0, spatial(node), 0)})


def least_around(node: Node) -> Node:
    """A maximum, with what no element is below behind what is filled."""
    if any(node.outputs[1:]) and spatial(node):
        refuse_counted(node, "numbers places of axes whose size varies", hint="leave out the indices")
    return replaced(node, {0: without_rest(node, 0, spatial(node), lowest(Term.operand(node, 0)))})


def whole_windows(node: Node) -> Node:
    """A mean of windows, whose parts must not be fewer at the end."""
    own, rank = sliding(node), len(node.shape(0)) - 2
    padded = any(own.pads[axis - 2] or own.pads[axis - 2 + rank] for axis in spatial(node))
    if spatial(node) and (node.integer("ceil_mode", 0) or (padded and not node.integer("count_include_pad", 0))):
        hint = "pad before it, or export it with count_include_pad=1 and ceil_mode=0"
        refuse_counted(node, "divides by as many places as there are in each window", hint=hint)
    return zeros_around(node)


def slid(node: Node, result: SSAValue) -> dict[int, Term]:
    """As many places as there are windows."""
    own, found = sliding(node), counts(node, 0)
    rank, ceil = len(node.shape(0)) - 2, bool(node.integer("ceil_mode", 0))
    for axis, count in spatial(node).items():
        i = axis - 2
        stride, low, high = own.strides[i], own.pads[i], own.pads[i + rank]
        room = count + (low + high - window_extent(own.kernel[i], own.dilations[i]))
        windows = (room + (stride - 1 if ceil else 0)) / stride + 1
        if ceil:  # none starts in the padding behind
            windows = windows.at_most((count + (low + stride - 1)) / stride)
        found[axis] = windows.at_least(0)
    return found


def spread(node: Node, result: SSAValue) -> dict[int, Term]:
    """A transposed convolution has as many places fewer as its operand has, times the stride."""
    if auto_pad(node) != "NOTSET" or node.has("output_shape"):
        refuse_counted(node, "gives a fixed size of an axis whose size varies", hint="export it with 'pads'")
    strides = node.integers("strides", [1] * (len(node.shape(0)) - 2))
    found = counts(node, 0)
    for axis, count in spatial(node).items():
        missing = shape_of(result)[axis] - strides[axis - 2] * node.shape(0)[axis]
        found[axis] = (count * strides[axis - 2] + missing).at_least(0)
    return found


def pad_counted(node: Node) -> SSAValue:
    """Places behind what is filled are the first ones of the padding."""
    padding, x, rank = padding_of(node), Term.operand(node, 0), len(node.shape(0))
    pads = list(padding.pads)
    for axis, count in counts(node, 0).items():
        if padding.mode == "constant" and pads[axis + rank] > 0:
            x = masked(x, axis, count, 0 if padding.value is None else Term(node, padding.value).reshaped())
        elif padding.mode != "constant" and (pads[axis] or pads[axis + rank]):
            x = x.gathered(repeated_places(node, axis, count, padding), axis)
            pads[axis] = pads[axis + rank] = 0
    return padded(node, x.value, padding._replace(pads=pads))


def repeated_places(node: Node, axis: int, count: Term, padding: Padding) -> Term:
    """For each place of a padded axis, the one that it repeats."""
    rank = len(node.shape(0))
    before, behind = padding.pads[axis], padding.pads[axis + rank]
    place = numbers(node, node.shape(0)[axis] + before + behind) - before
    match padding.mode:
        case "edge":
            found = place.at_most(count - 1)
        case "reflect":
            mirrored = place.less(0).where(place * -1, place)
            found = mirrored.less(count).where(mirrored, (count - 1) * 2 - mirrored)
        case "wrap":
            turned = place.less(0).where(place + count, place)
            found = turned.less(count).where(turned, turned - count)
        case mode:
            node.refuse(f"pads by '{mode}'", hint="expected constant, edge, reflect or wrap")
    return found.at_least(0).at_most(node.shape(0)[axis] - 1)


def around(node: Node, result: SSAValue) -> dict[int, Term]:
    """Padded axes have as many places more."""
    pads, rank = padding_of(node).pads, len(node.shape(0))
    if any(counts(node, i) for i in range(1, len(node.operands))):
        refuse_counted(node, "has pads whose number varies", hint="give two for each axis")
    return {axis: (count + (pads[axis] + pads[axis + rank])).at_least(0) for axis, count in counts(node, 0).items()}


def resize_axes(node: Node) -> dict[int, int]:
    """The counted axes that a resizing makes longer, and how many times as long. Refuses all else of them."""
    found, shape = dict[int, int](), node.shape(0)
    axes = [normalize_axis(a, len(shape)) for a in node.integers("axes", range(len(shape)))]
    by_sizes = node.opset >= 11 and node.optional(3) is not None and shape_of(node.operand(3)) != (0,)
    wanted = extents_of(node, 3) if by_sizes else [(0, None)] * len(axes)
    scales = [] if by_sizes else node.constant(1 if node.opset < 11 else 2).reshape(-1).tolist()
    for i, axis in enumerate(axes):
        count = counts(node, 0).get(axis)
        greatest, size = wanted[i]
        if count is None and size is None:
            continue
        factor = float(scales[i]) if scales else greatest / shape[axis]
        fits = count is not None and factor == int(factor) and (size is None) != by_sizes
        if not fits or count is None or (size is not None and not same(size, count * int(factor))):
            refuse_counted(node, "resizes an axis to a size that is no multiple of its own", hint="give whole scales")
        found[axis] = int(factor)
    return {axis: factor for axis, factor in found.items() if factor != 1}


def resizable(node: Node) -> Node:
    """The node, with the last places of counted axes repeated behind them, and sizes as constants."""
    if len(counts(node, 0)) < sum(len(counts(node, i)) for i in range(len(node.operands))):
        refuse_counted(node, "has scales whose number varies", hint="give one for each axis")
    changed = resize_axes(node)
    x = Term.operand(node, 0)
    mode = node.text("coordinate_transformation_mode", "half_pixel") if node.opset >= 11 else "asymmetric"
    special = mode not in SCALED or node.integer("antialias", 0) or node.integer("exclude_outside", 0)
    if changed and special:
        refuse_counted(node, f"resizes by '{mode}' an axis whose size varies", hint="use half_pixel or asymmetric")
    for axis in changed:
        x = last_repeated(x, axis, counts(node, 0)[axis])
    if node.opset < 11 or node.optional(3) is None or known(node.operand(3)) is not None:
        return replaced(node, {0: x})
    sizes = np.array([greatest for greatest, _ in extents_of(node, 3)], np.int64)
    return replaced(node, {0: x, 3: Term.known(node, as_array(sizes))})


def last_repeated(x: Term, axis: int, count: Term) -> Term:
    """The value, with its last filled place at all places of an axis behind it."""
    places = numbers(x.node, x.shape[axis]).at_most((count - 1).at_least(0))
    return x.gathered(places, axis)


def resized(node: Node, result: SSAValue) -> dict[int, Term]:
    changed = resize_axes(node)
    return {axis: count * changed.get(axis, 1) for axis, count in counts(node, 0).items()}


WINDOWS: Mapping[str, Rule] = {
    "AveragePool": Rule(slid, whole_windows),
    "Conv": Rule(slid, zeros_around),
    "ConvTranspose": Rule(spread, zeros_around),
    "MaxPool": Rule(slid, least_around),
    "Pad": Rule(around, convert=pad_counted),
    "Resize": Rule(resized, resizable),
    "Upsample": Rule(resized, resizable),
}
"""Operators with windows"""
