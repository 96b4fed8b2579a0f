"""Greedy tokens of a decoder, one bundle serving the growing sequence: each run is fed the caches of the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from bench.models.graph import Graph, Value
from onnx import TensorProto

from helpers.small_models import write_model
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

WIDTH, HEADS, LAYERS, VOCABULARY = 64, 4, 2, 256
DEPTH = WIDTH // HEADS
PROMPT = [17, 203, 96, 5]
COUNT = 32
LENGTH = len(PROMPT) + COUNT
"""Tokens that the caches hold."""

GAIN = 4.0
"""Of weights: the blocks and not the last token decide what follows, so that tokens vary."""

CACHES = [f"{layer}.{kind}" for layer in range(LAYERS) for kind in ("key", "value")]


def decoder() -> Graph:
    """A token [1], its position [1] and caches [length, heads, depth] -> logits [1, vocabulary] and the caches."""
    g = Graph("generation")
    token, position = (g.input(name, [1], TensorProto.INT64) for name in ("token", "position"))
    embeddings = [(g.normal([VOCABULARY, WIDTH], 0.02), token), (g.normal([LENGTH, WIDTH], 0.02), position)]
    x = g.elementwise("Add", *(g.node("Gather", pair, [1, WIDTH], axis=0) for pair in embeddings))
    visible = g.node("LessOrEqual", [g.integers(range(LENGTH)), position], [LENGTH])
    mask = g.node("Where", [visible, g.scalar(0), g.scalar(float(np.finfo(np.float32).min))], [LENGTH])
    for layer in range(LAYERS):
        x = g.elementwise("Add", x, attention(g, g.layer_norm(x), layer, position, mask))
        x = g.elementwise("Add", x, g.linear(g.gelu(g.linear(g.layer_norm(x), 4 * WIDTH, GAIN)), WIDTH, GAIN))
    g.output(g.matmul(g.layer_norm(x), g.weight([WIDTH, VOCABULARY], WIDTH)), "logits")
    return g


def attention(g: Graph, x: Value, layer: int, position: Value, mask: Value) -> Value:
    """The token is written to the caches at its position, and looks at all up to there."""
    query, key, value = (g.reshape(g.linear(x, WIDTH, GAIN), [1, HEADS, DEPTH]) for _ in range(3))
    at = g.reshape(position, [1, 1])
    stored: list[Value] = []
    for kind, new in (("key", key), ("value", value)):
        cache = g.input(f"past.{layer}.{kind}", [LENGTH, HEADS, DEPTH])
        stored.append(g.node("ScatterND", [cache, at, new], cache.shape))
        g.output(stored[-1], f"present.{layer}.{kind}")
    keys, values = g.transpose(stored[0], [1, 2, 0]), g.transpose(stored[1], [1, 0, 2])
    scores = g.elementwise("Div", g.matmul(g.transpose(query, [1, 0, 2]), keys), g.scalar(sqrt(DEPTH)))
    weights = g.node("Softmax", [g.elementwise("Add", scores, mask)], scores.shape, axis=-1)
    return g.linear(g.reshape(g.transpose(g.matmul(weights, values), [1, 0, 2]), [1, WIDTH]), WIDTH, GAIN)


def generate(run: Callable[[Mapping[str, Array]], Mapping[str, Array]]) -> list[int]:
    """The tokens after the prompt, each the one with the largest logit."""
    tokens = list(PROMPT)
    caches = {name: as_array(np.zeros((LENGTH, HEADS, DEPTH), np.float32)) for name in CACHES}
    for position in range(LENGTH - 1):
        where = {"token": as_array(np.array([tokens[position]])), "position": as_array(np.array([position]))}
        found = run({**where, **{f"past.{name}": cache for name, cache in caches.items()}})
        caches = {name: found[f"present.{name}"] for name in CACHES}
        if position + 1 >= len(PROMPT):
            tokens.append(int(found["logits"].argmax()))
    return tokens[len(PROMPT) :]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "decoder.onnx", decoder().model())


@pytest.fixture(scope="module")
def bundle(model: Path) -> Path:
    manifest, files, _ = compile_model(model, ["wasm", "webgpu"])
    write_bundle(model.parent / "bundle", manifest, files)
    return model.parent / "bundle"


@pytest.fixture(scope="module")
def wanted(model: Path) -> list[int]:
    """What onnxruntime says, which is fed its own caches."""
    tokens = generate(Oracle(model).run)
    assert len(tokens) == COUNT
    assert len(set(tokens)) > COUNT // 2, "the tokens repeat"
    return tokens


def test_wasm(bundle: Path, wanted: list[int]) -> None:
    engine: Engine = Wasmtime()
    with Session(bundle, engine) as session:
        assert generate(session.run) == wanted


@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
def test_in_a_browser(backend: str, bundle: Path, wanted: list[int], browser: Browser) -> None:
    with Session(bundle, Chromium(backend, browser)) as session:
        assert generate(session.run) == wanted
