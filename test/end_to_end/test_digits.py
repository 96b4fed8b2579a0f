"""The digits demo: its network on every backend, and its page as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from helpers.scripts import load_script
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session
from webdnn.runner.python.tensors import Array
from webdnn.tools.comparison import compare
from webdnn.tools.oracle import Oracle

DEMO = Path(__file__).parents[2] / "examples" / "digits"
BACKENDS = ("webgpu", "webgl2", "webgl1", "wasm", "js")
COMPARED = 5


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    return load_script(DEMO / "demo.py")


@pytest.fixture(scope="module")
def site(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("digits")
    demo.build_site(place)
    return place


@pytest.fixture(scope="module")
def digits() -> tuple[Sequence[Array], list[int]]:
    """Images as the network takes them, and their labels."""
    found = json.loads((DEMO / "test_digits.json").read_text(encoding="utf-8"))
    images = [np.array(digit["pixels"], np.float32).reshape(1, 1, 8, 8) / np.float32(16) for digit in found]
    return images, [digit["label"] for digit in found]


def test_digits_are_read(site: Path, digits: tuple[Sequence[Array], list[int]]) -> None:
    images, labels = digits
    with Session(site / "model") as session:
        read = [int(session.run({"image": image})["probabilities"].argmax()) for image in images]
    right = sum(found == label for found, label in zip(read, labels, strict=True))
    assert len(set(labels)) == 10
    assert right >= 0.97 * len(labels)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_agrees_with_onnxruntime(
    backend: str, site: Path, digits: tuple[Sequence[Array], list[int]], browser: Browser
) -> None:
    oracle = Oracle(DEMO / "digits.onnx")
    with Session(site / "model", Chromium(backend, browser)) as session:
        for image in digits[0][:COMPARED]:
            found = session.run({"image": image})["probabilities"]
            comparison = compare(found, oracle.run({"image": image})["probabilities"])
            assert comparison.within, comparison


def test_the_page_reads_what_is_drawn(demo: ModuleType, site: Path, browser: Browser) -> None:
    screenshot: Path = demo.take_screenshot(site, browser)
    assert screenshot.read_bytes().startswith(b"\x89PNG")


def test_the_page_switches_backends(site: Path, digits: tuple[Sequence[Array], list[int]], browser: Browser) -> None:
    browser.server.mount("/site/", site)
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{browser.server.url}site/")
    page.wait_for_selector("body[data-state=ready]")
    assert page.get_by_role("status").inner_text() == "Draw a digit from 0 to 9."
    assert page.locator("#backend option:not([disabled])").count() == len(BACKENDS)
    for backend, label in zip(BACKENDS, digits[1], strict=False):
        page.get_by_label("Computed with").select_option(backend)
        page.get_by_role("button", name="Show an example").click()
        page.get_by_text(f"This looks like {label}").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Draw a digit from 0 to 9.").wait_for()
    page.close()
    assert problems == []
