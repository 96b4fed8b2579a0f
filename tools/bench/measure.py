"""Drives the page that times engines: one page for each model, backend and number of threads."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import numpy as np
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from webdnn import __version__
from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.tools.bench.peers import Peer
from webdnn.tools.bench.results import OURS, Cell, Engine
from webdnn.tools.bench.subject import Subject, type_name
from webdnn.tools.comparison import EXACT, Comparison, compare

PAGES = Path(__file__).parents[1] / "pages" / "bench"
WEIGHT_SUFFIXES = (".bin", ".onnx")
"""Of the files that hold weights, which compression does not make smaller."""


class Answer(TypedDict):
    """What the page tells of an engine; outputs are those of the first run and of the last, in base64."""

    name: str
    version: str
    failure: str
    load: float
    first: float
    times: list[float]
    memory: int
    urls: list[str]
    outputs: list[list[str]]


@dataclass(frozen=True)
class Bench:
    """A browser with the peers' packages at hand, and the number of timed rounds."""

    browser: Browser
    peers: Mapping[str, Peer]
    rounds: int

    def cell(self, subject: Subject, backend: str, threads: int, scratch: Path) -> Cell:
        """Time every engine that can run a model; `scratch` is a folder for its inputs."""
        server = self.browser.server
        mounts = {"/bundle/": subject.bundle, "/inputs/": scratch}
        if subject.model:
            mounts["/model/"] = subject.model.parent
        for prefix, directory in mounts.items():
            server.mount(prefix, directory)
        try:
            answers = ask(self.browser, self._plan(subject, backend, threads, scratch))
            engines = [self._judged(answer, subject) for answer in answers]
        finally:
            for prefix in mounts:
                server.unmount(prefix)
        return Cell(model=subject.name, backend=backend, threads=threads, engines=engines)

    def _plan(self, subject: Subject, backend: str, threads: int, scratch: Path) -> dict[str, object]:
        where: dict[str, object] = {"backend": backend, "threads": threads}
        engines = [{"name": OURS, "script": "/bench/webdnn.js", "options": {"url": "/bundle/", **where}}]
        for name, peer in self.peers.items():
            if subject.model and peer.offers(backend, subject.model):
                file = subject.model.stem if peer.needs_tape else subject.model.name
                options = {"url": f"/model/{quote(file)}", **where}
                engines.append({"name": name, "script": f"/bench/{peer.script}", "options": options})
        return {"model": described(subject, scratch), "engines": engines, "rounds": self.rounds}

    def _judged(self, answer: Answer, subject: Subject) -> Engine:
        files = [self.browser.server.find(url) for url in answer["urls"]]
        found = {file: file.read_bytes() for file in files if file}
        code = [content for file, content in found.items() if file.suffix not in WEIGHT_SUFFIXES]
        comparisons = (
            [] if answer["failure"] else compared(answer["outputs"], subject, weights_of(answer["name"], subject))
        )
        return Engine(
            name=answer["name"],
            version=__version__ if answer["name"] == OURS else answer["version"],
            failure=answer["failure"],
            load=answer["load"],
            first=answer["first"],
            times=answer["times"],
            error=max((c.absolute for c in comparisons), default=None),
            within=all(c.within for c in comparisons),
            download=sum(map(len, found.values())),
            code=sum(len(zlib.compress(content)) for content in code),
            memory=answer["memory"],
        )


def described(subject: Subject, scratch: Path) -> dict[str, object]:
    """What the page is told of a model; its inputs are written to a folder that is served as `/inputs/`."""
    inputs: list[dict[str, object]] = []
    for i, (name, array) in enumerate(subject.feeds.items()):
        (scratch / f"{i}.bin").write_bytes(array.tobytes())
        shape = list(array.shape)
        inputs.append({"name": name, "type": type_name(array), "shape": shape, "url": f"/inputs/{i}.bin"})
    return {"inputs": inputs, "outputs": subject.outputs}


def ask(browser: Browser, plan: Mapping[str, object]) -> list[Answer]:
    """Let a new page carry out a plan. Raises DiagnosticError where the page dies."""
    page = open_page(browser)
    try:
        answers: list[Answer] = page.evaluate(
            "(plan) => import('/bench/bench.js').then((bench) => bench.measure(plan))", plan
        )
        return answers
    except PlaywrightError as error:
        raise page_failure(error) from error
    finally:
        page.close()


def open_page(browser: Browser) -> Page:
    """A page that may import what the bench has for pages."""
    browser.server.mount("/bench/", PAGES)
    page = browser.new_page()
    page.goto(f"{browser.server.url}bench/index.html")
    return page


def page_failure(error: PlaywrightError) -> DiagnosticError:
    """A page that died is an error of the whole bench."""
    return DiagnosticError(f"the page failed: {error.message}", hint="try the model alone, with fewer peers")


def weights_of(engine: str, subject: Subject) -> str:
    """How an engine stores weights; all but ours take the model's."""
    return subject.manifest["weights"] if engine == OURS else EXACT


def compared(runs: Sequence[Sequence[str]], subject: Subject, weights: str) -> list[Comparison]:
    """How far the outputs of each run are from those of onnxruntime; nothing where they are not known."""
    if subject.expected is None:
        return []
    found: list[Comparison] = []
    for encoded in runs:
        for tensor, text in zip(subject.outputs, encoded, strict=True):
            reference = subject.expected[tensor["name"]]
            steps = subject.steps.get(tensor["name"], 0.0)
            found.append(compare(decoded(text, reference), reference, weights, steps))
    return found


def decoded(text: str, reference: Array) -> Array:
    """An output as an array; one of another size is an array of bytes, which no comparison lets pass."""
    content = base64.b64decode(text)
    if len(content) != reference.nbytes:
        return np.frombuffer(content, np.uint8)
    return np.frombuffer(content, reference.dtype).reshape(reference.shape)
