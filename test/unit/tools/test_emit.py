"""`webdnn-translate --emit`: models and textual IR as the code of every language."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from helpers.small_models import perceptron, write_model
from webdnn.tools.emit import LANGUAGES
from webdnn.tools.translate import main

SIGNS = {
    "wasm": "(module (import",
    "wgsl": "@compute",
    "glsl": "#version 300 es",
    "glsl100": "gl_FragColor",
    "js": "function ",
}


def test_every_language_is_known() -> None:
    assert set(LANGUAGES) == set(SIGNS)


@pytest.mark.parametrize("language", SIGNS)
def test_a_model_is_emitted(language: str, tmp_path: Path) -> None:
    model, code = write_model(tmp_path / "model.onnx", perceptron()), tmp_path / "code"
    assert main([str(model), "--emit", language, "-o", str(code)]) == 0
    assert SIGNS[language] in code.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "model.onnx"]


def test_text_is_emitted_as_the_model_is(tmp_path: Path) -> None:
    model, text = write_model(tmp_path / "model.onnx", perceptron()), tmp_path / "model.mlir"
    assert main([str(model), "-o", str(text)]) == 0
    codes = [tmp_path / "a.wat", tmp_path / "b.wat"]
    for source, code in zip((model, text), codes, strict=True):
        assert main([str(source), "--emit", "wasm", "-o", str(code)]) == 0
    assert codes[0].read_text() == codes[1].read_text()
    assert wasmtime.wat2wasm(codes[0].read_text()).startswith(b"\0asm")
