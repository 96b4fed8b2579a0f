"""The attributes that ONNX's convolutions and poolings share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from webdnn.frontends.onnx.node import Node
from webdnn.support.shapes import same_padding

AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


class Window(NamedTuple):
    """How a window slides: one stride and dilation for each spatial axis; pads before each, then behind each."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]


def per_axis(node: Node, name: str, default: Sequence[int], count: int) -> tuple[int, ...]:
    """An attribute of `count` integers."""
    values = node.integers(name, default)
    if len(values) != count:
        node.refuse(f"has {len(values)} numbers in '{name}', expected {count}", hint="check the model's shapes")
    return values


def kernel_shape(node: Node, kernel: Sequence[int]) -> tuple[int, ...]:
    """The extents of the weights' kernel, which the attribute `kernel_shape` may repeat."""
    if node.has("kernel_shape") and node.integers("kernel_shape") != tuple(kernel):
        node.refuse(
            f"says kernel_shape {list(node.integers('kernel_shape'))} of a kernel of {list(kernel)}",
            hint="drop the attribute, it follows from the weights",
        )
    return tuple(kernel)


def auto_pad(node: Node) -> str:
    mode = node.text("auto_pad", "NOTSET")
    if mode not in AUTO_PADS:
        node.refuse(f"has auto_pad '{mode}'", hint=f"use one of {', '.join(AUTO_PADS)}")
    return mode


def window(node: Node, kernel: Sequence[int], spatial: Sequence[int]) -> Window:
    """The window of a node over spatial axes of these extents, its padding written out."""
    rank = len(spatial)
    if len(kernel) != rank:
        node.refuse(f"has a kernel of {list(kernel)} for {rank} spatial axes", hint="check the model's shapes")
    strides = per_axis(node, "strides", [1] * rank, rank)
    dilations = per_axis(node, "dilations", [1] * rank, rank)
    if any(v < 1 for v in (*kernel, *strides, *dilations)):
        node.refuse("has a kernel, stride or dilation of less than 1", hint="check the node's attributes")
    mode = auto_pad(node)
    if mode == "NOTSET":
        pads = per_axis(node, "pads", [0] * 2 * rank, 2 * rank)
    elif mode == "VALID":
        pads = (0,) * 2 * rank
    else:
        upper = mode == "SAME_UPPER"
        sides = [same_padding(*axis, upper) for axis in zip(spatial, kernel, strides, dilations, strict=True)]
        pads = (*(low for low, _ in sides), *(high for _, high in sides))
    return Window(tuple(kernel), strides, dilations, pads)
