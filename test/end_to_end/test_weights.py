"""Models with compressed weights, compiled and run on every backend, against the reference of what was compressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from xdsl.dialects.builtin import ModuleOp

from helpers.small_models import make_model
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.targets.pipelines import graph_passes
from webdnn.tools.compiler import Compiler, compile_module
from webdnn.tools.context import new_context

TOLERANCE = 2e-5
FORMATS = {"f16": "i16", "q8": "i8", "q4": "u8"}
"""The element type that the weights of each format have."""


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def products(rows: int, depth: int, columns: int) -> ModelProto:
    """y = (x @ w + b) @ v, where a weight is read once for each row."""
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"]),
        helper.make_node("MatMul", ["h", "v"], ["y"]),
    ]
    weights = {"w": noise(depth, columns), "b": noise(columns), "v": noise(columns, depth, seed=1)}
    return make_model(nodes, {"x": [rows, depth]}, {"y": [rows, depth]}, weights)


def convolutions(channels: int, results: int) -> ModelProto:
    """A convolution, one that Winograd's algorithm may compute, and a transposed one that undoes the stride."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["h"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["h", "u"], ["g"], pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["g", "t"], ["y"], strides=[2, 2]),
    ]
    weights = {
        "w": noise(results, channels, 3, 3),
        "b": noise(results),
        "u": noise(results, results, 3, 3, seed=1),
        "t": noise(results, 8, 2, 2),
    }
    return make_model(nodes, {"x": [1, channels, 9, 12]}, {"y": [1, 8, 10, 12]}, weights)


def sequence(words: int, width: int, hidden: int) -> ModelProto:
    """Rows of a table, all of them and few, and a recurrent layer over them."""
    nodes = [
        helper.make_node("Gather", ["table", "i"], ["rows"]),
        helper.make_node("LSTM", ["rows", "w", "r"], ["y"], hidden_size=hidden),
    ]
    weights: dict[str, Array] = {
        "table": noise(words, width),
        "w": noise(1, 4 * hidden, width),
        "r": noise(1, 4 * hidden, hidden) * np.float32(0.1),
    }
    model = make_model(nodes, {"i": [5, 1]}, {"y": None}, weights)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return model


MODELS: Mapping[str, Callable[[], ModelProto]] = {
    "one row": lambda: products(1, 50, 37),
    "few rows": lambda: products(3, 64, 44),
    "many rows": lambda: products(13, 34, 61),
    "convolutions": lambda: convolutions(34, 41),
    "deep convolutions": lambda: convolutions(64, 64),
    "sequence": lambda: sequence(300, 38, 34),
}


def heavy_tails() -> ModelProto:
    """y = x @ w, where one weight of each column is so large that integers would round the others more than halves."""
    w = noise(64, 44)
    w[5] = 30000.0
    return make_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 64]}, {"y": [1, 44]}, {"w": w})


def expected_of(model: ModelProto, format: str, inputs: Sequence[Array]) -> tuple[ModuleOp, Sequence[Array]]:
    """The module with compressed weights, and what it means."""
    module = import_onnx(model)
    Compiler(new_context()).run("graph", module, graph_passes(format))
    return module, run_function(module, list(inputs))


def inputs_of(model: ModelProto) -> dict[str, Array]:
    (given,) = model.graph.input
    shape = [d.dim_value for d in given.type.tensor_type.shape.dim]
    if given.type.tensor_type.elem_type == TensorProto.INT64:
        return {given.name: np.arange(np.prod(shape)).reshape(shape) * 7 - 2}
    return {given.name: noise(*shape, seed=9)}


def compile_and_compare(
    model: ModelProto, format: str, targets: Mapping[str, Engine], at: Path, element: str = ""
) -> None:
    """Each engine gives what the reference does, and the same again in a second run."""
    inputs = inputs_of(model)
    module, expected = expected_of(model, format, list(inputs.values()))
    stored = {element_type(op.output.type).name for op in module.walk() if isinstance(op, ConstantOp)}
    assert (element or FORMATS[format]) in stored, "the model has weights in this format"
    backends = sorted({"webgl" if name.startswith("webgl") else name for name in targets})
    manifest, files, _ = compile_module(import_onnx(model), backends, name="model", weights=format)
    assert manifest.weights == format
    written = write_bundle(at, manifest, files)
    for name, engine in targets.items():
        with Session(at, engine) as session:
            for _ in range(2):
                results = session.run(inputs)
                for tensor, wanted in zip(written.outputs, expected, strict=True):
                    found, reference = as_array(results[tensor.name]), as_array(wanted)
                    scale = float(np.abs(reference).max())
                    np.testing.assert_allclose(found, reference, TOLERANCE, TOLERANCE * scale, err_msg=name)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_in_wasmtime(name: str, format: str, tmp_path: Path) -> None:
    compile_and_compare(MODELS[name](), format, {"wasm": Wasmtime(relaxed_simd=True)}, tmp_path / "bundle")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["one row", "convolutions", "sequence"])
def test_in_browsers(name: str, format: str, tmp_path: Path, browser: Browser) -> None:
    names = ("wasm", "webgpu", "webgl2", "webgl1", "js")
    engines = {backend: Chromium(backend, browser) for backend in names}
    compile_and_compare(MODELS[name](), format, engines, tmp_path / "bundle")


def four_bits(rows: int, zeros: bool) -> ModelProto:
    """A product by a matrix of 64 columns and 160 rows in blocks of 32, as onnxruntime's quantizer writes it."""
    generator = np.random.default_rng(3)
    weights: dict[str, Array] = {
        "w": generator.integers(0, 256, (160, 2, 16)).astype(np.uint8),
        "s": np.abs(noise(320)),
        **({"z": generator.integers(0, 256, 160).astype(np.uint8)} if zeros else {}),
    }
    operands = ["x", *weights]
    nodes = [
        helper.make_node("MatMulNBits", operands, ["y"], domain="com.microsoft", K=64, N=160, bits=4, block_size=32)
    ]
    model = make_model(nodes, {"x": [rows, 64]}, {"y": [rows, 160]}, weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("rows", [1, 5])
def test_weights_of_four_bits_stay_so(rows: int, zeros: bool, tmp_path: Path, browser: Browser) -> None:
    engines = {backend: Chromium(backend, browser) for backend in ("wasm", "webgpu", "webgl2", "webgl1", "js")}
    model = four_bits(rows, zeros)
    compile_and_compare(model, "f32", engines, tmp_path / "bundle", element="u8")
    given = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    manifest, files, _ = compile_module(import_onnx(model), ["wasm"], name="model")
    stored = sum(len(content) for name, content in files.items() if name.startswith("weights/"))
    assert manifest.weights == "f32"
    assert stored <= given + 160 * zeros, "zero points of four bits become bytes, and nothing else grows"


def test_half_floats_where_integers_err_more(tmp_path: Path, browser: Browser) -> None:
    engines = {backend: Chromium(backend, browser) for backend in ("wasm", "webgpu", "webgl2", "webgl1", "js")}
    compile_and_compare(heavy_tails(), "f16", engines, tmp_path / "bundle", element="f16")
