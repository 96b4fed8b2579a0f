"""The browser runner in Chromium: fall-through, failures of devices, workers, overlap."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import pytest
from playwright.sync_api import Page

from browser.tiny_bundles import RELU_ES1, RELU_ES3, RELU_WGSL, B, W, write_relu
from webdnn.runner.python.chromium import Browser

Y = [1.5, 0, 8, 2, 22, 100]
BACKENDS = ("webgpu", "webgl2", "webgl1", "wasm", "js")


class Told(TypedDict):
    """An error."""

    name: str
    message: str
    hint: str


class Answer(TypedDict, total=False):
    """What the functions of pages/cases.js answer."""

    backend: str
    refusals: list[dict[str, str]]
    y: list[float]
    s: list[int]
    results: list[list[float] | str]
    reports: list[dict[str, str | int]]
    uncaptured: list[str]
    error: Told


@dataclass(frozen=True)
class Case:
    """Calls functions of pages/cases.js on bundles."""

    browser: Browser
    page: Page

    def __call__(self, function: str, bundle: Path, *arguments: object) -> Answer:
        answer: Answer = self.page.evaluate(
            "([name, values]) => import('/test/cases.js').then((cases) => cases[name](...values))",
            [function, [self.browser.mount(bundle), *arguments]],
        )
        return answer


class Write(Protocol):
    """Writes a bundle into a directory."""

    def __call__(self, directory: Path) -> Path: ...


@pytest.fixture(scope="session")
def case(browser: Browser) -> Iterator[Case]:
    page = browser.new_page()
    yield Case(browser, page)
    page.close()


def _error(answer: Answer) -> Told:
    assert "error" in answer, answer
    assert answer["error"]["name"] == "WebDnnError"
    assert answer["error"]["hint"]
    return answer["error"]


def _texts(*texts: str) -> bytes:
    return json.dumps(texts).encode()


def test_the_page_is_isolated_and_strict(case: Case, relu: Path) -> None:
    assert case.page.evaluate("crossOriginIsolated") is True
    answer = case("evaluate", relu)
    assert "error" in answer
    assert answer["error"]["name"] == "EvalError"


def test_the_first_backend_is_taken(case: Case, relu: Path) -> None:
    assert case("compute", relu) == {"backend": "webgpu", "refusals": [], "y": Y}


def test_webgl_means_2_then_1(case: Case, tmp_path: Path) -> None:
    broken = _texts(RELU_ES3[0], "#version 300 es\nvoid main(){nope}")
    answer = case("compute", write_relu(tmp_path / "b", replaced={"es3.json": broken}), ["webgl"])
    assert (answer.get("backend"), answer.get("y")) == ("webgl1", Y)
    (refusal,) = answer.get("refusals", [])
    assert refusal["backend"] == "webgl2"
    assert "shader 1 did not compile" in refusal["reason"]
    assert "ERROR: 0:2" in refusal["reason"]


@pytest.mark.parametrize(
    ("write", "backend", "reason"),
    [
        (partial(write_relu, leave_out=("webgpu",)), "webgpu", "was not compiled for webgpu"),
        (partial(write_relu, limits={"maxBufferSize": 2**50}), "webgpu", "needs maxBufferSize 1125899906842624"),
        (partial(write_relu, limits={"maxSurprise": 1}), "webgpu", "the adapter has undefined"),
        (partial(write_relu, replaced={"wgsl.json": _texts(RELU_WGSL[0], "nope")}), "webgpu", "WebGPU reports"),
        (partial(write_relu, replaced={"wgsl.json": _texts(*RELU_WGSL[:1] * 2)}), "webgpu", "kernel 'scale' did not"),
        (partial(write_relu, max_texture_size=2**20), "webgl2", "needs textures of 1048576 texels a side"),
        (partial(write_relu, replaced={"es1.json": _texts(RELU_ES1[0], "nope")}), "webgl1", "shader 1 did not"),
        (partial(write_relu, replaced={"relaxed.wasm": b"", "simd.wasm": b""}), "wasm", "simd + relaxed-simd, or simd"),
        (partial(write_relu, replaced={"kernels.js": b"nope("}), "js", "Unexpected end of input"),
        (partial(write_relu, replaced={"kernels.js": b"export {}"}), "js", "exports no run()"),
    ],
)
def test_a_refusal_has_a_reason(case: Case, tmp_path: Path, write: Write, backend: str, reason: str) -> None:
    error = _error(case("compute", write(tmp_path / "b"), [backend]))
    assert error["message"].startswith(f"no backend can run 'relu': {backend}: ")
    assert reason in error["message"]
    assert "allow more backends" in error["hint"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_changed_byte_names_its_file(case: Case, relu: Path, tmp_path: Path, backend: str) -> None:
    bundle = shutil.copytree(relu, tmp_path / "b")
    section = "webgl" if backend.startswith("webgl") else backend
    weights = json.loads((bundle / "model.json").read_text())["backends"][section]["weights"]
    shard = bundle / weights[1]["file"]
    shard.write_bytes(b"\x55" + shard.read_bytes()[1:])
    error = _error(case("compute", bundle, [backend, "js"]))
    assert error["message"] == f"weights/{shard.name} is not the file that the bundle was written with"


def test_a_missing_file_is_named(case: Case, relu: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(relu, tmp_path / "b")
    (bundle / "wgsl.json").unlink()
    error = _error(case("compute", bundle))
    assert "wgsl.json" in error["message"]
    assert "answered with status 404" in error["message"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_runs_in_a_worker(case: Case, relu: Path, backend: str) -> None:
    assert case("computeInWorker", relu, [backend]) == {"backend": backend, "refusals": [], "y": Y}


@pytest.mark.parametrize("backend", ["webgpu", "webgl2"])
def test_overlapping_runs_wait_for_one_another(case: Case, relu: Path, backend: str) -> None:
    at_zero = [0.5, 0, -1, 2, -3, 100]
    assert case("overlap", relu, backend, False) == {"results": [Y, Y, at_zero]}


@pytest.mark.parametrize("backend", BACKENDS)
def test_outputs_are_fed_back(case: Case, relu: Path, backend: str) -> None:
    """Outputs are the page's own: later runs do not change them."""
    y, wanted = np.array(Y, np.float32), [Y]
    for _ in range(2):
        y = np.maximum(y, 0) * W.reshape(-1) + B.reshape(-1)
        wanted.append(y.tolist())
    assert case("stream", relu, backend, 3) == {"results": wanted}


