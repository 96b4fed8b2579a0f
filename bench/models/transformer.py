"""The layers of transformers, in the operators that PyTorch's exporter writes for timm's models."""

from __future__ import annotations

from math import sqrt

import numpy as np
from bench.models.graph import RESIDUAL, Graph, Value


def layer(g: Graph, x: Value, heads: int) -> Value:
    """Attention and a perceptron, each of what is normalised, and added: [1, tokens, width] both ways."""
    x = g.elementwise("Add", x, attention(g, g.layer_norm(x), heads))
    return g.elementwise("Add", x, mlp(g, g.layer_norm(x)))


def attention(g: Graph, x: Value, heads: int) -> Value:
    """Queries, keys and values come from one product."""
    _, tokens, width = x.shape
    depth = width // heads
    joint = g.transpose(g.reshape(g.linear(x, 3 * width), [1, tokens, 3, heads, depth]), [2, 0, 3, 1, 4])
    shape = joint.shape[1:]
    query, key, value = (g.node("Gather", [joint, g.constant(np.array(i, np.int64))], shape, axis=0) for i in range(3))
    query = g.elementwise("Mul", query, g.scalar(1 / sqrt(depth)))
    scores = g.matmul(query, g.transpose(key, [0, 1, 3, 2]))
    mixed = g.matmul(g.node("Softmax", [scores], scores.shape, axis=-1), value)
    merged = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [1, tokens, width])
    return g.linear(merged, width, gain=RESIDUAL)


def mlp(g: Graph, x: Value) -> Value:
    width = x.shape[-1]
    return g.linear(g.gelu(g.linear(x, 4 * width)), width, gain=RESIDUAL)
