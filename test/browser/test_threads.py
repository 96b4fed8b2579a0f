"""Threads of the wasm backend in Chromium: when there are several, and what happens when one fails."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TypedDict

import pytest
from playwright.sync_api import Page

from browser.tiny_bundles import threads_wasm, write_relu
from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.error import SessionError
from webdnn.targets.bundle.write import runner_files

SLEEP = "(call $sleep)"


class Answer(TypedDict):
    """What `attempt` of pages/threads.js answers."""

    threads: int
    outcomes: list[str]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def attempt(page: Page, url: str, threads: int) -> Answer:
    answer: Answer = page.evaluate(
        "([url, threads]) => import('/test/threads.js').then((cases) => cases.attempt(url, threads))", [url, threads]
    )
    return answer


def wait_for_workers(page: Page, count: int) -> None:
    """Workers end when they next look at their messages."""
    for _ in range(100):
        if len(page.workers) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(page.workers)} workers are left")


@pytest.mark.parametrize("threads", [2, 4])
def test_as_many_threads_as_asked_for_which_end(browser: Browser, page: Page, tmp_path: Path, threads: int) -> None:
    bundle = browser.mount(write_relu(tmp_path / "b", threads=threads_wasm("", SLEEP)))
    assert attempt(page, bundle, threads) == {"threads": threads, "outcomes": ["computed"] * 2}
    wait_for_workers(page, 0)


def test_one_thread_has_no_workers(browser: Browser, page: Page, tmp_path: Path) -> None:
    bundle = browser.mount(write_relu(tmp_path / "b", threads=threads_wasm("unreachable", "unreachable")))
    assert attempt(page, bundle, 1) == {"threads": 1, "outcomes": ["computed"] * 2}


def test_a_small_model_has_one_thread(browser: Browser, page: Page, relu: Path) -> None:
    assert attempt(page, browser.mount(relu), 4)["threads"] == 1


def test_the_python_engine_counts_threads(browser: Browser, relu: Path, tmp_path: Path) -> None:
    bundle = open_bundle(write_relu(tmp_path / "b", threads=threads_wasm("", SLEEP)))
    executor = Chromium("wasm", browser, threads=2).open(bundle)
    assert executor.threads == 2
    executor.close()
    with pytest.raises(SessionError, match="it runs on 1 thread, not on 2"):
        Chromium("wasm", browser, threads=2).open(open_bundle(relu))


@pytest.mark.parametrize(
    ("run", "work"),
    [("unreachable", SLEEP), ("(call $wake) (loop $forever (br $forever))", f"{SLEEP} unreachable")],
    ids=["leader", "worker"],
)
def test_a_thread_that_fails_ends_all(browser: Browser, page: Page, tmp_path: Path, run: str, work: str) -> None:
    bundle = browser.mount(write_relu(tmp_path / "b", threads=threads_wasm(run, work)))
    answer = attempt(page, bundle, 2)
    assert answer["threads"] == 2
    first, second = answer["outcomes"]
    assert first == second
    assert "a thread failed" in first
    assert "unreachable" in first
    wait_for_workers(page, 0)


def test_the_default_is_no_more_than_the_processors(browser: Browser, page: Page, tmp_path: Path) -> None:
    bundle = browser.mount(write_relu(tmp_path / "b", threads=threads_wasm("", SLEEP)))
    found = page.evaluate("(url) => import('/test/threads.js').then((cases) => cases.byDefault(url))", bundle)
    assert found["threads"] == min(found["processors"], 4)


def test_where_workers_are_refused_one_thread_computes(browser: Browser, tmp_path: Path) -> None:
    policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'"
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    browser.server.mount("/strict/", site)
    bundle = browser.mount(write_relu(tmp_path / "b", threads=threads_wasm("", SLEEP)))
    page = browser.new_page()
    page.goto(f"{browser.server.url}strict/")
    assert page.evaluate("crossOriginIsolated") is True
    assert attempt(page, bundle, 2) == {"threads": 1, "outcomes": ["computed"] * 2}
    page.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A plain server, as many a static host is."""


def test_a_page_without_isolation_has_one_thread(browser: Browser, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_relu(site / "b", threads=threads_wasm("", SLEEP))
    for path, content in runner_files().items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    (site / "index.html").write_text("<title>plain</title>")
    (site / "test").symlink_to(Path(__file__).parent / "pages")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    assert page.evaluate("crossOriginIsolated") is False
    assert attempt(page, "/b/", 2) == {"threads": 1, "outcomes": ["computed"] * 2}
    page.close()
    server.shutdown()
    server.server_close()
    thread.join()