@pytest.mark.parametrize("backend", ["webgpu", "webgl2"])
def test_disposal_waits_for_the_runs_that_have_begun(case: Case, relu: Path, backend: str) -> None:
    """GPUs have two at a time."""
    disposed = "the session is disposed"
    assert case("overlap", relu, backend, True) == {"results": [Y, Y, disposed]}


@pytest.mark.parametrize(("backend", "value"), [("webgpu", 2**31), ("webgl2", 2**24), ("webgl1", -(2**24))])
def test_an_integer_that_a_gpu_cannot_hold_is_rejected(case: Case, integers: Path, backend: str, value: int) -> None:
    answer = case("largeInteger", integers, backend, str(value))
    assert f"element 1 of input 'a' is {value}" in _error(answer)["message"]
    assert answer.get("s") == [2, 3, 4]


@pytest.mark.parametrize(
    ("backend", "hidden"),
    [("webgl2", ["EXT_color_buffer_float"]), ("webgl1", ["OES_texture_float", "WEBGL_color_buffer_float"])],
)
def test_half_floats_are_the_second_choice(case: Case, relu: Path, backend: str, hidden: list[str]) -> None:
    assert case("withoutExtensions", relu, backend, hidden) == {"backend": backend, "refusals": [], "y": Y}


@pytest.mark.parametrize(
    ("backend", "hidden"),
    [
        ("webgl2", ["EXT_color_buffer_float", "EXT_color_buffer_half_float"]),
        ("webgl1", ["OES_texture_float", "OES_texture_half_float"]),
    ],
)
def test_without_float_textures_webgl_is_refused(case: Case, relu: Path, backend: str, hidden: list[str]) -> None:
    error = _error(case("withoutExtensions", relu, backend, hidden))
    assert "renders to no float texture" in error["message"]


def test_the_page_may_bring_its_device(case: Case, relu: Path) -> None:
    answer = case("ownDevice", relu)
    assert answer.get("results") == [Y, Y]
    assert answer.get("uncaptured") == []
    assert "the GPU device was lost" in _error(answer)["message"]


@pytest.mark.parametrize(("backend", "kernels", "weights"), [("webgpu", 2, 280), ("webgl2", 2, 60), ("js", 1, 48)])
def test_progress_reaches_the_total(case: Case, relu: Path, backend: str, kernels: int, weights: int) -> None:
    last = {report["stage"]: report for report in case("progress", relu, backend).get("reports", [])}
    assert last["kernels"] == {"stage": "kernels", "loaded": kernels, "total": kernels}
    assert last["weights"] == {"stage": "weights", "loaded": weights, "total": weights}


@pytest.mark.parametrize("backend", BACKENDS)
def test_loading_can_be_aborted(case: Case, relu: Path, backend: str) -> None:
    assert _error(case("abort", relu, backend))["message"] == "loading was aborted"
