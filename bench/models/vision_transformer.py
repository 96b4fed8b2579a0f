"""ViT-Ti/16 (Dosovitskiy et al., 2021), in the operators that PyTorch's exporter writes for timm's model."""

from __future__ import annotations

import numpy as np
from bench.models.graph import BIAS, Graph
from bench.models.transformer import layer

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
        x = layer(g, x, HEADS)
    first = g.node("Gather", [g.layer_norm(x), g.constant(np.array(0, np.int64))], [1, WIDTH], axis=1)
    weight = g.weight([CLASSES, WIDTH], WIDTH)
    g.output(g.node("Gemm", [first, weight, g.bias(CLASSES)], [1, CLASSES], transB=1), "logits")
    return g
