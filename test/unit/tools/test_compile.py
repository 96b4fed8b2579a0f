"""`webdnn compile`: what it writes, what it prints, and what it says of models that cannot be compiled."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper
from onnx.external_data_helper import set_external_data

from helpers.small_models import make_model, perceptron, write_model
from webdnn.runner.python.session import Session
from webdnn.targets.pipelines import PIPELINES
from webdnn.tools.backends import BACKENDS
from webdnn.tools.commands.compile import ProgressLine
from webdnn.tools.compiler import compile_model
from webdnn.tools.pipeline import parse_passes
from webdnn.tools.webdnn import main
from webdnn.universe import WEBDNN_UNIVERSE

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx", perceptron())


def test_a_bundle_holds_all_targets_and_the_runner(model: Path, capsys: Capture) -> None:
    directory = model.with_name("bundle")
    assert main(["compile", str(model), "-o", str(directory)]) == 0
    written = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    assert {"model.json", "runner/index.js", "runner/backends/webgpu.js"} <= written
    assert set(json.loads((directory / "model.json").read_text())["backends"]) == set(BACKENDS)
    captured = capsys.readouterr()
    assert "model: 4 operators" in captured.out
    assert all(f"\n  {name} " in captured.out for name in BACKENDS)
    assert captured.err.splitlines() == [f"{stage} …" for stage in ("import", "graph", *BACKENDS)]


def test_some_targets_with_bound_dimensions(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx", perceptron(batch="N"))
    np.save(tmp_path / "x.npy", np.ones((5, 4), np.float32))
    directory = tmp_path / "bundle"
    options = ["--targets", "wasm", "--dim", "N=5"]
    assert main(["compile", str(model), "-o", str(directory), *options]) == 0
    with Session(directory) as session:
        assert session.inputs == [{"name": "x", "type": "f32", "shape": [5, 4]}]
        assert session.run({"x": np.ones((5, 4), np.float32)})["y"].shape == (5, 3)
    fixed = tmp_path / "fixed"
    options = ["--targets", "wasm", "--constant", f"x={tmp_path / 'x.npy'}"]
    assert main(["compile", str(model), "-o", str(fixed), *options]) == 0
    with Session(fixed) as session:
        assert session.inputs == []
        assert session.run({})["y"].shape == (5, 3)


def test_a_dimension_of_any_size(tmp_path: Path, capsys: Capture) -> None:
    model = write_model(tmp_path / "model.onnx", perceptron(batch="N"))
    directory = tmp_path / "bundle"
    assert main(["compile", str(model), "-o", str(directory), "--targets", "wasm", "--dim", "N=1..5"]) == 0
    with Session(directory) as session:
        assert session.inputs == [{"name": "x", "type": "f32", "shape": [5, 4], "sizes": [{"axis": 0, "dimension": 0}]}]
        assert session.dimensions == [{"name": "N", "least": 1, "most": 5, "input": 1}]
        assert session.run({"x": np.ones((2, 4), np.float32)})["y"].shape == (2, 3)
    capsys.readouterr()
    for backend, options in (("wasm", ()), ("reference", ("--dim", "N=1..5"))):
        words = ["run", str(directory), "--backend", backend, "--size", "N=3", "--compare", str(model), *options]
        assert main(words) == 0
        printed = capsys.readouterr().out
        assert "y: float32[3, 3]" in printed
        assert "y: largest error" in printed
    assert main(["run", str(directory), "--size", "N=6"]) == 1
    assert "'N' is 6 in input 'x'" in capsys.readouterr().err
    np.save(tmp_path / "x.npy", np.ones((4, 4), np.float32))
    assert main(["run", str(directory), "--input", f"x={tmp_path / 'x.npy'}"]) == 0
    assert "y: float32[4, 3]" in capsys.readouterr().out


def test_the_library_compiles_without_writing(model: Path) -> None:
    steps: list[tuple[str, str]] = []

    def note(stage: str, step: str) -> None:
        steps.append((stage, step))

    manifest, files, summary = compile_model(model, ["wasm", "js"], progress=note)
    assert (manifest.name, manifest.inputs[0].name, manifest.outputs[0].shape) == ("model", "x", (2, 3))
    assert manifest.backends.webgpu is None
    assert "runner/index.js" in files
    assert [part.name for part in summary.backends] == ["wasm", "js"]
    assert all(part.arena_bytes >= part.arena_bound > 0 for part in summary.backends)
    assert all(part.launches >= part.kernels > 0 for part in summary.backends)
    assert ("import", str(model)) in steps
    assert ("wasm", "kernel-fuse-producers") in steps
    assert sum(stage == "graph" for stage, _ in steps) < sum(stage == "wasm" for stage, _ in steps)
    assert list(model.parent.iterdir()) == [model]


def test_pipelines_are_printed_for_opt(capsys: Capture) -> None:
    assert main(["compile", "--print-pipeline", "--targets", "webgl,js"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["# webgl, glsl", "# webgl, glsl100", "# js, js"]
    for line in lines[1::2]:
        assert parse_passes(line, WEBDNN_UNIVERSE.all_passes)[0].name == "dnn-fold-constants"


@pytest.mark.parametrize(("accuracy", "points"), [("exact", None), ("high", 4), ("normal", 6)])
def test_accuracy_limits_the_algorithms(capsys: Capture, accuracy: str, points: int | None) -> None:
    assert main(["compile", "--print-pipeline", "--targets", "wasm", "--accuracy", accuracy]) == 0
    chosen = [p for p in capsys.readouterr().out.split(",") if p.startswith("dnn-select-algorithms")]
    assert chosen == ([f"dnn-select-algorithms{{points={points}}}"] if points else [])


def wide_perceptron() -> ModelProto:
    """y = gather(t, i) + relu(x @ w + b), with weights that are large enough to be compressed."""
    generator = np.random.default_rng(0)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Mul", ["r", "t"], ["y"]),
    ]
    shapes = {"w": (64, 96), "b": (96,), "t": (64, 96)}
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return make_model(nodes, {"x": [64, 64]}, {"y": [64, 96]}, weights)


@pytest.mark.parametrize(("weights", "part"), [("f16", 0.55), ("q8", 0.3), ("q4", 0.2)])
def test_weights_are_stored_in_fewer_bits(tmp_path: Path, capsys: Capture, weights: str, part: float) -> None:
    model = write_model(tmp_path / "model.onnx", wide_perceptron())
    directory = tmp_path / "bundle"
    options = ["--targets", "wasm,js", "--weights", weights]
    assert main(["compile", str(model), "-o", str(directory), *options]) == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines() if line.startswith("  weights ")]
    told = {(line[1], line[3].partition(" ")[2].split(maxsplit=1)[1]) for line in lines}
    assert (weights, "weights") in told
    assert ("f32", "biases and operands of other operators than products, recurrent layers and gathers") in told
    assert json.loads((directory / "model.json").read_text())["weights"] == weights
    stored = sum(path.stat().st_size for path in directory.glob("weights/*"))
    left = 2 * 4 * (96 + 64 * 96)
    assert stored - left <= 2 * 4 * 64 * 96 * part
    assert main(["run", str(directory), "--compare", str(model)]) == 0
    assert f"there are no bounds for weights in {weights}" in capsys.readouterr().out


def test_formats_of_weights(capsys: Capture) -> None:
    assert main(["compile", "--print-pipeline", "--targets", "js", "--weights", "q8"]) == 0
    assert "dnn-elide-identities,dnn-compress-weights{format=q8}," in capsys.readouterr().out
    assert main(["compile", "x.onnx", "-o", "y", "--weights", "q3"]) == 1
    assert "invalid choice: 'q3'" in capsys.readouterr().err


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_times_of_passes_add_up_to_stages(model: Path, capsys: Capture) -> None:
    assert main(["compile", str(model), "-o", str(model.with_name("b")), "--targets", "js,wasm", "--time-passes"]) == 0
    times, _, _ = capsys.readouterr().out.partition("model: ")
    stages: dict[str, list[float]] = {}
    steps: list[float] = []
    for line in times.splitlines():
        seconds, name = line.split(" s  ")
        if not name.startswith("  "):
            total, steps = float(seconds), stages.setdefault(name, [])
            steps.append(total)
        else:
            steps[0] -= float(seconds)
            steps.append(float(seconds))
    assert list(stages) == ["import", "graph", "js", "wasm"]
    assert all(abs(rest) < 0.0005 * (1 + len(steps)) for rest, *steps in stages.values())
    assert len(stages["wasm"]) > len(PIPELINES["wasm"].passes())


def test_progress_is_one_line_on_a_terminal() -> None:
    stream = _Terminal()
    line = ProgressLine(stream)
    line.report("wasm", "a")
    line.report("wasm", "b")
    line.clear()
    assert stream.getvalue() == "\r\x1b[Kwasm: a\r\x1b[Kwasm: b\r\x1b[K"


def refused(arguments: list[str], capsys: Capture) -> str:
    """What the tool says of a command line that it refuses: lines of errors and hints, nothing else."""
    assert main(arguments) == 1
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.endswith(" …")]
    assert lines
    assert all(line.startswith("webdnn: error: ") for line in lines[::2])
    assert all(line.startswith("hint: ") for line in lines[1::2])
    assert "internal error" not in captured.err
    assert captured.out == ""
    return "\n".join(lines)


def relu_of(shape: list[int | str]) -> ModelProto:
    return make_model([helper.make_node("Relu", ["x"], ["y"], "relu")], {"x": shape}, {"y": None})


def without_its_weights() -> ModelProto:
    model = perceptron()
    set_external_data(model.graph.initializer[0], "weights.bin", 0, 128)
    model.graph.initializer[0].ClearField("raw_data")
    return model


UNKNOWN = [helper.make_node("Relu", ["x"], ["r"], "relu"), helper.make_node("Frobnicate", ["r"], ["y"], "odd")]
PRODUCT = [helper.make_node("MatMul", ["x", "w"], ["y"], "product")]
WHOLE = perceptron().SerializeToString()

BAD_MODELS: list[tuple[bytes, str, str]] = [
    (WHOLE[:100], "model.onnx", "check that the file was copied whole"),
    (np.random.default_rng(0).bytes(2000), "model.onnx", "check that the file was copied whole"),
    (b"", "model.onnx", "export the model again"),
    (make_model(UNKNOWN, {"x": [2]}, {"y": None}).SerializeToString(), "odd", "Frobnicate"),
    (relu_of(["N", 3]).SerializeToString(), "'N' is not bound", "--dim N=1"),
    (
        make_model(PRODUCT, {"x": [2, 3]}, {"y": None}, {"w": np.ones((4, 5), np.float32)}).SerializeToString(),
        "product",
        "hint: ",
    ),
    (without_its_weights().SerializeToString(), "weights.bin", "hint: "),
]


@pytest.mark.parametrize(("content", "where", "what"), BAD_MODELS)
def test_bad_models_are_refused(tmp_path: Path, content: bytes, where: str, what: str, capsys: Capture) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(content)
    message = refused(["compile", str(model), "-o", str(tmp_path / "bundle")], capsys)
    assert where in message
    assert what in message
    assert list(tmp_path.iterdir()) == [model]


ARGUMENTS: list[tuple[list[str], str]] = [
    (["nowhere.onnx", "-o", "OUT"], "nowhere.onnx: no such file"),
    (["MODEL"], "write 'webdnn compile MODEL.onnx -o DIR'"),
    (["MODEL", "-o", "OUT", "--targets", "wasm,cobol"], "there is no target 'cobol'"),
    (["MODEL", "-o", "OUT", "--targets", ","], "no target is named"),
    (["MODEL", "-o", "OUT", "--dim", "N=two"], "--dim N=two"),
    (["MODEL", "-o", "OUT", "--dim", "N=1..two"], "--dim N=1..two"),
    (["MODEL", "-o", "OUT", "--dim", "N=1..2"], "no input has a dimension 'N'"),
    (["MODEL", "-o", "OUT", "--dim", "N=2"], "no input has a dimension 'N'"),
    (["MODEL", "-o", "OUT", "--constant", "x=nowhere.npy"], "No such file"),
    (["MODEL", "-o", "OUT", "--constant", "x=MODEL"], "numpy.save"),
    (["MODEL", "-o", "OUT", "--frobnicate"], "unrecognized arguments: --frobnicate"),
]


@pytest.mark.parametrize(("arguments", "message"), ARGUMENTS)
def test_bad_arguments_are_refused(model: Path, arguments: list[str], message: str, capsys: Capture) -> None:
    places = {"MODEL": str(model), "OUT": str(model.with_name("bundle"))}
    spelled = [places.get(word, word.replace("=MODEL", f"={model}")) for word in arguments]
    assert message in refused(["compile", *spelled], capsys)
    assert list(model.parent.iterdir()) == [model]


def test_a_target_that_cannot_hold_the_model_is_named(tmp_path: Path, capsys: Capture) -> None:
    nodes = [helper.make_node("Exp", ["x"], ["y"], "exponent")]
    proto = make_model(nodes, {"x": [4]}, {"y": [4]}, element=TensorProto.DOUBLE)
    model = write_model(tmp_path / "model.onnx", proto)
    message = refused(["compile", str(model), "-o", str(tmp_path / "bundle")], capsys)
    assert "exponent: " in message
    assert "(for target 'webgpu')" in message
    assert "what works: --targets wasm,js" in message
    assert main(["compile", str(model), "-o", str(tmp_path / "bundle"), "--targets", "wasm,js"]) == 0


def test_a_bundle_can_lack_the_old_shaders(tmp_path: Path, capsys: Capture) -> None:
    nodes = [helper.make_node("BitwiseAnd", ["x", "x"], ["y"], "bits")]
    proto = make_model(nodes, {"x": [4]}, {"y": [4]}, element=TensorProto.UINT8)
    model = write_model(tmp_path / "model.onnx", proto)
    manifest, _, summary = compile_model(model, ["webgl"])
    assert list(summary.left_out) == ["webgl1"]
    assert manifest.backends.webgl is not None
    assert manifest.backends.webgl.sources.webgl2
    assert not manifest.backends.webgl.sources.webgl1
    assert any("does not run on webgl1: " in line and "works on bits" in line for line in summary.lines())


def test_only_bundles_are_replaced(model: Path, capsys: Capture) -> None:
    directory = model.with_name("bundle")
    command = ["compile", str(model), "-o", str(directory), "--targets", "js"]
    assert main(command) == 0
    first = (directory / "model.json").read_bytes()
    assert main(command) == 0
    capsys.readouterr()
    (directory / "mine.txt").write_text("mine")
    assert "mine.txt" in refused(command, capsys)
    assert (directory / "model.json").read_bytes() == first
    occupied = model.with_name("occupied")
    occupied.write_text("a file")
    assert "is a file" in refused([*command[:3], str(occupied), *command[4:]], capsys)
    assert {path.name for path in model.parent.iterdir()} == {"model.onnx", "bundle", "occupied"}


def test_a_command_is_needed(capsys: Capture) -> None:
    assert "COMMAND" in refused([], capsys)
    assert "invalid choice: 'frobnicate'" in refused(["frobnicate"], capsys)
