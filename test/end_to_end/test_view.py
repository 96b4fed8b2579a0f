"""The page of `webdnn view` in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from helpers.small_models import perceptron, write_model
from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model
from webdnn.tools.webdnn import main


def opened(browser: Browser, source: Path, tmp_path: Path) -> tuple[Page, list[str]]:
    """The page of a model or a bundle, once it is ready, and what goes wrong on it or is fetched by it."""
    path = tmp_path / "page.html"
    assert main(["view", str(source), "-o", str(path)]) == 0
    page, wrong = browser.new_page(), list[str]()
    page.goto("about:blank")
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=true]")
    wrong = [it for it in wrong if it != path.as_uri() and not it.startswith("data:")]
    return page, wrong


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_model(tmp_path / "small.onnx", perceptron())


def test_a_node_is_found_and_described(small: Path, tmp_path: Path, browser: Browser) -> None:
    page, wrong = opened(browser, small, tmp_path)
    assert page.get_by_role("heading", name="small").is_visible()
    page.get_by_label("Search").fill("second")
    assert page.locator("#hits").inner_text() == "1 found"
    page.get_by_label("Search").press("Enter")
    details = page.locator("#details")
    assert details.get_by_role("heading", name="dnn.matmul").is_visible()
    assert "2x3 f32" in details.inner_text()
    page.locator("#canvas").press("ArrowUp")
    assert details.get_by_role("heading", name="dnn.relu").is_visible()
    page.close()
    assert wrong == []


def test_a_pass_is_shown_before_and_after(small: Path, tmp_path: Path, browser: Browser) -> None:
    page, wrong = opened(browser, small, tmp_path)
    page.get_by_role("button", name="kernel-fuse-producers").click()
    after = page.locator("#shown").inner_text()
    page.get_by_label("before").check()
    before = page.locator("#shown").inner_text()
    assert before.startswith("before kernel-fuse-producers")
    assert int(before.split(": ")[1].split()[0]) > int(after.split(": ")[1].split()[0])
    assert "removed" in page.locator("#details").inner_text()
    page.close()
    assert wrong == []


def test_memory_and_kernels_are_shown(small: Path, tmp_path: Path, browser: Browser) -> None:
    page, wrong = opened(browser, small, tmp_path)
    page.get_by_role("tab", name="Graph").press("ArrowRight")
    page.locator("#map svg").press("ArrowRight")
    assert "an input" in page.locator("#buffer").inner_text()
    page.locator("#buffer").get_by_role("button").first.click()
    assert "(func $" in page.locator("#kernel").inner_text()
    page.close()
    assert wrong == []


def test_a_bundle_says_what_it_lacks(small: Path, tmp_path: Path, browser: Browser) -> None:
    manifest, files, _ = compile_model(small, ["webgpu"])
    write_bundle(tmp_path / "bundle", manifest, files)
    page, wrong = opened(browser, tmp_path / "bundle", tmp_path)
    assert "need the model" in page.locator("#remark").inner_text()
    assert page.get_by_role("tab", name="Graph").is_hidden()
    assert "@compute" in page.locator("#kernel").inner_text()
    page.close()
    assert wrong == []
