"""Sessions over wasmtime, and what they refuse."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from browser.tiny_bundles import relu_meaning, relu_wasm, write_integers, write_relu
from webdnn.runner.python.bundle import Bundle
from webdnn.runner.python.chromium import EXECUTABLE_VARIABLE, Browser
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Executor, Session, engine_names, register_engine
from webdnn.runner.python.tensors import Array

X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)


@pytest.fixture(scope="session")
def relu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_relu(tmp_path_factory.mktemp("bundles") / "relu")


def test_outputs_are_by_name_and_runs_are_independent(relu: Path) -> None:
    with Session(relu) as session:
        assert session.backend == "wasm"
        for x in (X, -X):
            np.testing.assert_array_equal(session.run({"x": x})["y"], relu_meaning(x))


def test_integers_keep_every_bit(tmp_path: Path) -> None:
    a = np.array([2**62, -(2**62), -3], np.int64)
    m = np.array([True, False, True])
    h = np.array([1.5, -65504, 6e-8], np.float16)
    with Session(write_integers(tmp_path / "b")) as session:
        outputs = session.run({"a": a, "m": m, "h": h})
    np.testing.assert_array_equal(outputs["s"], [2**62 + 1, 2**62, -2])
    np.testing.assert_array_equal(outputs["g"], h)
    assert outputs["g"].dtype == np.float16


def test_arrays_need_not_be_contiguous(relu: Path) -> None:
    x = np.asfortranarray(X)
    with Session(relu) as session:
        np.testing.assert_array_equal(session.run({"x": x})["y"], relu_meaning(X))


def test_relaxed_simd_decides_which_module_runs(tmp_path: Path) -> None:
    bundle = write_relu(tmp_path / "b", replaced={"relaxed.wasm": relu_wasm(1000, relaxed=True)})
    with Session(bundle, "wasmtime") as relaxed, Session(bundle, "wasmtime:simd") as plain:
        difference = np.subtract(relaxed.run({"x": X})["y"], plain.run({"x": X})["y"])
    np.testing.assert_array_equal(difference, 1000)


@pytest.mark.parametrize(
    ("inputs", "message", "hint"),
    [
        ({"z": X}, "no input 'z'", "the inputs are x"),
        ({}, "input 'x' is missing", "the inputs are x"),
        ({"x": X.T}, r"shape \[3, 2\]", "shape [2, 3]"),
        ({"x": X.astype(np.float64)}, "dtype float64", "dtype float32"),
    ],
)
def test_wrong_inputs_are_errors(relu: Path, inputs: dict[str, Array], message: str, hint: str) -> None:
    with Session(relu) as session, pytest.raises(SessionError, match=message) as caught:
        session.run(inputs)
    assert hint in caught.value.hint


def test_a_closed_session_cannot_run(relu: Path) -> None:
    session = Session(relu)
    session.close()
    session.close()
    with pytest.raises(SessionError, match="closed"):
        session.run({"x": X})


def test_a_changed_byte_is_named(relu: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(relu, tmp_path / "b")
    manifest = json.loads((bundle / "model.json").read_text())
    shard = bundle / manifest["backends"]["wasm"]["weights"][1]["file"]
    shard.write_bytes(b"\xff" + shard.read_bytes()[1:])
    with pytest.raises(SessionError, match=rf"{shard.name} is not the file"):
        Session(bundle)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format":"webdnn-bundle","version":2}', "version 2"),
        ('{"format":"other"}', "not the manifest of a bundle"),
        ("[]", "not the manifest of a bundle"),
        ("<html>", "not JSON"),
        (None, "not a bundle"),
    ],
)
def test_other_manifests_are_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(SessionError, match=message):
        Session(tmp_path)


def test_a_bundle_without_wasm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="not compiled for wasm"):
        Session(write_relu(tmp_path / "b", leave_out=("wasm",)))


def test_a_broken_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be used"):
        Session(write_relu(tmp_path / "b", replaced={"relaxed.wasm": b"\0asm"}))


def test_an_unknown_engine_is_refused(relu: Path) -> None:
    with pytest.raises(SessionError, match="no engine 'abacus'") as caught:
        Session(relu, "abacus")
    assert "chromium" in caught.value.hint
    assert "wasmtime" in caught.value.hint


class _Constant:
    """An engine that answers its option."""

    def __init__(self, option: str) -> None:
        self.backend = f"constant {option}"
        self._value = np.float32(option)

    def open(self, bundle: Bundle) -> Executor:
        assert bundle.manifest["name"] == "relu"
        return self

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        return [np.full_like(inputs[0], self._value)]

    def close(self) -> None:
        pass


def test_engines_can_be_added(relu: Path) -> None:
    register_engine("constant", _Constant)
    assert "constant" in engine_names()
    with Session(relu, "constant:7") as session:
        assert session.backend == "constant 7"
        np.testing.assert_array_equal(session.run({"x": X})["y"], 7)


def test_a_missing_browser_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, EXECUTABLE_VARIABLE, "no-such-browser")
    with pytest.raises(SessionError, match="no-such-browser is not an executable") as caught:
        Browser()
    assert "playwright install chromium" in caught.value.hint
