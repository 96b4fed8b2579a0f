"""ConvNeXt-Atto (Liu et al., 2022; sizes of timm's): depthwise windows of 7x7, then norm and MLP with channels last."""

from __future__ import annotations

from bench.models.graph import BIAS, RESIDUAL, Graph, Value

SIZE = 224
STAGES = ((40, 2), (80, 2), (160, 6), (320, 2))
"""Channels and blocks."""
CLASSES = 1000

LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
"""Where channels go."""


def build() -> Graph:
    """[1, 3, 224, 224] -> [1, 1000]."""
    g = Graph("convnext")
    x = g.input("image", [1, 3, SIZE, SIZE])
    for stage, (channels, depth) in enumerate(STAGES):
        if stage == 0:
            x = normalized(g, g.conv(x, channels, 4, stride=4, pad=0))
        else:
            x = g.conv(normalized(g, x), channels, 2, stride=2, pad=0)
        for _ in range(depth):
            x = block(g, x)
    pooled = g.node("GlobalAveragePool", [x], [1, x.channels, 1, 1])
    x = g.layer_norm(g.node("Flatten", [pooled], [1, x.channels], axis=1))
    weight = g.weight([CLASSES, x.shape[1]], x.shape[1])
    g.output(g.node("Gemm", [x, weight, g.bias(CLASSES)], [1, CLASSES], transB=1), "logits")
    return g


def normalized(g: Graph, x: Value) -> Value:
    return g.transpose(g.layer_norm(g.transpose(x, LAST)), FIRST)


def block(g: Graph, x: Value) -> Value:
    y = g.transpose(g.conv(x, x.channels, 7, group=x.channels), LAST)
    y = g.linear(g.gelu(g.linear(g.layer_norm(y), 4 * x.channels)), x.channels)
    y = g.elementwise("Mul", y, g.normal([x.channels], BIAS, mean=RESIDUAL))
    return g.elementwise("Add", g.transpose(y, FIRST), x)
