"""ViT-Ti/16 (Dosovitskiy et al., 2021), in the operators that PyTorch's exporter writes for timm's model."""

from __future__ import annotations

from math import sqrt

import numpy as np
from bench.models.graph import BIAS, RESIDUAL, Graph, Value

SIZE, PATCH = 224, 16
WIDTH, HEADS, LAYERS = 192, 3, 12
TOKENS = (SIZE // PATCH) ** 2 + 1
CLASSES = 1000


def build() -> Graph:
    """[1, 3, 224, 224] -> [1, 1000]."""
    g = Graph("vision_transformer")
    image = g.input("image", [1, 3, SIZE, SIZE])
    patches = g.conv(image, WIDTH, PATCH, stride=PATCH, pad=0)
    patches = g.transpose(g.reshape(patches, [1, WIDTH, -1]), [0, 2, 1])
    x = g.concat([g.normal([1, 1, WIDTH], 1.0), patches], 1)
    x = g.elementwise("Add", x, g.normal([1, TOKENS, WIDTH], BIAS))
    for _ in range(LAYERS):
        x = g.elementwise("Add", x, attention(g, g.layer_norm(x)))
        x = g.elementwise("Add", x, mlp(g, g.layer_norm(x)))
    first = g.node("Gather", [g.layer_norm(x), g.constant(np.array(0, np.int64))], [1, WIDTH], axis=1)
    weight = g.weight([CLASSES, WIDTH], WIDTH)
    g.output(g.node("Gemm", [first, weight, g.bias(CLASSES)], [1, CLASSES], transB=1), "logits")
    return g


def attention(g: Graph, x: Value) -> Value:
    """Queries, keys and values come from one product."""
    depth = WIDTH // HEADS
    joint = g.transpose(g.reshape(g.linear(x, 3 * WIDTH), [1, TOKENS, 3, HEADS, depth]), [2, 0, 3, 1, 4])
    shape = joint.shape[1:]
    query, key, value = (g.node("Gather", [joint, g.constant(np.array(i, np.int64))], shape, axis=0) for i in range(3))
    query = g.elementwise("Mul", query, g.scalar(1 / sqrt(depth)))
    scores = g.matmul(query, g.transpose(key, [0, 1, 3, 2]))
    mixed = g.matmul(g.node("Softmax", [scores], scores.shape, axis=-1), value)
    merged = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [1, TOKENS, WIDTH])
    return g.linear(merged, WIDTH, gain=RESIDUAL)


def mlp(g: Graph, x: Value) -> Value:
    return g.linear(g.gelu(g.linear(x, 4 * WIDTH)), WIDTH, gain=RESIDUAL)
