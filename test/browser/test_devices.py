"""What sessions ask of GPUs, in Chromium: lost devices, shared ones, handles that are freed, and counted calls."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest
from playwright.sync_api import Page

from browser.tiny_bundles import RELU_ES1, RELU_ES3, RELU_WGSL, write_relu
from webdnn.runner.python.chromium import Browser

GPUS = ("webgpu", "webgl2", "webgl1")
Y = [1.5, 0, 8, 2, 22, 100]
AT_ZERO = [0.5, 0, -1, 2, -3, 100]
DEVICES = {"webgpu": "requestDevice", "webgl2": "getContext", "webgl1": "getContext"}


class Answer(TypedDict, total=False):
    """What the functions of pages/devices.js answer; counts are of calls or handles, by name."""

    results: list[list[float] | str]
    fetched: dict[str, int]
    shared: bool
    failed: str
    alive: dict[str, int]
    before: dict[str, int]
    after: dict[str, int]
    order: list[str]
    loading: dict[str, int]
    running: dict[str, int]
    begun: dict[str, int]
    rest: dict[str, int]
    calls: dict[str, int]
    left: dict[str, int]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def ask(page: Page, function: str, *arguments: object) -> Answer:
    answer: Answer = page.evaluate(
        "([name, values]) => import('/test/devices.js').then((cases) => cases[name](...values))",
        [function, list(arguments)],
    )
    return answer


@pytest.mark.parametrize("backend", GPUS)
def test_a_lost_device_is_made_anew(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    answer = ask(page, "lose", browser.mount(relu), backend)
    before, between, *during, after, beside = answer["results"]
    assert [before, between, after, beside] == [Y] * 4
    lost = "WebDnnError: the GPU device was lost" if backend == "webgpu" else "WebDnnError: the WebGL context was lost"
    assert all(isinstance(result, str) and result.startswith(lost) for result in during[:2])
    # The run that had not begun is made on the new device.
    assert during[2] == Y
    assert answer["left"] == {}


@pytest.mark.parametrize("backend", GPUS)
def test_weights_are_fetched_again_after_a_loss(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    fetched = ask(page, "lose", browser.mount(relu), backend)["fetched"]
    assert fetched.pop("fetch model.json") == 1
    assert len(fetched) == 4
    assert set(fetched.values()) == {2}


@pytest.mark.parametrize("backend", GPUS)
def test_a_device_that_cannot_be_made_anew_is_tried_again(
    browser: Browser, page: Page, relu: Path, backend: str
) -> None:
    offline, online = ask(page, "loseOffline", browser.mount(relu), backend)["results"]
    assert str(offline).startswith(f"WebDnnError: the GPU was lost, and {backend} could not be set up again: ")
    assert online == Y


@pytest.mark.parametrize("backend", GPUS)
def test_sessions_share_one_device(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    answer = ask(page, "share", browser.mount(relu), backend)
    assert answer["results"] == [AT_ZERO, Y, [2.5, 0, 17, 2, 47, 100], *[Y] * 5]
    assert answer["shared"]
    # The second one is that after the loss.
    assert answer["calls"][DEVICES[backend]] == 2
    assert answer["left"] == {}


@pytest.mark.parametrize(
    ("backend", "file", "texts"), [("webgpu", "wgsl.json", RELU_WGSL), ("webgl2", "es3.json", RELU_ES3), ("webgl1", "es1.json", RELU_ES1)]
)
def test_a_session_that_fails_leaves_others_alone(
    browser: Browser, page: Page, relu: Path, tmp_path: Path, backend: str, file: str, texts: list[str]
) -> None:
    broken = write_relu(tmp_path / "b", replaced={file: json.dumps([texts[0], "nope"]).encode()})
    answer = ask(page, "failBeside", browser.mount(relu), browser.mount(broken), backend)
    assert answer["results"] == [Y, Y]
    assert "no backend can run 'relu'" in answer["failed"]
    assert answer["calls"][DEVICES[backend]] == 1
    assert answer["left"] == {}


@pytest.mark.parametrize("backend", GPUS)
def test_runs_leave_no_handles(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    answer = ask(page, "endure", browser.mount(relu), backend, 100)
    assert answer["before"]
    assert answer["after"] == answer["before"]
    assert answer["left"] == {}
