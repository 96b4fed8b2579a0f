"""Runs bundles in a headless Chromium, by the browser runner: WebGPU, WebGL, wasm or JavaScript."""

import base64
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import NotRequired, Self, TypedDict

import numpy as np
from playwright.sync_api import Browser as PlaywrightBrowser
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Playwright, sync_playwright

from webdnn.runner.python.bundle import Bundle
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.server import Server
from webdnn.runner.python.tensors import DTYPES, Array

EXECUTABLE_VARIABLE = "WEBDNN_CHROMIUM"

FLAGS = (
    # WebGPU and WebGL on a CPU, for machines without a GPU.
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)


class _Failure(TypedDict):
    message: str
    hint: str


class _Refusal(TypedDict):
    backend: str
    reason: str


class _Encoded(TypedDict):
    data: str
    shape: list[int]


class _Answer(TypedDict):
    backend: NotRequired[str]
    threads: NotRequired[int]
    refusals: NotRequired[list[_Refusal]]
    outputs: NotRequired[list[_Encoded]]
    error: NotRequired[_Failure]


class _Driver(threading.local):
    """Playwright allows one driver a thread: all browsers of the thread share it, and the last one stops it."""

    def __init__(self) -> None:
        self._users = 0
        self._playwright: Playwright | None = None

    def acquire(self) -> Playwright:
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        self._users += 1
        return self._playwright

    def release(self) -> None:
        self._users -= 1
        if self._users == 0 and self._playwright:
            self._playwright.stop()
            self._playwright = None


_DRIVER = _Driver()


class Browser:
    """One browser process and one server for many sessions; a context manager."""

    def __init__(self, executable: str | None = None, flags: Sequence[str] = FLAGS) -> None:
        web, page = (Path(str(files("webdnn"))) / "runner" / part for part in ("web", "python/page"))
        self._numbers = count()
        self._idle: list[Page] = []
        try:
            playwright = _DRIVER.acquire()
        except PlaywrightError as error:
            raise SessionError(f"Playwright did not start: {error}", "use a thread without an event loop") from error
        try:
            self._browser: PlaywrightBrowser = _launch(playwright, executable, flags)
        except BaseException:
            _DRIVER.release()
            raise
        self.server = Server({"/": page, "/runner/": web})

    @property
    def version(self) -> str:
        """The browser's own version, such as "140.0.7339.16"."""
        return self._browser.version

    def new_page(self) -> Page:
        """An empty page of the server's origin, which may import `/runner/index.js`."""
        page = self._browser.new_page()
        page.goto(f"{self.server.url}session.html")
        return page

    def take_page(self) -> Page:
        """A page that holds no model: one that was given back, which is ten times faster than a new one."""
        return self._idle.pop() if self._idle else self.new_page()

    def give_back(self, page: Page) -> None:
        """Let another session use the page."""
        self._idle.append(page)

    def mount(self, directory: Path) -> str:
        """Serve a bundle; its address, relative to the origin."""
        prefix = f"/bundle/{next(self._numbers)}/"
        self.server.mount(prefix, directory)
        return prefix

    def close(self) -> None:
        """End the browser and the server."""
        self._browser.close()
        self.server.close()
        _DRIVER.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Chromium:
    """The engine: `backend` is one of the browser runner's (all of them, in its order, if None).

    `threads` is how many compute, of which only wasm may have several (the runner's choice if None). Without a
    `browser` of the caller's, every session launches one of its own, which takes about a second.
    """

    backend: str | None = None
    browser: Browser | None = None
    threads: int | None = None

    def open(self, bundle: Bundle) -> "ChromiumExecutor":
        """Load the bundle in a page."""
        browser = self.browser or Browser()
        try:
            return ChromiumExecutor(bundle, self, browser)
        except BaseException:
            if self.browser is None:
                browser.close()
            raise


class ChromiumExecutor:
    """One page that holds a session of the browser runner; `refusals` are (backend, reason)."""

    def __init__(self, bundle: Bundle, engine: Chromium, browser: Browser) -> None:
        self._browser = browser
        self._owned = engine.browser is None
        self._tensors = bundle.manifest["outputs"]
        self._prefix = browser.mount(bundle.directory)
        self._page = browser.take_page()
        try:
            answer = self._ask("open", self._prefix, [engine.backend] if engine.backend else None, engine.threads)
            self.threads = answer.get("threads", 1)
            if engine.threads not in (None, self.threads):
                hint = "leave out how many: the backend has no threads, or the model has too little work to share"
                raise SessionError(f"it runs on {self.threads} thread, not on {engine.threads}", hint)
        except BaseException:
            self._leave()
            raise
        self.backend = answer.get("backend", "")
        self.refusals = tuple((refused["backend"], refused["reason"]) for refused in answer.get("refusals", []))

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Send the inputs to the page, and fetch the outputs."""
        sent = [{"data": base64.b64encode(v.tobytes()).decode(), "shape": list(v.shape)} for v in inputs]
        found = zip(self._tensors, self._ask("run", sent).get("outputs", []), strict=True)
        return [
            np.frombuffer(bytearray(base64.b64decode(it["data"])), DTYPES[tensor["type"]]).reshape(it["shape"])
            for tensor, it in found
        ]

    def close(self) -> None:
        """Free the model, and close the browser if it is the session's own."""
        self._leave()
        if self._owned:
            self._browser.close()

    def _leave(self) -> None:
        self._browser.server.unmount(self._prefix)
        try:
            self._ask("close")
        except SessionError:
            # A page that cannot even free its model is used no more.
            self._page.close()
        else:
            self._browser.give_back(self._page)

    def _ask(self, function: str, *arguments: object) -> _Answer:
        try:
            answer: _Answer = self._page.evaluate(
                "([name, values]) => import('/page.js').then((page) => page[name](...values))",
                [function, list(arguments)],
            )
        except PlaywrightError as error:
            raise SessionError(f"the page failed: {error.message}", "open a new session") from error
        if failure := answer.get("error"):
            raise SessionError(failure["message"], failure["hint"])
        return answer


def _launch(playwright: Playwright, executable: str | None, flags: Sequence[str]) -> PlaywrightBrowser:
    found = executable or find_executable(playwright)
    try:
        return playwright.chromium.launch(executable_path=found, args=list(flags))
    except PlaywrightError as error:
        hint = f"name another browser in {EXECUTABLE_VARIABLE}"
        raise SessionError(f"{found} could not be launched: {error.message}", hint) from error


def find_executable(playwright: Playwright) -> str:
    """Any installed Chromium or Chrome: the named one, one on the path, a usual place, or Playwright's own."""
    named = os.environ.get(EXECUTABLE_VARIABLE)
    candidates = [
        *(shutil.which(command) for command in ([named] if named else _COMMANDS)),
        *(() if named else (*_PLACES, playwright.chromium.executable_path)),
    ]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    missing = f"{named} is not an executable file" if named else "no Chromium or Chrome was found"
    hint = f"install Chromium (or run `python -m playwright install chromium`), or name one in {EXECUTABLE_VARIABLE}"
    raise SessionError(missing, hint)
