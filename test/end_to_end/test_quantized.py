"""Quantized models on every backend against onnxruntime: its integer kernels, or its sums of floats within a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from helpers.small_models import make_model
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module

STEP = 0.05
"""Of every quantized value"""

Floats = NDArray[np.float32]


def numbers(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def weights(*shape: int) -> NDArray[np.int8]:
    return np.random.default_rng(shape).integers(-127, 128, shape).astype(np.int8)


class Quantized:
    """A model being made: nodes, and the constants that they read; `dtype` is that of activations."""

    def __init__(self, dtype: type[np.uint8] | type[np.int8], zero: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, Array] = {"s": np.array(STEP, np.float32), "z": np.array(zero, dtype)}

    def node(self, kind: str, *operands: str, **attributes: int | Sequence[int]) -> str:
        """The result of a node."""
        name = f"v{len(self.nodes)}"
        made = helper.make_node(kind, operands, [name])
        made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(made)
        return name

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name

    def rounded(self, value: str) -> str:
        """Quantized and dequantized again, as it stands around every operator."""
        return self.node("DequantizeLinear", self.node("QuantizeLinear", value, "s", "z"), "s", "z")

    def weight(self, *shape: int, axis: int) -> str:
        """Per channel, without zero points."""
        count = shape[axis]
        scales = self.constant(np.linspace(0.001, 0.004, count, dtype=np.float32))
        zeros = self.constant(np.zeros(count, np.int8))
        return self.node("DequantizeLinear", self.constant(weights(*shape)), scales, zeros, axis=axis)

    def bias(self, count: int) -> str:
        """In units of the sums."""
        scales = self.constant(np.linspace(0.001, 0.004, count, dtype=np.float32) * np.float32(STEP))
        units = self.constant(np.random.default_rng(count).integers(-3000, 3000, count).astype(np.int32))
        return self.node("DequantizeLinear", units, scales, self.constant(np.zeros(count, np.int32)), axis=0)

    def model(self, shape: Sequence[int], result: str, result_shape: Sequence[int]) -> ModelProto:
        self.nodes[-1].output[0] = "y"
        return make_model(self.nodes, {"x": shape}, {"y": result_shape}, self.constants)


def residual(dtype: type[np.uint8] | type[np.int8], zero: int) -> ModelProto:
    """Convolutions with padding, strides, groups and a sum, where three channels come first."""
    q = Quantized(dtype, zero)
    first = q.rounded(q.node("Conv", q.rounded("x"), q.weight(16, 3, 3, 3, axis=0), q.bias(16), pads=[1, 1, 1, 1]))
    pooled = q.rounded(q.node("MaxPool", first, kernel_shape=[2, 2], strides=[2, 2]))
    wide = q.rounded(q.node("Conv", pooled, q.weight(16, 1, 3, 3, axis=0), q.bias(16), pads=[1, 1, 1, 1], group=16))
    narrow = q.rounded(q.node("Conv", wide, q.weight(16, 16, 1, 1, axis=0), q.bias(16)))
    total = q.rounded(q.node("Add", narrow, pooled))
    last = q.node("Conv", total, q.weight(9, 16, 3, 3, axis=0), pads=[1, 1, 1, 1], strides=[2, 2])
    return q.model([1, 3, 12, 12], q.rounded(last), [1, 9, 3, 3])


def attention(dtype: type[np.uint8] | type[np.int8], zero: int) -> ModelProto:
    """Products with constants, one of them by Gemm, and of two computed matrices."""
    q = Quantized(dtype, zero)
    x = q.rounded("x")
    keys = q.rounded(q.node("MatMul", x, q.weight(24, 16, axis=1)))
    values = q.rounded(q.node("Gemm", x, q.weight(16, 24, axis=0), q.bias(16), transB=1))
    scores = q.rounded(q.node("MatMul", keys, q.node("Transpose", values, perm=[1, 0])))
    return q.model([10, 24], q.rounded(scores), [10, 10])


def from_operators(dtype: type[np.uint8] | type[np.int8], zero: int) -> ModelProto:
    """The same arithmetic in operators of its own."""
    q = Quantized(dtype, zero)
    zeros, scales = q.constant(np.zeros(16, np.int8)), q.constant(np.linspace(0.001, 0.004, 16, dtype=np.float32))
    bias = q.constant(np.arange(-800, 800, 100).astype(np.int32))
    x = q.node("QuantizeLinear", "x", "s", "z")
    w, v = q.constant(weights(16, 8, 3, 3)), q.constant(weights(12, 20))
    conv = q.node("QLinearConv", x, "s", "z", w, scales, zeros, "s", "z", bias, pads=[1, 1, 1, 1])
    scale, zero_point = q.constant(np.array(0.002, np.float32)), q.constant(np.array(0, np.int8))
    result = q.node("QLinearMatMul", conv, "s", "z", v, scale, zero_point, "s", "z")
    q.node("DequantizeLinear", result, "s", "z")
    return q.model([1, 8, 6, 12], "y", [1, 16, 6, 20])


def dynamic(dtype: type[np.uint8] | type[np.int8], zero: int) -> ModelProto:
    """Scales that are computed, and products without an end in integers; activations are u8 always."""
    q = Quantized(dtype, zero)
    q.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]))
    w, point = q.constant(weights(8, 16, 3, 3).transpose(1, 0, 2, 3).copy()), q.constant(np.array(0, np.int8))
    sums = q.node("ConvInteger", "q", w, "qz", point, pads=[1, 1, 1, 1])
    q.node("Mul", q.node("Cast", sums, to=1), "qs")
    return q.model([1, 8, 4, 4], "y", [1, 16, 4, 4])


MODELS: Mapping[str, Callable[[type[np.uint8] | type[np.int8], int], ModelProto]] = {
    "residual": residual,
    "attention": attention,
    "operators": from_operators,
    "dynamic": dynamic,
}
WASM = ["wasmtime", "wasmtime:simd"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def engine_of(name: str, browser: Browser) -> Engine:
    if name in WASM:
        return Wasmtime(relaxed_simd=name == "wasmtime")
    return Chromium(name, browser)


class Runtime(Protocol):
    """An onnxruntime session, which has no types of its own."""

    def run(self, names: None, inputs: Mapping[str, Array]) -> Sequence[Array]: ...


def by_onnxruntime(model: ModelProto, x: Floats) -> Floats:
    """What its integer kernels compute."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Runtime = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float32)


