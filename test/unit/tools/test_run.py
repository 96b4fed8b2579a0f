"""`webdnn run` and `webdnn serve`: values, comparisons, the reference engine, and what is refused."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from helpers.small_models import make_model, perceptron, write_model
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Session, engine_names
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.commands.serve import start
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, another one with other weights, and the bundle of the first."""
    place = tmp_path_factory.mktemp("run")
    write_model(place / "other.onnx", perceptron(seed=1))
    model = write_model(place / "model.onnx", perceptron())
    manifest, files, _ = compile_model(model, ["wasm"])
    write_bundle(place / "bundle", manifest, files)
    np.save(place / "x.npy", np.arange(8, dtype=np.float32).reshape(2, 4))
    np.save(place / "wide.npy", np.zeros((2, 5), np.float32))
    np.save(place / "double.npy", np.zeros((2, 4)))
    return place


def spelled(folder: Path, words: list[str]) -> list[str]:
    """A command line in which `@name` is a path in the folder."""
    return ["run", *(word.replace("@", f"{folder}/") for word in words)]


RUNS: list[list[str]] = [
    ["@bundle", "--compare", "@model.onnx"],
    ["@bundle", "--compare", "@model.onnx", "--input", "x=@x.npy"],
    ["@bundle", "--compare", "@model.onnx", "--backend", "reference"],
    ["@model.onnx", "--compare", "@model.onnx", "--backend", "reference", "--seed", "3"],
]


@pytest.mark.parametrize("words", RUNS)
def test_outputs_are_close_to_those_of_onnxruntime(folder: Path, words: list[str], capsys: Capture) -> None:
    assert main(spelled(folder, words)) == 0
    time, values, comparison = capsys.readouterr().out.splitlines()
    assert time.startswith("reference: " if "reference" in words else "wasm: ")
    assert values.startswith("y: float32[2, 3] [")
    assert "y: largest error " in comparison
    assert ": within 0.001·|ref|" in comparison


def test_another_model_is_not_close(folder: Path, capsys: Capture) -> None:
    assert main(spelled(folder, ["@bundle", "--compare", "@other.onnx"])) == 1
    captured = capsys.readouterr()
    assert "NOT within" in captured.out
    assert captured.err == ""


