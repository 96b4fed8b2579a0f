"""Converters of convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import integer, ints
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.window import auto_pad, kernel_shape, per_axis, window
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped, transposed
from webdnn.frontends.onnx.registry import converter
from webdnn.support.shapes import window_extent


@converter("Conv")
def conv(node: Node) -> SSAValue:
    return convolution(node, node.operand(0), node.operand(1), node.optional(2))


def convolution(node: Node, x: SSAValue, w: SSAValue, bias: SSAValue | None) -> SSAValue:
    """A convolution of these operands with the attributes of the node."""
    _, _, *kernel = shape_of(w)
    own = window(node, kernel_shape(node, kernel), shape_of(x)[2:])
    return node.add(
        ConvOp.of(
            x,
            w,
            bias,
            strides=ints(own.strides),
            pads=ints(own.pads),
            dilations=ints(own.dilations),
            groups=integer(node.integer("group", 1)),
        )
    )


@converter("ConvTranspose")
def conv_transpose(node: Node) -> SSAValue:
    """ONNX keeps the weights as (C, O / groups, kernel…); here they are (O, C / groups, kernel…), as for `Conv`."""
    x, w, groups = node.shape(0), node.shape(1), node.integer("group", 1)
    rank = len(x) - 2
    if rank < 1 or len(w) != len(x):
        node.refuse(f"has input {list(x)} and weights {list(w)}", hint="expected as many axes, at least 3")
    if groups < 1 or w[0] % groups:
        node.refuse(f"has {w[0]} channels for {groups} groups", hint="the groups must be equal")
    kernel = kernel_shape(node, w[2:])
    strides = per_axis(node, "strides", [1] * rank, rank)
    dilations = per_axis(node, "dilations", [1] * rank, rank)
    extra = per_axis(node, "output_padding", [0] * rank, rank)
    natural = [strides[i] * (x[i + 2] - 1) + extra[i] + window_extent(kernel[i], dilations[i]) for i in range(rank)]
    pads, more = transposed_padding(node, natural, x[2:], strides)
    grouped = reshaped(node, node.operand(1), (groups, w[0] // groups, w[1], *kernel))
    swapped = transposed(node, grouped, (0, 2, 1, *range(3, 3 + rank)))
    return node.add(
        ConvTransposeOp.of(
            node.operand(0),
            reshaped(node, swapped, (groups * w[1], w[0] // groups, *kernel)),
            node.optional(2),
            strides=ints(strides),
            pads=ints(pads),
            dilations=ints(dilations),
            output_padding=ints([e + m for e, m in zip(extra, more, strict=True)]),
            groups=integer(groups),
        )
    )


def transposed_padding(
    node: Node, natural: Sequence[int], spatial: Sequence[int], strides: Sequence[int]
) -> tuple[tuple[int, ...], list[int]]:
    """The pads that cut a result of the `natural` extents to the wanted ones, and what it lacks where it is smaller."""
    rank, mode = len(natural), auto_pad(node)
    if node.has("output_shape"):
        # Some exporters write all axes, as ONNX says; some the spatial ones, as its shape inference does.
        wanted = list(node.integers("output_shape"))[-rank:]
        if len(wanted) != rank:
            node.refuse(f"has an output_shape of {len(wanted)} axes", hint=f"expected {rank} spatial axes")
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(spatial, strides, strict=True)]
    elif mode == "VALID":
        return (0,) * 2 * rank, [0] * rank
    else:
        return per_axis(node, "pads", [0] * 2 * rank, 2 * rank), [0] * rank
    totals = [max(0, n - w) for n, w in zip(natural, wanted, strict=True)]
    lows = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in totals]
    highs = [t - low for t, low in zip(totals, lows, strict=True)]
    return (*lows, *highs), [max(0, w - n) for n, w in zip(natural, wanted, strict=True)]
