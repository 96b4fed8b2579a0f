"""Whole models whose sizes vary from run to run, on every backend: each run is onnxruntime's at its size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle

WORDS = (
    "int64[batch,seq] ids, int64[batch,seq] mask",
    "float[batch,seq,8] hidden, float[batch,8] pooled, int64[batch] best",
    "words = Gather(vocabulary, ids) shape = Shape(ids) zero = Constant<value_int=0>() first = Constant<value_int=1>() "
    "n = Gather(shape, first) numbers = Range(zero, n, first) places = Gather(positions, numbers) "
    "x = Add(words, places) whole = Shape(x) "
    "heads = Constant<value_ints=[0,0,2,4]>() q = MatMul(x, wq) qh = Reshape(q, heads) "
    "qt = Transpose<perm=[0,2,1,3]>(qh) k = MatMul(x, wk) kh = Reshape(k, heads) kt = Transpose<perm=[0,2,3,1]>(kh) "
    "v = MatMul(x, wv) vh = Reshape(v, heads) vt = Transpose<perm=[0,2,1,3]>(vh) scores = MatMul(qt, kt) "
    "axes = Constant<value_ints=[1,2]>() float_mask = Cast<to=1>(mask) ones = Unsqueeze(float_mask, axes) "
    "far = Constant<value_float=30.0>() one = Constant<value_float=1.0>() off = Sub(ones, one) bias = Mul(off, far) "
    "masked = Add(scores, bias) p = Softmax(masked) c = MatMul(p, vt) ct = Transpose<perm=[0,2,1,3]>(c) "
    "merged_shape = Constant<value_ints=[0,0,-1]>() merged = Reshape(ct, merged_shape) sum = Add(merged, x) "
    "hidden = LayerNormalization(sum, scale) along = Constant<value_ints=[1]>() "
    "pooled = ReduceMean<keepdims=0>(hidden, along) rows_shape = Constant<value_ints=[-1,8]>() "
    "rows = Reshape(hidden, rows_shape) logits = MatMul(rows, wq) back = Reshape(logits, whole) "
    "greatest = ReduceMax<keepdims=0>(back, along) best = ArgMax<axis=1,keepdims=0>(greatest)",
)
"""A layer of a transformer on words of any number"""

PICTURE = (
    "float[batch,3,height,width] image",
    "float[batch,4,h,w] map, float[batch,4] features",
    "a = Conv<kernel_shape=[3,3],pads=[1,1,1,1],strides=[2,2]>(image, w1) b = Relu(a) "
    "map = MaxPool<kernel_shape=[2,2]>(b) g = GlobalAveragePool(map) axes = Constant<value_ints=[2,3]>() "
    "features = Squeeze(g, axes)",
)
"""Convolutions over pictures of any extents"""

CASES: Mapping[str, tuple[tuple[str, str, str], Mapping[str, Sizes], tuple[Mapping[str, int], ...]]] = {
    "words": (
        WORDS,
        {"batch": Sizes(1, 3), "seq": Sizes(1, 9)},
        ({"batch": 1, "seq": 1}, {"batch": 3, "seq": 5}, {"batch": 2, "seq": 9}, {"batch": 3, "seq": 2}),
    ),
    "picture": (
        PICTURE,
        {"batch": Sizes(1, 2), "height": Sizes(4, 9), "width": Sizes(4, 8)},
        (
            {"batch": 1, "height": 4, "width": 7},
            {"batch": 2, "height": 9, "width": 8},
            {"batch": 2, "height": 7, "width": 4},
        ),
    ),
}
"""Models, the ranges of their dimensions, and the sizes of runs"""


def write_model(inputs: str, outputs: str, nodes: str, path: Path) -> None:
    """A model with seeded weights."""
    random = np.random.default_rng(0)
    shapes = {"vocabulary": (50, 8), "positions": (16, 8), "scale": (8,), "w1": (4, 3, 3, 3)}
    shapes |= dict.fromkeys(("wq", "wk", "wv"), (8, 8))
    weights: dict[str, Array] = {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    text = f'<ir_version: 10, opset_import: ["" : 18]> sized ({inputs}) => ({outputs}) {{ {nodes} }}'
    model = onnx.parser.parse_model(text)
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(numpy_helper.from_array(w, name) for name, w in weights.items() if name in used)
    path.write_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Of each case, the model and its bundle for all backends."""
    found: dict[str, tuple[Path, Path]] = {}
    for name, (texts, dims, _) in CASES.items():
        directory = tmp_path_factory.mktemp(name)
        path = directory / "model.onnx"
        write_model(*texts, path)
        manifest, files, _ = compile_module(import_onnx(path, dims=dims), list(BACKENDS), name=name)
        write_bundle(directory / "bundle", manifest, files)
        found[name] = path, directory / "bundle"
    return found