def test_outputs_are_saved_and_the_seed_decides_the_inputs(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    found: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    for i, seed in enumerate(("0", "0", "1")):
        words = ["@bundle", "--seed", seed, "--repeat", "3", "--output", str(tmp_path / str(i))]
        assert main(spelled(folder, words)) == 0
        assert "median" in capsys.readouterr().out
        found.append(np.load(tmp_path / str(i) / "y.npy"))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


REFUSED: list[tuple[list[str], str]] = [
    (["@nowhere"], "nowhere: no such file or directory"),
    (["@"], "is not a bundle"),
    (["@model.onnx"], "is a file, not a bundle"),
    (["@bundle", "--backend", "abacus"], "invalid choice: 'abacus'"),
    (["@bundle", "--backend", "js", "--engine", "wasmtime"], "wasmtime has no backend 'js'"),
    (["@bundle", "--engine", "wgpu"], "wgpu has no backend 'wasm'"),
    (["@bundle", "--engine", "wgpu", "--backend", "webgpu"], "was not compiled for webgpu"),
    (["@bundle", "--backend", "reference"], "name it with --compare"),
    (["@bundle", "--repeat", "0"], "--repeat 0"),
    (["@bundle", "--threads", "0"], "--threads 0"),
    (["@bundle", "--threads", "2", "--engine", "wasmtime"], "only wasm in chromium has threads"),
    (["@bundle", "--threads", "2", "--backend", "js"], "only wasm in chromium has threads"),
    (["@bundle", "--threads", "2", "--backend", "webgpu", "--engine", "wgpu"], "only wasm in chromium has threads"),
    (["@bundle", "--input", "z=@x.npy"], "there is no input 'z'"),
    (["@bundle", "--input", "x=@wide.npy"], "has shape [2, 5]"),
    (["@bundle", "--input", "x=@double.npy"], "has dtype float64"),
    (["@bundle", "--input", "x=@nowhere.npy"], "No such file"),
    (["@bundle", "--input", "x=@model.onnx"], "numpy.save"),
    (["@bundle", "--input", "x"], "write it as --input NAME=VALUE"),
    (["@bundle", "--size", "n=2"], "--size n: there is no such dimension"),
    (["@bundle", "--size", "n=two"], "give a whole number, as in --size N=1"),
    (["@bundle", "--compare", "@nowhere.onnx"], "nowhere.onnx: no such file"),
    (["@bundle", "--compare", "@x.npy"], "onnxruntime refuses the model"),
    (["@model.onnx", "--backend", "reference", "--input", "x=@wide.npy"], "has shape [2, 5]"),
    (["@bundle", "--output", "@x.npy"], "exists"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_errors_are_one_line_and_a_hint(folder: Path, words: list[str], message: str, capsys: Capture) -> None:
    assert main(spelled(folder, words)) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("webdnn: error: ")
    assert hint.startswith("hint: ")
    assert message in f"{error}\n{hint}"
    assert "internal error" not in error


def test_a_changed_byte_is_named(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    bundle = shutil.copytree(folder / "bundle", tmp_path / "bundle")
    weights = next((bundle / "weights").iterdir())
    content = bytearray(weights.read_bytes())
    content[7] ^= 1
    weights.write_bytes(content)
    assert main(["run", str(bundle)]) == 1
    assert f"{weights.name} is not the file that the bundle was written with" in capsys.readouterr().err


def test_onnxruntime_is_optional(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(spelled(folder, ["@bundle", "--compare", "@model.onnx"])) == 1
    assert "hint: pip install onnxruntime" in capsys.readouterr().err
    assert main(spelled(folder, ["@bundle"])) == 0


def test_the_reference_is_an_engine_of_sessions(folder: Path, tmp_path: Path) -> None:
    assert "reference" in engine_names()
    x = np.load(folder / "x.npy")
    with Session(folder / "bundle") as wasm, Session(folder / "bundle", f"reference:{folder}/model.onnx") as reference:
        assert reference.backend == "reference"
        assert compare(wasm.run({"x": x})["y"], reference.run({"x": x})["y"]).within
    with pytest.raises(SessionError, match="not a bundle"):
        Session(folder / "bundle", "reference")
    batched = write_model(tmp_path / "batched.onnx", perceptron(batch="N"))
    with pytest.raises(SessionError, match="other inputs or outputs"):
        Session(folder / "bundle", Reference.of(batched, {"N": 7}))


def test_what_is_close() -> None:
    reference = np.array([1.0, -100.0, np.inf, np.nan, 0.0])
    assert compare(reference, reference).within
    assert compare(reference + np.array([0.001, 0.09, 0, 0, 0.003]), reference).within
    assert not compare(reference + np.array([0.1, 0, 0, 0, 0]), reference).within
    assert not compare(np.array([1.0, -100.0, 5.0, np.nan, 0.0]), reference).within
    assert not compare(np.array([np.nan, -100.0, np.inf, np.nan, 0.0]), reference).within
    assert not compare(np.zeros(4), np.zeros(5)).within
    found = compare(np.array([1.5, 2.0]), np.array([1.0, 2.0]))
    assert (found.absolute, found.relative) == (0.5, 0.5)
    assert not compare(np.array([3], np.int64), np.array([4], np.int64)).within


def test_steps_of_quantization_are_let_pass() -> None:
    reference = np.array([1.0, -1.0, 0.5])
    assert not compare(reference + np.array([0, 0.25, 0]), reference).within
    found = compare(reference + np.array([0, 0.25, 0]), reference, steps=0.25)
    assert found.within
    assert str(found).endswith("within 0.001·|ref| + 0.0001·std(ref) + 0.25, which rounding in the model makes")
    assert not compare(reference + np.array([0, 0.5, 0]), reference, steps=0.25).within


def quantized(weights: int) -> ModelProto:
    """Rounded, multiplied in integers and rounded again, by steps of 0.25; and what is not rounded, doubled."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearMatMul", ["q", "s", "z", "w", "t", "z", "s", "z"], ["p"]),
        helper.make_node("DequantizeLinear", ["p", "s", "z"], ["y"]),
        helper.make_node("Add", ["x", "x"], ["plain"]),
    ]
    matrix = np.random.default_rng(weights).integers(0, 255, (16, 8)).astype(np.uint8)
    scales = {"s": np.array(0.25, np.float32), "t": np.array(0.004, np.float32), "z": np.array(127, np.uint8)}
    return make_model(nodes, {"x": [4, 16]}, {"y": [4, 8], "plain": [4, 16]}, {**scales, "w": matrix})


def test_models_with_quantization(tmp_path: Path, capsys: Capture) -> None:
    model, other = write_model(tmp_path / "q.onnx", quantized(0)), write_model(tmp_path / "other.onnx", quantized(1))
    manifest, files, _ = compile_model(model, ["wasm"])
    write_bundle(tmp_path / "bundle", manifest, files)
    assert main(["run", str(tmp_path / "bundle"), "--compare", str(model)]) == 0
    y, plain = capsys.readouterr().out.splitlines()[-2:]
    assert "which rounding in the model makes" in y
    assert plain.endswith("within 0.001·|ref| + 0.0001·std(ref)")
    assert main(["run", str(tmp_path / "bundle"), "--compare", str(other)]) == 1
    assert "y: largest error" in (printed := capsys.readouterr().out)
    assert "NOT within" in printed


def test_how_far_steps_move_outputs(folder: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((4, 16), np.float32)
    steps = Oracle(write_model(tmp_path / "q.onnx", quantized(0))).steps({"x": x})
    assert 0.25 <= steps["y"] <= 0.75
    assert steps["plain"] == 0
    weights = [helper.make_node("DequantizeLinear", ["w", "s"], ["v"]), helper.make_node("MatMul", ["x", "v"], ["y"])]
    constants = {"w": np.ones((16, 8), np.int8), "s": np.array(0.5, np.float32)}
    rounded = make_model(weights, {"x": [4, 16]}, {"y": [4, 8]}, constants)
    assert Oracle(write_model(tmp_path / "weights.onnx", rounded)).steps({"x": x}) == {}
    assert Oracle(folder / "model.onnx").steps({"x": np.zeros((2, 4), np.float32)}) == {}


@pytest.mark.parametrize(("kind", "place"), [(TensorProto.FLOAT16, 2.0**-10), (TensorProto.BFLOAT16, 2.0**-7)])
def test_half_floats_differ_by_their_last_places(kind: int, place: float, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((4, 16), np.float32)
    halved = [
        helper.make_node("Cast", ["x"], ["h"], to=kind),
        helper.make_node("Cast", ["h"], ["y"], to=TensorProto.FLOAT),
    ]
    oracle = Oracle(write_model(tmp_path / "half.onnx", make_model(halved, {"x": [4, 16]}, {"y": [4, 16]})))
    (step,) = oracle.steps({"x": x}).values()
    assert place < step < 8 * place
    weights = [helper.make_node("Cast", ["w"], ["v"], to=TensorProto.FLOAT), helper.make_node("Add", ["x", "v"], ["y"])]
    exact = make_model(weights, {"x": [4, 16]}, {"y": [4, 16]}, {"w": np.ones((4, 16), np.float16)})
    assert Oracle(write_model(tmp_path / "weights.onnx", exact)).steps({"x": x}) == {}


def test_what_half_floats_lose_is_let_pass(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((4, 16), np.float32)
    nodes = [
        helper.make_node("Add", ["x", "two"], ["a"]),
        helper.make_node("Cast", ["a"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["h"], ["b"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["b", "two"], ["y"]),
    ]
    proto = make_model(nodes, {"x": [4, 16]}, {"y": [4, 16]}, {"two": np.array(2, np.float32)})
    oracle = Oracle(write_model(tmp_path / "half.onnx", proto))
    reference = oracle.run({"x": x})["y"]
    assert not compare(x, reference).within
    assert compare(x, reference, steps=oracle.steps({"x": x})["y"]).within
    assert not compare(x * np.float32(1.02), reference, steps=oracle.steps({"x": x})["y"]).within


def test_compressed_weights_have_no_bounds() -> None:
    reference = np.array([1.0, -1.0, np.inf])
    found = compare(reference * np.array([1.5, 1, 1]), reference, "q8")
    assert found.within
    assert str(found) == "largest error 0.5, mean 0.289·std(ref): there are no bounds for weights in q8"
    broken = compare(np.array([1.0, np.nan, np.inf]), reference, "q8")
    assert not broken.within
    assert "NOT finite" in str(broken)


def test_a_bundle_is_served_with_a_page(folder: Path, tmp_path: Path) -> None:
    with start(folder / "bundle", 0) as server:
        with urlopen(server.url) as answer:
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert b'src="page.js"' in answer.read()
        for path in ("page.js", "style.css", "model/model.json", "runner/index.js"):
            with urlopen(server.url + path) as answer:
                assert answer.status == 200
    (tmp_path / "index.html").write_text("mine")
    with start(tmp_path, 0) as server, urlopen(server.url) as answer:
        assert answer.read() == b"mine"


def test_what_cannot_be_served(folder: Path, capsys: Capture) -> None:
    assert main(["serve", str(folder)]) == 1
    assert "is not a bundle" in capsys.readouterr().err
    with start(folder / "bundle", 0) as server:
        port = server.url.rstrip("/").rpartition(":")[2]
        assert main(["serve", str(folder / "bundle"), "--port", port]) == 1
    assert f"port {port} cannot be used" in capsys.readouterr().err
    assert main(["serve", str(folder / "bundle"), "--port", "99999"]) == 1
    assert "webdnn: error: port 99999" in capsys.readouterr().err
