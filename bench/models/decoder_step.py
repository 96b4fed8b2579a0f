"""One step of a decoder after GPT-2: a token, keys and values of those before it, and products with vectors."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from bench.models.graph import BIAS, RESIDUAL, Graph, Value
from onnx import TensorProto

WIDTH, HEADS, LAYERS = 512, 8, 6
DEPTH = WIDTH // HEADS
PAST = 63
"""Tokens before this one."""
VOCABULARY = 8192


def build() -> Graph:
    """A token [1, 1] and the past -> logits [1, 1, 8192] and the past with the token."""
    g = Graph("decoder_step")
    token = g.input("token", [1, 1], TensorProto.INT64)
    embedding = g.node("Gather", [g.normal([VOCABULARY, WIDTH], 1.0), token], [1, 1, WIDTH], axis=0)
    x = g.elementwise("Add", embedding, g.normal([1, 1, WIDTH], BIAS))
    for layer in range(LAYERS):
        x = g.elementwise("Add", x, attention(g, g.layer_norm(x), layer))
        x = g.elementwise("Add", x, mlp(g, g.layer_norm(x)))
    weight = g.weight([WIDTH, VOCABULARY], WIDTH)
    g.output(g.matmul(g.layer_norm(x), weight), "logits")
    return g


def attention(g: Graph, x: Value, layer: int) -> Value:
    """The token looks at itself and at all before it."""
    joint = g.linear(x, 3 * WIDTH)
    heads: list[Value] = []
    for i in range(3):
        bounds = [g.integers([i * WIDTH]), g.integers([(i + 1) * WIDTH]), g.integers([2])]
        part = g.node("Slice", [joint, *bounds], [1, 1, WIDTH])
        heads.append(g.transpose(g.reshape(part, [1, 1, HEADS, DEPTH]), [0, 2, 1, 3]))
    query, *pair = heads
    grown: list[Value] = []
    for name, new in zip(("key", "value"), pair, strict=True):
        past = g.input(f"past.{layer}.{name}", [1, HEADS, PAST, DEPTH])
        grown.append(g.concat([past, new], 2))
        g.output(grown[-1], f"present.{layer}.{name}")
    keys, values = grown
    scores = g.elementwise("Div", g.matmul(query, g.transpose(keys, [0, 1, 3, 2])), g.scalar(sqrt(DEPTH)))
    mixed = g.matmul(g.node("Softmax", [scores], scores.shape, axis=-1), values)
    return g.linear(g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [1, 1, WIDTH]), WIDTH, gain=RESIDUAL)


def mlp(g: Graph, x: Value) -> Value:
    """With GELU by the hyperbolic tangent."""
    y = g.linear(x, 4 * WIDTH)
    cubic = g.elementwise("Mul", g.elementwise("Pow", y, g.scalar(3)), g.scalar(0.044715))
    inner = g.elementwise("Mul", g.elementwise("Add", y, cubic), g.constant(np.array(sqrt(2 / pi), np.float32)))
    factor = g.elementwise("Add", g.elementwise("Tanh", inner), g.scalar(1))
    y = g.elementwise("Mul", g.elementwise("Mul", y, g.scalar(0.5)), factor)
    return g.linear(y, WIDTH, gain=RESIDUAL)
