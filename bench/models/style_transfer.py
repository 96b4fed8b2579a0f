"""Style transfer after Johnson et al. (2016), with instance normalisation, and upsampling in place of deconvolution."""

from __future__ import annotations

import numpy as np
from bench.models.graph import AFTER_RELU, BIAS, RESIDUAL, Graph, Value

SIZE = 256
BLOCKS = 5


def build() -> Graph:
    """[1, 3, 256, 256] -> [1, 3, 256, 256]."""
    g = Graph("style_transfer")
    x = g.input("image", [1, 3, SIZE, SIZE])
    x = normalized(g, convolved(g, x, 32, 9))
    x = normalized(g, convolved(g, x, 64, 3, stride=2))
    x = normalized(g, convolved(g, x, 128, 3, stride=2))
    for _ in range(BLOCKS):
        x = residual(g, x)
    x = normalized(g, convolved(g, g.upsample(x), 64, 3))
    x = normalized(g, convolved(g, g.upsample(x), 32, 3))
    g.output(convolved(g, x, 3, 9), "stylised")
    return g


def convolved(g: Graph, x: Value, channels: int, kernel: int, stride: int = 1) -> Value:
    """A convolution of the image mirrored at its edges."""
    pad = kernel // 2
    batch, inputs, height, width = x.shape
    amounts = g.integers([0, 0, pad, pad, 0, 0, pad, pad])
    wide = g.node("Pad", [x, amounts], [batch, inputs, height + 2 * pad, width + 2 * pad], mode="reflect")
    return g.conv(wide, channels, kernel, stride=stride, pad=0, gain=AFTER_RELU)


def normalized(g: Graph, x: Value, *, relu: bool = True, scale: float = 1.0) -> Value:
    """Each channel with the mean and the deviation that are learnt."""
    weights = g.normal([x.channels], BIAS * scale, mean=scale)
    y = g.node("InstanceNormalization", [x, weights, g.bias(x.channels)], x.shape, epsilon=float(np.float32(1e-5)))
    return g.elementwise("Relu", y) if relu else y


def residual(g: Graph, x: Value) -> Value:
    y = normalized(g, convolved(g, x, x.channels, 3))
    return g.elementwise("Add", normalized(g, convolved(g, y, x.channels, 3), relu=False, scale=RESIDUAL), x)
