"""Compile the digits network for every target, run it in a headless browser on each backend, and take a screenshot.

python examples/digits/demo.py            # compile, run, compare
python examples/digits/demo.py --serve    # compile, and serve the page on localhost
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.server import Server
from webdnn.runner.python.session import Session
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model
from webdnn.tools.report import run_tool

Array = NDArray[np.float32]

HERE = Path(__file__).parent
MODEL = HERE / "digits.onnx"
DIGITS = HERE / "test_digits.json"
SITE = HERE.parents[1] / "build" / "digits"
BACKENDS = ("wasm", "js", "webgpu", "webgl2", "webgl1")
TOLERANCE = 1e-3
"""Probabilities of two backends may differ by so much."""

THREE = ((0.3, 0.25), (0.45, 0.15), (0.65, 0.2), (0.66, 0.36), (0.48, 0.48), (0.68, 0.6), (0.68, 0.78), (0.45, 0.86),
         (0.28, 0.76))  # fmt: skip
"""A stroke of the mouse, in parts of the drawing area."""


class Digit(TypedDict):
    """A digit that was kept from training: its label, and 8x8 pixels of 0 to 16."""

    label: int
    pixels: list[int]


@dataclass(frozen=True)
class Outcome:
    """What a backend computed for the digits."""

    backend: str
    probabilities: Array
    milliseconds: float


def read_digits() -> tuple[Array, list[int]]:
    """The images, [N, 1, 1, 8, 8] with ink from 0 to 1, and their labels."""
    digits: list[Digit] = json.loads(DIGITS.read_text(encoding="utf-8"))
    pixels = np.array([digit["pixels"] for digit in digits], np.float32)
    return pixels.reshape(-1, 1, 1, 8, 8) / np.float32(16), [digit["label"] for digit in digits]


def build_site(site: Path) -> None:
    """Compile the network into `site/model`, and put the page beside it."""
    manifest, files, summary = compile_model(MODEL)
    site.mkdir(parents=True, exist_ok=True)
    write_bundle(site / "model", manifest, files)
    for file in (*(HERE / "page").iterdir(), DIGITS):
        shutil.copyfile(file, site / file.name)
    print(*summary.lines(), sep="\n")


def run_backend(site: Path, backend: str, browser: Browser, images: Array) -> Outcome:
    """Every image on one backend. Raises SessionError where the browser does not have it."""
    with Session(site / "model", Chromium(backend, browser)) as session:
        found: list[NDArray[np.generic]] = []
        times: list[float] = []
        for image in images:
            started = time.perf_counter()
            found.append(session.run({"image": image})["probabilities"])
            times.append(time.perf_counter() - started)
    return Outcome(backend, np.concatenate(found).astype(np.float32), median(times) * 1e3)


def run_everywhere(site: Path, browser: Browser) -> bool:
    """Run all backends and print what they find; whether all agree."""
    images, labels = read_digits()
    outcomes: list[Outcome] = []
    for backend in BACKENDS:
        try:
            outcomes.append(run_backend(site, backend, browser, images))
        except SessionError as error:
            print(f"  {backend:7} is not available: {error.message}")
    if not outcomes:
        return False
    reference = outcomes[0].probabilities
    print("  digits  " + " ".join(map(str, labels)))
    for outcome in outcomes:
        print(f"  {outcome.backend:7} " + " ".join(map(str, outcome.probabilities.argmax(1))))
    differences = [float(np.abs(outcome.probabilities - reference).max()) for outcome in outcomes]
    for outcome, difference in zip(outcomes, differences, strict=True):
        right = int((outcome.probabilities.argmax(1) == labels).sum())
        print(
            f"  {outcome.backend:7} {right} of {len(labels)} right, {outcome.milliseconds:.2f} ms a digit from Python, "
            f"largest difference from {outcomes[0].backend} {difference:.1e}"
        )
    return max(differences) <= TOLERANCE


def take_screenshot(site: Path, browser: Browser) -> Path:
    """Draw a digit on the page as a person would, and keep what is to be seen."""
    browser.server.mount("/site/", site)
    page = browser.new_page()
    page.set_viewport_size({"width": 900, "height": 640})
    page.goto(f"{browser.server.url}site/")
    page.wait_for_selector("body[data-state=ready]")
    box = page.locator("#canvas").bounding_box()
    assert box is not None, "the drawing area is visible"
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    page.get_by_text("This looks like").wait_for()
    page.wait_for_timeout(500)
    print(f"  the page, where a 3 is drawn: {page.locator('#answer').inner_text()!r}")
    path = site / "screenshot.png"
    page.screenshot(path=path)
    page.close()
    return path


def serve(site: Path, port: int) -> int:
    with Server({"/": site}, port) as server:
        print(f"open {server.url} and draw a digit; stop with Ctrl-C", flush=True)
        server.wait()
    return 0


def demo(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--serve", action="store_true", help="serve the page on localhost")
    parser.add_argument("--port", type=int, default=8000, help="where to serve it; 0 takes a free one (default: 8000)")
    arguments = parser.parse_args(argv)
    try:
        build_site(SITE)
        if arguments.serve:
            return serve(SITE, arguments.port)
        with Browser() as browser:
            agreed = run_everywhere(SITE, browser)
            print(f"  screenshot: {take_screenshot(SITE, browser)}")
    except SessionError as error:
        raise DiagnosticError(error.message, hint=error.hint) from error
    print("  all backends agree" if agreed else "  the backends do NOT agree")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(run_tool("demo", demo))