def inputs_of(path: Path, sizes: Mapping[str, int], seed: int) -> dict[str, Array]:
    random, found = np.random.default_rng(seed), dict[str, Array]()
    for value in onnx.ModelProto.FromString(path.read_bytes()).graph.input:
        shape = [sizes.get(dim.dim_param, dim.dim_value) for dim in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            found[value.name] = random.standard_normal(shape, np.float32)
        else:
            found[value.name] = random.integers(0, 2 if value.name == "mask" else 50, shape)
    return found


def check(name: str, path: Path, bundle: Path, engine: Engine) -> None:
    """At each size in turn, every output has the shape and the elements that onnxruntime gives it."""
    oracle = Oracle(path)
    with Session(bundle, engine) as session:
        for seed, sizes in enumerate(CASES[name][2]):
            given = inputs_of(path, sizes, seed)
            found, expected = session.run(given), oracle.run(given)
            for output, value in expected.items():
                assert found[output].shape == value.shape, f"{output} at {sizes}"
                comparison = compare(found[output], value)
                assert comparison.within, f"{output} at {sizes}: {comparison}"


@pytest.mark.parametrize("name", CASES)
def test_wasm(name: str, bundles: dict[str, tuple[Path, Path]]) -> None:
    check(name, *bundles[name], Wasmtime(relaxed_simd=True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1", "wasm", "js"])
def test_in_a_browser(name: str, backend: str, bundles: dict[str, tuple[Path, Path]], browser: Browser) -> None:
    check(name, *bundles[name], Chromium(backend, browser))


@pytest.mark.parametrize("name", CASES)
def test_wgpu(name: str, bundles: dict[str, tuple[Path, Path]]) -> None:
    check(name, *bundles[name], Wgpu())


def test_wrong_sizes_are_refused_in_a_browser(bundles: dict[str, tuple[Path, Path]], browser: Browser) -> None:
    path, bundle = bundles["words"]
    with Session(bundle, Chromium("js", browser)) as session:
        with pytest.raises(SessionError, match="'seq' is 10 in input 'ids'"):
            session.run(inputs_of(path, {"batch": 1, "seq": 10}, 0))
        given = inputs_of(path, {"batch": 1, "seq": 4}, 0)
        with pytest.raises(SessionError, match="'seq' is 4 in input 'ids' and 3 in 'mask'"):
            session.run({**given, "mask": given["mask"][:, :3]})


def test_a_bundle_for_any_size_has_the_weights_of_one(bundles: dict[str, tuple[Path, Path]]) -> None:
    """What is stored is the model's weights and a few numbers, whatever the sizes."""
    path, bundle = bundles["picture"]
    once, _, _ = compile_module(import_onnx(path, dims={"batch": 2, "height": 9, "width": 8}), ["js"], name="once")
    weights = sum(piece.bytes for piece in once.backends.js.weights) if once.backends.js else 0
    found = open_bundle(bundle).manifest["backends"].get("js")
    assert found is not None
    assert 0 < weights <= sum(piece["bytes"] for piece in found["weights"]) < weights + 1024
