"""Runs a model again and again in Chromium, and tells how much memory its processes hold meanwhile.

`python -m bench.endurance MODEL.onnx --backend webgl2 --runs 2000` fails where the page's process grows.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

from playwright.sync_api import Page

from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model

MOST_GROWTH = 0.03
"""Of the page's process, by thousands of runs: what engines compile, and collect late, is less"""

STEADY = 0.007
"""What the page's process may still grow by between two samples once it has settled"""

_OPEN = """([url, backend]) => Promise.all([import('/runner/index.js'), import('/runner/tensors.js')]).then(
  async ([{ load }, { zeros }]) => {
    const session = await load(url, { backends: [backend] });
    const inputs = Object.fromEntries(session.inputs.map((tensor) => [tensor.name, zeros(tensor)]));
    globalThis.endured = { session, inputs };
  })"""
_RUN = "async (runs) => { for (let i = 0; i < runs; i++) await endured.session.run(endured.inputs); }"
_CLOSE = "() => endured.session.dispose()"


class _Entry(TypedDict):
    """What the browser tells of a process (the first three), or of a metric."""

    type: str
    id: int
    cpuTime: float
    name: str
    value: float


class _Devtools(Protocol):
    """What is needed of Playwright's sessions of the browser's protocol."""

    def send(self, method: str) -> dict[str, list[_Entry]]: ...


@dataclass(frozen=True)
class Sample:
    """Resident memory, in bytes, of the page's process and of the GPU's, after so many runs."""

    runs: int
    page: int
    gpu: int


@dataclass
class Endurance:
    """A model in a page of its own, which runs on zeros."""

    _page: Page
    _browser: _Devtools
    _devtools: _Devtools
    _runs: int = 0

    def settle(self, runs: int, most: int) -> list[Sample]:
        """Samples after every so many runs, until one hardly holds more than the one before; at most so many."""
        samples = [self.run(runs)]
        while len(samples) < most:
            samples.append(self.run(runs))
            if growth(samples[-2:]) < STEADY:
                break
        return samples

    def run(self, runs: int) -> Sample:
        """Run the model, collect the garbage, and tell what is held."""
        self._page.evaluate(_RUN, runs)
        self._runs += runs
        self._devtools.send("HeapProfiler.collectGarbage")
        self._devtools.send("Performance.enable")
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        running = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        # Other pages of the browser's own have processes too: this one's has worked as long as it says.
        worked = next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime")
        renderers = [process for process in running if process["type"] == "renderer"]
        own = min(renderers, key=lambda process: abs(process["cpuTime"] - worked))
        gpu = sum(resident(process["id"]) for process in running if process["type"] == "GPU")
        return Sample(self._runs, resident(own["id"]), gpu)


@contextmanager
def opened(bundle: Path, backend: str) -> Generator[Endurance]:
    """The bundle in a browser of its own, of which no other page takes memory."""
    with Browser() as browser:
        page = browser.new_page()
        page.evaluate(_OPEN, [browser.mount(bundle), backend])
        assert page.context.browser
        yield Endurance(page, page.context.browser.new_browser_cdp_session(), page.context.new_cdp_session(page))
        page.evaluate(_CLOSE)


def resident(process: int) -> int:
    """The bytes that a process holds in memory."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)
    return int(told.stdout) * 1024


def growth(samples: list[Sample]) -> float:
    """By what share of the first sample the page's process has grown until the last one."""
    return samples[-1].page / samples[0].page - 1


def main() -> None:
    """Compile, run, print, and fail where memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--backend", default="webgl2", choices=("webgpu", "webgl2", "webgl1", "wasm", "js"))
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--warm-up", type=int, default=200, help="runs before the first sample")
    parser.add_argument("--samples", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        target = "webgl" if arguments.backend.startswith("webgl") else arguments.backend
        manifest, files, _ = compile_model(arguments.model, (target,))
        write_bundle(Path(scratch) / "bundle", manifest, files)
        with opened(Path(scratch) / "bundle", arguments.backend) as endurance:
            samples = [endurance.run(arguments.warm_up)]
            for _ in range(arguments.samples):
                sample = endurance.run(arguments.runs // arguments.samples)
                print(
                    f"{sample.runs:>8} runs: page {sample.page / 1e6:.1f} MB, GPU {sample.gpu / 1e6:.1f} MB", flush=True
                )
                samples.append(sample)
    grown = growth(samples)
    print(f"the page's process has grown by {grown:.1%} since run {samples[0].runs}")
    if grown > MOST_GROWTH:
        raise SystemExit(f"that is more than {MOST_GROWTH:.0%}")


if __name__ == "__main__":
    main()
