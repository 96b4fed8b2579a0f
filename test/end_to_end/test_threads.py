"""Whole models on several threads in Chromium: the very bits of one thread, run after run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest
from bench.light_models import light_model, randomize, without_softmax
from onnx import ModelProto, helper

from helpers.small_models import make_model
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module

PAGES = Path(__file__).parents[1] / "browser" / "pages"


class Answer(TypedDict):
    """What `compare` of pages/threads.js answers."""

    threads: list[int]
    wrong: list[int]
    finite: bool


def light(name: str) -> ModelProto:
    model = ModelProto.FromString(light_model(name).read_bytes())
    randomize(model)
    without_softmax(model)
    return model


def attention(length: int = 128, width: int = 192) -> ModelProto:
    """softmax(x a xᵀ) x, and layers of matrices, norms and an activation around it, with residuals in place."""
    generator = np.random.default_rng(0)
    weights = {
        name: (generator.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in {"a": (width, width), "b": (width, 4 * width), "c": (4 * width, width)}.items()
    }
    weights |= {"one": np.ones(width, np.float32), "zero": np.zeros(width, np.float32)}
    nodes = [
        helper.make_node("LayerNormalization", ["x", "one", "zero"], ["n"]),
        helper.make_node("MatMul", ["n", "a"], ["q"]),
        helper.make_node("Transpose", ["n"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "n"], ["o"]),
        helper.make_node("Add", ["o", "x"], ["r"]),
        helper.make_node("MatMul", ["r", "b"], ["f"]),
        helper.make_node("Erf", ["f"], ["g"]),
        helper.make_node("MatMul", ["g", "c"], ["h"]),
        helper.make_node("Add", ["h", "r"], ["y"]),
    ]
    return make_model(nodes, {"x": [length, width]}, {"y": [length, width]}, weights)


MODELS: dict[str, tuple[Callable[[], ModelProto], int]] = {
    "attention": (attention, 200),
    "squeezenet": (lambda: light("squeezenet"), 20),
    "shufflenet": (lambda: light("shufflenet"), 20),
}
"""Models, and how often each is run."""


@pytest.mark.parametrize("name", MODELS)
def test_any_number_of_threads_computes_the_same(name: str, browser: Browser, tmp_path: Path) -> None:
    make, runs = MODELS[name]
    (tmp_path / "model.onnx").write_bytes(make().SerializeToString())
    manifest, files, _ = compile_module(import_onnx(tmp_path / "model.onnx"), ["wasm"], name=name)
    write_bundle(tmp_path / "bundle", manifest, files)
    browser.server.mount("/test/", PAGES)
    url, page = browser.mount(tmp_path / "bundle"), browser.new_page()
    answer: Answer = page.evaluate(
        "([url, runs]) => import('/test/threads.js').then((cases) => cases.compare(url, [1, 2, 4], runs))", [url, runs]
    )
    page.close()
    assert answer == {"threads": [1, 2, 4], "wrong": [0, 0, 0], "finite": True}
