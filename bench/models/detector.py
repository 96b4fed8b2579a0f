"""An object detector after YOLOv5n: a backbone of cross-stage partial blocks, a neck of two passes, three heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bench.models.graph import AFTER_RELU, RESIDUAL, Graph, Value

SIZE = 320
CLASSES = 80
FIELDS = 5 + CLASSES
"""Of a box: two of its place, two of its size, whether it is one, and its class."""

ANCHORS = (
    (8, ((10, 13), (16, 30), (33, 23))),
    (16, ((30, 61), (62, 45), (59, 119))),
    (32, ((116, 90), (156, 198), (373, 326))),
)
"""The stride of each head, and the extents of its boxes: those of YOLOv5, for COCO."""


def build() -> Graph:
    """[1, 3, 320, 320] -> [1, 6300, 85]."""
    g = Graph("detector")
    x = g.input("images", [1, 3, SIZE, SIZE])
    x = block(g, x, 16, 6, 2, pad=2)
    x = partial_stage(g, block(g, x, 32, 3, 2), 32, 1)
    fine = x = partial_stage(g, block(g, x, 64, 3, 2), 64, 2)
    middle = x = partial_stage(g, block(g, x, 128, 3, 2), 128, 3)
    x = pyramid(g, partial_stage(g, block(g, x, 256, 3, 2), 256, 1), 256)
    g.output(
        g.concat([head(g, x, *anchors) for x, anchors in zip(neck(g, fine, middle, x), ANCHORS, strict=True)], 1),
        "boxes",
    )
    return g


def block(
    g: Graph, x: Value, channels: int, kernel: int, stride: int = 1, pad: int | None = None, gain: float = AFTER_RELU
) -> Value:
    """A convolution and x * sigmoid(x); batch normalisation is part of the convolution, as in exported models."""
    y = g.conv(x, channels, kernel, stride=stride, pad=pad, gain=gain)
    return g.elementwise("Mul", y, g.elementwise("Sigmoid", y))


def partial_stage(g: Graph, x: Value, channels: int, depth: int, *, shortcut: bool = True) -> Value:
    """Half of the channels go through `depth` bottlenecks, the other half around them."""
    half = channels // 2
    y, around = block(g, x, half, 1), block(g, x, half, 1)
    for _ in range(depth):
        inner = block(g, block(g, y, half, 1), half, 3, gain=RESIDUAL if shortcut else AFTER_RELU)
        y = g.elementwise("Add", y, inner) if shortcut else inner
    return block(g, g.concat([y, around], 1), channels, 1)


def pyramid(g: Graph, x: Value, channels: int) -> Value:
    """Maxima of ever larger windows side by side."""
    levels = [block(g, x, channels // 2, 1)]
    for _ in range(3):
        levels.append(g.max_pool(levels[-1], 5, stride=1, pad=2))
    return block(g, g.concat(levels, 1), channels, 1)


def neck(g: Graph, fine: Value, middle: Value, coarse: Value) -> list[Value]:
    """What is coarse goes up to what is fine, and down again."""
    top = block(g, coarse, 128, 1)
    x = partial_stage(g, g.concat([g.upsample(top), middle], 1), 128, 1, shortcut=False)
    between = block(g, x, 64, 1)
    first = partial_stage(g, g.concat([g.upsample(between), fine], 1), 64, 1, shortcut=False)
    x = g.concat([block(g, first, 64, 3, 2), between], 1)
    second = partial_stage(g, x, 128, 1, shortcut=False)
    x = g.concat([block(g, second, 128, 3, 2), top], 1)
    return [first, second, partial_stage(g, x, 256, 1, shortcut=False)]


def head(g: Graph, x: Value, stride: int, anchors: Sequence[tuple[int, int]]) -> Value:
    """Boxes in pixels: places around the cells of a grid, sizes as factors of the anchors."""
    count = len(anchors)
    _, _, height, width = x.shape
    y = g.reshape(g.conv(x, count * FIELDS, 1), [1, count, FIELDS, height, width])
    y = g.elementwise("Sigmoid", g.transpose(y, [0, 1, 3, 4, 2]))
    place, size, rest = parts(g, y, [2, 2, FIELDS - 4])
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    grid = g.constant(np.broadcast_to(cells - np.float32(0.5), (1, count, height, width, 2)).copy())
    place = g.elementwise("Add", g.elementwise("Mul", place, g.scalar(2)), grid)
    place = g.elementwise("Mul", place, g.scalar(stride))
    extents = g.constant(np.array(anchors, np.float32).reshape(1, count, 1, 1, 2))
    size = g.elementwise("Pow", g.elementwise("Mul", size, g.scalar(2)), g.scalar(2))
    size = g.elementwise("Mul", size, extents)
    return g.reshape(g.concat([place, size, rest], 4), [1, count * height * width, FIELDS])


def parts(g: Graph, x: Value, sizes: Sequence[int]) -> list[Value]:
    """Slices along the last axis."""
    found: list[Value] = []
    at = 0
    axis = len(x.shape) - 1
    for size in sizes:
        bounds = [g.integers([at]), g.integers([at + size]), g.integers([axis])]
        found.append(g.node("Slice", [x, *bounds], [*x.shape[:-1], size]))
        at += size
    return found
