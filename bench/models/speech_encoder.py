"""The encoder of Whisper (Radford et al., 2022), half as deep as its smallest, for ten seconds of speech."""

from __future__ import annotations

from bench.models.graph import BIAS, Graph
from bench.models.transformer import layer

BANDS, FRAMES = 80, 1000
WIDTH, HEADS, LAYERS = 384, 6, 2


def build() -> Graph:
    """[1, 80, 1000], logarithms of a mel spectrogram -> [1, 500, 384]."""
    g = Graph("speech_encoder")
    x = g.gelu(g.conv(g.input("mel", [1, BANDS, FRAMES]), WIDTH, 3))
    x = g.transpose(g.gelu(g.conv(x, WIDTH, 3, stride=2)), [0, 2, 1])
    x = g.elementwise("Add", x, g.normal(x.shape[1:], BIAS))
    for _ in range(LAYERS):
        x = layer(g, x, HEADS)
    g.output(g.layer_norm(x), "features")
    return g