def compile_and_compare(model: ModelProto, names: Sequence[str], at: Path, engine: Callable[[str], Engine]) -> None:
    """Each engine is within a step of onnxruntime everywhere, and equal almost everywhere."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = numbers(*shape) * np.float32(2)
    wanted = by_onnxruntime(model, x)
    backends = sorted({"wasm" if n in WASM else "webgl" if n.startswith("webgl") else n for n in names})
    manifest, files, _ = compile_module(import_onnx(model), backends, name="model")
    write_bundle(at, manifest, files)
    for name in names:
        with Session(at, engine(name)) as session:
            difference = np.abs(session.run({"x": x})["y"].astype(np.float64) - wanted) / STEP
        assert difference.max() < 1.001, name
        assert (difference > 0.01).mean() < 0.03, name


@pytest.mark.parametrize("activations", [(np.uint8, 7), (np.int8, -5)])
@pytest.mark.parametrize("name", MODELS)
def test_in_wasmtime(
    name: str, activations: tuple[type[np.uint8] | type[np.int8], int], tmp_path: Path, browser: Browser
) -> None:
    compile_and_compare(MODELS[name](*activations), WASM, tmp_path / "bundle", lambda n: engine_of(n, browser))


@pytest.mark.parametrize("name", MODELS)
def test_in_browsers(name: str, tmp_path: Path, browser: Browser) -> None:
    names = ["js", "webgpu", "webgl2", "webgl1"]
    compile_and_compare(MODELS[name](np.uint8, 121), names, tmp_path / "bundle", lambda n: engine_of(n, browser))


def test_sums_that_webgl_may_not_hold_are_floats(tmp_path: Path, browser: Browser) -> None:
    """1024 products of two bytes may exceed 2^24."""
    q = Quantized(np.uint8, 128)
    product = q.rounded(q.node("MatMul", q.rounded("x"), q.weight(1024, 8, axis=1)))
    names = ["wasmtime", "webgpu", "webgl2", "webgl1"]
    compile_and_compare(
        q.model([2, 1024], product, [2, 8]), names, tmp_path / "bundle", lambda n: engine_of(n, browser)
    )
