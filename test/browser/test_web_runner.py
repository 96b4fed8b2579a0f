"""The browser runner in Chromium: fall-through, failures of devices, workers, overlap."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser.tiny_bundles import RELU_ES1, RELU_ES3, RELU_WGSL, write_relu
from webdnn.runner.python.chromium import Browser

Case = Callable[..., object]
Y = [1.5, 0, 8, 2, 22, 100]
AT_ZERO = [0.5, 0, -1, 2, -3, 100]
BACKENDS = ("webgpu", "webgl2", "webgl1", "wasm", "js")


@pytest.fixture(scope="session")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def case(browser: Browser, page: Page) -> Case:
    """Calls a function of pages/cases.js on a bundle."""

    def call(function: str, bundle: Path, *arguments: object) -> object:
        return page.evaluate(
            "([name, values]) => import('/test/cases.js').then((cases) => cases[name](...values))",
            [function, [browser.mount(bundle), *arguments]],
        )

    return call


def _texts(texts: list[str]) -> bytes:
    return json.dumps(texts).encode()


def test_the_page_is_isolated_and_strict(page: Page) -> None:
    assert page.evaluate("crossOriginIsolated") is True
    assert page.evaluate("() => { try { (0, eval)('1'); return 'ran'; } catch (e) { return e.name; } }") == "EvalError"


def test_the_first_backend_is_taken(case: Case, relu: Path) -> None:
    assert case("compute", relu) == {"backend": "webgpu", "refusals": [], "y": Y}


def test_webgl_means_2_then_1(case: Case, tmp_path: Path) -> None:
    bundle = write_relu(
        tmp_path / "b", replaced={"es3.json": _texts([RELU_ES3[0], "#version 300 es\nvoid main(){nope}"])}
    )
    match case("compute", bundle, ["webgl"]):
        case {"backend": "webgl1", "y": y, "refusals": [{"backend": "webgl2", "reason": reason}]}:
            assert y == Y
            assert "shader 1 did not compile" in str(reason)
            assert "ERROR: 0:2" in str(reason)
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize(
    ("make", "backend", "reason"),
    [
        (lambda d: write_relu(d, leave_out=("webgpu",)), "webgpu", "was not compiled for webgpu"),
        (lambda d: write_relu(d, limits={"maxBufferSize": 2**50}), "webgpu", "needs maxBufferSize 1125899906842624"),
        (lambda d: write_relu(d, limits={"maxSurprise": 1}), "webgpu", "the adapter has undefined"),
        (lambda d: write_relu(d, replaced={"wgsl.json": _texts([RELU_WGSL[0], "nope"])}), "webgpu", "WebGPU reports"),
        (
            lambda d: write_relu(d, replaced={"wgsl.json": _texts([RELU_WGSL[0], RELU_WGSL[0]])}),
            "webgpu",
            "kernel 'scale' did not compile",
        ),
        (lambda d: write_relu(d, max_texture_size=2**20), "webgl2", "needs textures of 1048576 texels a side"),
        (lambda d: write_relu(d, replaced={"es1.json": _texts([RELU_ES1[0], "nope"])}), "webgl1", "shader 1 did not"),
        (
            lambda d: write_relu(d, replaced={"relaxed.wasm": b"", "simd.wasm": b""}),
            "wasm",
            "simd + relaxed-simd, or simd",
        ),
        (lambda d: write_relu(d, replaced={"kernels.js": b"nope("}), "js", "Unexpected end of input"),
        (lambda d: write_relu(d, replaced={"kernels.js": b"export {}"}), "js", "exports no run()"),
    ],
)
def test_a_refusal_has_a_reason(
    case: Case, tmp_path: Path, make: Callable[[Path], Path], backend: str, reason: str
) -> None:
    match case("compute", make(tmp_path / "b"), [backend]):
        case {"error": {"name": "WebDnnError", "message": str(message), "hint": str(hint)}}:
            assert message.startswith(f"no backend can run 'relu': {backend}: ")
            assert reason in message
            assert "allow more backends" in hint
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_changed_byte_names_its_file(case: Case, relu: Path, tmp_path: Path, backend: str) -> None:
    bundle = shutil.copytree(relu, tmp_path / "b")
    section = "webgl" if backend.startswith("webgl") else backend
    weights = json.loads((bundle / "model.json").read_text())["backends"][section]["weights"]
    shard = bundle / weights[1]["file"]
    shard.write_bytes(b"\x55" + shard.read_bytes()[1:])
    match case("compute", bundle, [backend, "js"]):
        case {"error": {"message": str(message)}}:
            assert message == f"weights/{shard.name} is not the file that the bundle was written with"
        case other:
            pytest.fail(f"{other}")


def test_a_missing_file_is_named(case: Case, relu: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(relu, tmp_path / "b")
    (bundle / "wgsl.json").unlink()
    match case("compute", bundle):
        case {"error": {"message": str(message)}}:
            assert "wgsl.json" in message
            assert "answered with status 404" in message
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize("backend", BACKENDS)
def test_runs_in_a_worker(case: Case, relu: Path, backend: str) -> None:
    assert case("computeInWorker", relu, [backend]) == {"backend": backend, "refusals": [], "y": Y}


@pytest.mark.parametrize("backend", ["webgpu", "webgl2"])
def test_overlapping_runs_wait_and_disposal_ends_them(case: Case, relu: Path, backend: str) -> None:
    match case("overlap", relu, backend):
        case [first, {"message": second}, {"message": third}]:
            assert first == Y
            assert second == third == "the session is disposed"
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize(("backend", "value"), [("webgpu", 2**31), ("webgl2", 2**24 + 1), ("webgl1", -(2**24) - 1)])
def test_an_integer_that_a_gpu_cannot_hold_is_rejected(case: Case, integers: Path, backend: str, value: int) -> None:
    match case("largeInteger", integers, backend, str(value)):
        case {"failed": {"message": str(message), "hint": str(hint)}, "s": s}:
            assert f"element 1 of input 'a' is {value}" in message
            assert "wasm" in hint
            assert s == [2, 3, 4]
        case other:
            pytest.fail(f"{other}")


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
    match case("withoutExtensions", relu, backend, hidden):
        case {"error": {"message": str(message)}}:
            assert "renders to no float texture" in message
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
def test_a_lost_context_is_an_error(case: Case, relu: Path, backend: str) -> None:
    assert case("loseContext", relu, backend) == {
        "name": "WebDnnError",
        "message": "the WebGL context was lost",
        "hint": "load the model again",
    }


def test_the_page_may_bring_its_device(case: Case, relu: Path) -> None:
    match case("ownDevice", relu):
        case {"y": y, "again": again, "lost": {"message": str(message)}, "uncaptured": uncaptured}:
            assert y == again == Y
            assert "the GPU device was lost" in message
            assert uncaptured == []
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize(("backend", "kernels", "weights"), [("webgpu", 2, 280), ("webgl2", 2, 60), ("js", 1, 48)])
def test_progress_reaches_the_total(case: Case, relu: Path, backend: str, kernels: int, weights: int) -> None:
    reports = case("progress", relu, backend)
    assert isinstance(reports, list)
    last = {report["stage"]: report for report in reports}
    assert last["kernels"] == {"stage": "kernels", "loaded": kernels, "total": kernels}
    assert last["weights"]["loaded"] == last["weights"]["total"] == weights


@pytest.mark.parametrize("backend", BACKENDS)
def test_loading_can_be_aborted(case: Case, relu: Path, backend: str) -> None:
    match case("abort", relu, backend):
        case {"message": message}:
            assert message == "loading was aborted"
        case other:
            pytest.fail(f"{other}")
