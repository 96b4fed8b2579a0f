"""The page that `webdnn serve` puts beside a bundle."""

from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.commands.serve import start
from webdnn.tools.compiler import compile_model


@pytest.mark.parametrize(("choice", "backend"), [("wasm", "wasm"), ("js", "js"), ("", "webgpu")])
def test_the_page_runs_a_model(choice: str, backend: str, tmp_path: Path, browser: Browser) -> None:
    manifest, files, _ = compile_model(write_model(tmp_path / "small.onnx", perceptron()))
    write_bundle(tmp_path / "bundle", manifest, files)
    with start(tmp_path / "bundle", 0) as server:
        page = browser.new_page()
        page.goto(server.url)
        page.get_by_role("heading", name="small").wait_for()
        page.get_by_label("Backend").select_option(choice)
        page.get_by_role("button", name="Run").click()
        page.get_by_role("cell", name="f32 [2, 3]").wait_for()
        assert page.get_by_role("status").inner_text().startswith(f"{backend}: loaded in ")
        page.close()
