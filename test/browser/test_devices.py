"""What sessions ask of GPUs, in Chromium: lost devices, shared ones, handles that are freed, and counted calls."""

import json
from collections.abc import Iterable, Iterator
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


class Answer(TypedDict):
    """What the functions of pages/devices.js answer, each some of it; counts are of calls or handles, by name."""

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


@pytest.mark.parametrize(("order", "devices"), [((0, 1), 2), ((1, 0), 1), ((0, 1, 1, 0), 2)])
def test_a_bundle_that_needs_more_has_a_device_that_offers_it(
    browser: Browser, page: Page, relu: Path, tmp_path: Path, order: tuple[int, ...], devices: int
) -> None:
    demanding = write_relu(tmp_path / "b", limits={"maxComputeWorkgroupStorageSize": 32768})
    urls = [browser.mount(relu), browser.mount(demanding)]
    answer = ask(page, "beside", [urls[i] for i in order])
    assert answer["results"] == [Y] * len(order)
    assert answer["calls"]["requestDevice"] == devices
    assert answer["shared"] is (devices == 1)
    assert answer["left"] == {}


@pytest.mark.parametrize(
    ("backend", "file", "texts"),
    [("webgpu", "wgsl.json", RELU_WGSL), ("webgl2", "es3.json", RELU_ES3), ("webgl1", "es1.json", RELU_ES1)],
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


def fetches(calls: Iterable[str]) -> list[str]:
    return [call for call in calls if call.startswith("fetch")]


@pytest.mark.parametrize(("backend", "files"), [("webgpu", 5), ("webgl2", 5), ("webgl1", 5), ("wasm", 4), ("js", 3)])
def test_loading_fetches_each_file_once(browser: Browser, page: Page, relu: Path, backend: str, files: int) -> None:
    """The manifest, then all else at once; a module is fetched by the engine, for which js waits."""
    answer = ask(page, "steps", browser.mount(relu), backend)
    fetched = fetches(answer["order"])
    assert len(set(fetched)) == len(fetched)
    assert len([name for name in fetched if not name.endswith("kernels.js")]) == files
    assert fetched[0] == "fetch model.json"
    assert answer["results"] == [Y] * 3


def test_webgpu_waits_for_nothing_that_it_does_not_need(browser: Browser, page: Page, relu: Path) -> None:
    answer = ask(page, "steps", browser.mount(relu), "webgpu")
    order, loading = answer["order"], answer["loading"]
    assert (loading["requestAdapter"], loading["requestDevice"]) == (1, 1)
    # Files come while the device is made, and weights while kernels are compiled, none of which blocks the page.
    assert all(order.index(name) < order.index("requestAdapter") for name in fetches(order))
    assert order.index("createComputePipelineAsync") < order.index("createBindGroup")
    assert loading["createComputePipelineAsync"] == 2
    assert "createComputePipeline" not in loading
    # Buffers, modules and groups are checked in one scope of each kind.
    assert loading["popErrorScope"] == 9


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
def test_webgl_compiles_while_weights_come(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    order = ask(page, "steps", browser.mount(relu), backend)["order"]
    assert all(order.index(name) < order.index("linkProgram") for name in fetches(order))
    # All programs are begun before the first is waited for.
    assert max(i for i, call in enumerate(order) if call == "linkProgram") < order.index("getProgramParameter")


def test_a_run_is_one_submission(browser: Browser, page: Page, relu: Path) -> None:
    answer = ask(page, "steps", browser.mount(relu), "webgpu")
    assert (answer["running"]["submit"], answer["running"]["mapAsync"]) == (1, 1)
    # Of three runs that nothing has waited for, two are submitted, and the buffers of runs before are used again.
    assert (answer["begun"]["submit"], answer["begun"]["mapAsync"], answer["begun"]["createBuffer"]) == (2, 2, 1)
    assert "getMappedRange" not in answer["begun"]
    assert (answer["rest"]["submit"], answer["rest"].get("createBuffer", 0)) == (1, 0)


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
def test_reads_of_webgl_overlap(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    """WebGL 1 can only read at once."""
    answer = ask(page, "steps", browser.mount(relu), backend)
    assert answer["running"]["drawArrays"] == 2
    assert (answer["begun"]["drawArrays"], answer["begun"]["readPixels"]) == (4, 2)
    assert "getBufferSubData" not in answer["begun"]
    assert (answer["rest"]["drawArrays"], answer["rest"]["readPixels"]) == (2, 1)


@pytest.mark.parametrize(("backend", "own"), [("webgpu", 4), ("webgl2", 5), ("wasm", 2), ("js", 2)])
def test_only_the_modules_of_a_backend_are_loaded(browser: Browser, relu: Path, backend: str, own: int) -> None:
    """Images are among those that are not."""
    page = browser.new_page()
    ask(page, "steps", browser.mount(relu), backend)
    urls: list[str] = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    page.close()
    modules = {url.split("/runner/")[1] for url in urls if "/runner/" in url}
    backends = {name for name in modules if name.startswith("backends/")}
    assert modules - backends == {
        f"{name}.js" for name in ("index", "load", "bundle", "error", "session", "sha256", "sizes", "tensors")
    }
    assert len(backends) == own
