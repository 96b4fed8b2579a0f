"""A U-Net for segmentation (Ronneberger et al., 2015) with padded convolutions, from 32 channels."""

from __future__ import annotations

from bench.models.graph import AFTER_RELU, Graph, Value

SIZE = 256
CHANNELS = (32, 64, 128, 256)
BOTTOM = 512


def build() -> Graph:
    """[1, 3, 256, 256] -> [1, 1, 256, 256]."""
    g = Graph("unet")
    x = g.input("image", [1, 3, SIZE, SIZE])
    skipped: list[Value] = []
    for channels in CHANNELS:
        skipped.append(twice(g, x, channels))
        x = g.max_pool(skipped[-1], 2, stride=2)
    x = twice(g, x, BOTTOM)
    for side in reversed(skipped):
        x = twice(g, g.concat([doubled(g, x, side.channels), side], 1), side.channels)
    g.output(g.elementwise("Sigmoid", g.conv(x, 1, 1)), "mask")
    return g


def twice(g: Graph, x: Value, channels: int) -> Value:
    for _ in range(2):
        x = g.elementwise("Relu", g.conv(x, channels, 3, gain=AFTER_RELU))
    return x


def doubled(g: Graph, x: Value, channels: int) -> Value:
    """A transposed convolution whose windows do not overlap."""
    batch, inputs, height, width = x.shape
    weight = g.weight([inputs, channels, 2, 2], inputs)
    shape = [batch, channels, 2 * height, 2 * width]
    return g.node(
        "ConvTranspose", [x, weight, g.bias(channels)], shape, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4
    )
