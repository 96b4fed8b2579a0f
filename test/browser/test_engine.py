"""The Python engine over a headless Chromium."""

from pathlib import Path

import numpy as np
import pytest

from browser.tiny_bundles import relu_meaning, write_relu
from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.chromium import Browser, Chromium, ChromiumExecutor
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Session

X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
BACKENDS = ("webgpu", "webgl2", "webgl1", "wasm", "js")


@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_computes(browser: Browser, relu: Path, backend: str) -> None:
    with Session(relu, Chromium(backend, browser)) as session:
        assert session.backend == backend
        for x in (X, -X):
            np.testing.assert_array_equal(session.run({"x": x})["y"], relu_meaning(x))


@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_takes_integers_and_halves(browser: Browser, integers: Path, backend: str) -> None:
    h = np.array([1.5, -65504, 6e-8], np.float16)
    given = {"a": np.array([5, -7, 2**20], np.int64), "m": np.array([True, False, True]), "h": h}
    with Session(integers, Chromium(backend, browser)) as session:
        outputs = session.run(given)
    np.testing.assert_array_equal(outputs["s"], [6, 7, 2**20 + 1])
    assert outputs["s"].dtype == np.int64
    np.testing.assert_array_equal(outputs["g"], h)


def test_two_sessions_at_once_do_not_meet(browser: Browser, relu: Path, integers: Path) -> None:
    with Session(relu, Chromium("webgl", browser)) as one, Session(integers, Chromium(None, browser)) as other:
        assert (one.backend, other.backend) == ("webgl2", "webgpu")
        np.testing.assert_array_equal(one.run({"x": X})["y"], relu_meaning(X))


def test_a_page_is_used_again_after_a_failure(browser: Browser, relu: Path, tmp_path: Path) -> None:
    unusable = {"simd.wasm": b"", "relaxed.wasm": b""}
    broken = write_relu(tmp_path / "b", leave_out=("webgpu", "webgl", "js"), replaced=unusable)
    with pytest.raises(SessionError, match=r"no backend can run 'relu'.*wasm: this engine validates none") as caught:
        Session(broken, Chromium(None, browser))
    assert "compile the bundle for more targets" in caught.value.hint
    with Session(relu, Chromium("wasm", browser)) as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], relu_meaning(X))


def test_a_session_of_its_own_browser(relu: Path) -> None:
    with Session(relu, "chromium:js") as session:
        assert session.backend == "js"


def test_refusals_are_told(browser: Browser, tmp_path: Path) -> None:
    bundle = open_bundle(write_relu(tmp_path / "b", leave_out=("webgpu",)))
    executor = Chromium(None, browser).open(bundle)
    assert isinstance(executor, ChromiumExecutor)
    assert executor.refusals == (("webgpu", "the bundle was not compiled for webgpu"),)
    executor.close()
