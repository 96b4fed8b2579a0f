"""Converters of resizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, f64
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, ints, number, text
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.support.shapes import normalize_axis

POLICIES = ("stretch", "not_larger", "not_smaller")


@dataclass(frozen=True)
class Extent:
    """The shape of a result and how much longer each axis is, as a number that f32 can hold."""

    sizes: Sequence[int]
    scales: Sequence[float]


def scaled(shape: Sequence[int], scales: Sequence[float]) -> Extent:
    """Sizes that follow from scales, multiplied in f32 as inference engines do."""
    sizes = [int(np.float32(n) * np.float32(scale)) for n, scale in zip(shape, scales, strict=True)]
    return Extent(sizes, [float(np.float32(scale)) for scale in scales])


def fitted(shape: Sequence[int], sizes: Sequence[int]) -> Extent:
    """Scales that follow from sizes."""
    return Extent(sizes, [float(np.float32(size) / np.float32(n)) for n, size in zip(shape, sizes, strict=True)])


def kept_in_shape(shape: Sequence[int], sizes: Sequence[int], axes: Sequence[int], larger: bool) -> Extent:
    """One scale for all axes: the greatest that fits into `sizes`, or the least that covers them (`larger`)."""
    scales = [np.float32(sizes[a]) / np.float32(shape[a]) for a in axes]
    scale = float(max(scales) if larger else min(scales))
    result = [int(scale * n + 0.5) if a in axes else n for a, n in enumerate(shape)]
    return Extent(result, [scale if a in axes else 1.0 for a in range(len(shape))])


@converter("Upsample")
def upsample(node: Node) -> SSAValue:
    """The scales were an attribute before opset 9."""
    scales = node.numbers("scales") if node.opset < 9 else [float(s) for s in node.constant(1).reshape(-1)]
    return resized(node, scaled(node.shape(0), scales), "asymmetric", "simple")


@converter("Resize")
def resize(node: Node) -> SSAValue:
    shape = node.shape(0)
    if node.opset < 11:
        scales = [float(s) for s in node.constant(1).reshape(-1)]
        return resized(node, scaled(shape, scales), "asymmetric", "simple")
    axes = [normalize_axis(a, len(shape)) for a in node.integers("axes", range(len(shape)))]
    extent = extent_of(node, axes)
    coordinates = node.text("coordinate_transformation_mode", "half_pixel")
    roi: list[float] | None = None
    if coordinates == "tf_crop_and_resize":
        given = [float(v) for v in node.constant(1).reshape(-1)]
        if len(given) != 2 * len(axes):
            node.refuse(f"has a region of {len(given)} bounds for {len(axes)} axes", hint="give two for each axis")
        roi = [0.0] * len(shape) + [1.0] * len(shape)
        for i, axis in enumerate(axes):
            roi[axis], roi[axis + len(shape)] = given[i], given[i + len(axes)]
    if coordinates == "align_corners" and is_fractional(extent, node.shape(0)):
        node.refuse(
            f"aligns corners at scales {list(extent.scales)}, which ask for a fraction of an element",
            hint="runtimes disagree on this case; give whole `sizes` instead of `scales`",
        )
    return resized(node, extent, coordinates, node.text("nearest_mode", "round_prefer_floor"), roi)


def is_fractional(extent: Extent, shape: Sequence[int]) -> bool:
    """Do the scales ask for sizes between whole numbers?"""
    wanted = [np.float32(n) * np.float32(scale) for n, scale in zip(shape, extent.scales, strict=True)]
    return any(abs(w - size) > 1e-3 for w, size in zip(wanted, extent.sizes, strict=True))


def extent_of(node: Node, axes: Sequence[int]) -> Extent:
    """What operand 2, the scales, or operand 3, the sizes, ask for along the axes."""
    shape = node.shape(0)
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if policy not in POLICIES:
        node.refuse(f"has the policy '{policy}'", hint=f"expected one of {', '.join(POLICIES)}")
    by_sizes = len(node.operands) > 3 and node.optional(3) is not None and node.constant(3).size
    given = [float(v) for v in node.constant(3 if by_sizes else 2).reshape(-1)]
    if len(given) != len(axes):
        node.refuse(f"has {len(given)} scales or sizes for {len(axes)} axes", hint="give one for each axis")
    if not by_sizes:
        scales = dict(zip(axes, given, strict=True))
        return scaled(shape, [scales.get(a, 1.0) for a in range(len(shape))])
    wanted = dict(zip(axes, map(int, given), strict=True))
    sizes = [wanted.get(a, n) for a, n in enumerate(shape)]
    return fitted(shape, sizes) if policy == "stretch" else kept_in_shape(shape, sizes, axes, policy == "not_smaller")


def resized(
    node: Node, extent: Extent, coordinates: str, rounding: str, roi: Sequence[float] | None = None
) -> SSAValue:
    if roi is None and tuple(extent.sizes) == node.shape(0) and all(s == 1.0 for s in extent.scales):
        return node.operand(0)
    return node.add(
        ResizeOp.of(
            node.operand(0),
            sizes=ints(extent.sizes),
            scales=floats(extent.scales),
            roi=None if roi is None else floats(roi),
            mode=text({"bilinear": "linear"}.get(mode := node.text("mode", "nearest"), mode)),
            coordinates=text(coordinates),
            rounding=text(rounding),
            cubic_a=number(node.number("cubic_coeff_a", -0.75)),
            exclude_outside=flag(bool(node.integer("exclude_outside", 0))),
            antialias=flag(bool(node.integer("antialias", 0))),
            extrapolation=number(node.number("extrapolation_value", 0.0)),
        )
    )


def floats(values: Sequence[float]) -> DenseArrayBase:
    return DenseArrayBase.from_list(f64, list(values))
