"""Dimensions bound to a range of sizes: at each size, a model computes what onnxruntime does, or is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Session
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

DIMS = {"b": Sizes(1, 3), "s": Sizes(1, 6), "p": Sizes(0, 4), "t": Sizes(1, 6)}
RUNS = ({"b": 1, "s": 1}, {"b": 2, "s": 5}, {"b": 3, "s": 6}, {"b": 3, "s": 2})

X = "float[b,s,4] x"
IMAGE = "float[b,4,s,7] x"

BODIES: Mapping[str, tuple[str, str, str]] = {
    # inputs, outputs, nodes
    "element by element": (f"{X}, float[b,s,1] m", "float[b,s,4] y", "t = Mul(x, m) u = Relu(t) y = Add(u, x)"),
    "a sum of rows": (X, "float[b,4] y", "y = ReduceSum<keepdims=0>(x, one)"),
    "means": (
        X,
        "float[b,1,4] y, float z, float[s] w",
        "y = ReduceMean(x, one) z = ReduceMean<keepdims=0>(x) "
        "axes = Constant<value_ints=[0,2]>() w = ReduceMean<keepdims=0>(x, axes)",
    ),
    "greatest and least": (
        X,
        "float[4,b] y, float[b,4] z, int64[b,4] i",
        "up = Abs(x) down = Neg(up) "
        "n = ReduceMax<keepdims=0>(down, one) y = Transpose(n) z = ReduceMin<keepdims=0>(up, one) "
        "i = ArgMax<axis=1,keepdims=0>(down)",
    ),
    "softmax": (
        X,
        "float[b,s,4] y, float[b,s,4] z, float[b,s,4] h",
        "y = Softmax<axis=1>(x) z = LogSoftmax<axis=1>(x) h = Hardmax<axis=1>(x)",
    ),
    "running sums": (
        X,
        "float[b,s,4] y, float[b,s,4] z",
        "n = Constant<value_int=1>() y = CumSum(x, n) z = CumSum<reverse=1,exclusive=1>(x, n)",
    ),
    "attention": (
        f"{X}, float[b,s,4] k, float[b,s,4] v",
        "float[b,s,4] y",
        "t = Transpose<perm=[0,2,1]>(k) a = MatMul(x, t) p = Softmax(a) y = MatMul(p, v)",
    ),
    "fused attention": (
        f"{X}, float[b,p,4] k, float[b,p,4] v, int32[b,p] m",
        "float[b,s,4] y, float[b,s,4] c",
        "n = com.microsoft.SkipLayerNormalization<epsilon=0.00001>(x, x, scale, row) "
        "y = com.microsoft.MultiHeadAttention<num_heads=2>(n, k, v, , m) "
        "t = com.microsoft.FusedMatMul<transB=1>(x, x) p = Softmax(t) a = MatMul(p, x) "
        "c = com.microsoft.MultiHeadAttention<num_heads=2,unidirectional=1>(a, x, x)",
    ),
    "quantized anew": (
        f"{X}, float[b,s,4] k",
        "float[b,s,3] y, float[b,b] z, uint8[b,s,4] q, float[b,s,4] back",
        "q, by, at = DynamicQuantizeLinear(x) sums = MatMulInteger(q, bytes, at, middle) real = Cast<to=1>(sums) "
        "y = Mul(real, by) p, pby, pat = DynamicQuantizeLinear(k) flat = Constant<value_ints=[0,-1]>() "
        "a = Reshape(q, flat) c = Reshape(p, flat) t = Transpose(c) i = MatMulInteger(a, t, at, pat) z = Cast<to=1>(i) "
        "back = DequantizeLinear(q, by, at)",
    ),
    "integers": (
        "int64[b,4,5,7] i",
        "uint8[b,3,3,5] y, int32[b,3,3,5] z, uint8[b,4,5,2] m",
        "u = Cast<to=2>(i) y = QLinearConv(u, fine, middle, kernel, fine, middle, coarse, middle) "
        "z = ConvInteger(u, kernel, middle, middle) "
        "m = QLinearMatMul(u, fine, middle, pairs, fine, middle, coarse, middle)",
    ),
    "products": (
        "float[s,b] x, float[s,b] u, float[s] v",
        "float[b,b] y, float[b,b] e, float[b] g, float[b,b] m",
        'y = Gemm<transA=1>(x, u) e = Einsum<equation="sb,sc->bc">(x, u) g = MatMul(v, x) '
        "t = Transpose(x) m = MatMul(t, u)",
    ),
    "one out of many": (
        X,
        "float[b,4] last, float[b,4] first, float[b,2,4] both",
        "end = Constant<value_int=-1>() "
        "last = Gather<axis=1>(x, end) begin = Constant<value_int=0>() first = Gather<axis=1>(x, begin) "
        "ends = Constant<value_ints=[0,-1]>() both = Gather<axis=1>(x, ends)",
    ),
    "cuts": (
        X,
        "float[b,n,4] most, float[b,m,4] end, float[b,k,4] even, float[b,s,2] left",
        "minus = Constant<value_ints=[-1]>() zero = Constant<value_ints=[0]>() most = Slice(x, zero, minus, one) "
        "far = Constant<value_ints=[9223372036854775807]>() end = Slice(x, minus, far, one)"
        " even = Slice(x, zero, far, one, two) left = Slice(x, zero, two, two)",
    ),
    "parts": (
        X,
        "float[b,n,4] y, float[b,m,4] z, float[b,1,4] first, float[b,k,4] rest, float[b,s,1] w, float[b,s,3] v",
        "y, z = Split<axis=1,num_outputs=2>(x) at = Shape<start=1,end=2>(x) more = Sub(at, one) "
        "sizes = Concat<axis=0>(one, more) first, rest = Split<axis=1>(x, sizes) "
        "columns = Constant<value_ints=[1,3]>() w, v = Split<axis=2>(x, columns)",
    ),
    "as many of a table": (
        f"{X}",
        "float[b,s,4] y, int64[b,s] ids",
        "shape = Shape(x) "
        "n = Gather(shape, one) zero = Constant<value_ints=[0]>() part = Slice(table, zero, n, one) y = Add(x, part) "
        "scalar = Squeeze(n) o = Constant<value_int=0>() d = Constant<value_int=1>() r = Range(o, scalar, d) "
        "bs = Slice(shape, zero, two) ids = Expand(r, bs)",
    ),
    "merged and taken apart": (
        X,
        "float[n,4] rows, float[b,s,2,2] heads, float[b,m] flat, float[k] all, float[b,s,4] back",
        "rows_of = Constant<value_ints=[-1,4]>() rows = Reshape(x, rows_of) h = Constant<value_ints=[0,0,2,2]>() "
        "heads = Reshape(x, h) f = Constant<value_ints=[0,-1]>() flat = Reshape(x, f) "
        "one_axis = Constant<value_ints=[-1]>() all = Reshape(x, one_axis) "
        "doubled = Add(rows, rows) shape = Shape(x) back = Reshape(doubled, shape)",
    ),
    "merged in another order": (
        X,
        "float[n,4] rows, float[s,b,4] t, float[m,4] turned",
        "flat = Flatten<axis=2>(x) "
        "rows = Relu(flat) t = Transpose<perm=[1,0,2]>(x) rows_of = Constant<value_ints=[-1,4]>() "
        "turned = Reshape(t, rows_of)",
    ),
    "side by side": (
        f"{X}, float[b,p,4] past",
        "float[b,n,4] y, float[b,n,n] scores, int64[s] places",
        "y = Concat<axis=1>(past, x) t = Transpose<perm=[0,2,1]>(y) a = MatMul(y, t) scores = Softmax(a) "
        "from = Shape<start=1,end=2>(past) to = Shape<start=1,end=2>(y) f = Squeeze(from) e = Squeeze(to) "
        "d = Constant<value_int=1>() places = Range(f, e, d)",
    ),
    "normalized": (
        X,
        "float[b,s,4] y, float[b,s,4] z",
        "y = LayerNormalization(x, scale) z = LpNormalization<axis=1>(x)",
    ),
    "images": (
        IMAGE,
        "float[b,3,n,4] y, float[b,4,n,3] m, float[b,4] g",
        ""
        "e = Exp(x) y = Conv<kernel_shape=[3,3],pads=[1,1,1,1],strides=[2,2]>(e, w) "
        "m = MaxPool<kernel_shape=[2,2],strides=[2,2],ceil_mode=0,pads=[0,0,1,0]>(x) p = GlobalAveragePool(e) "
        "axes = Constant<value_ints=[2,3]>() g = Squeeze(p, axes)",
    ),
    "windows that reach over the end": (
        IMAGE,
        "float[b,4,n,4] y, float[b,4,m,4] z, float[b,4,k,3] a",
        "y = MaxPool<kernel_shape=[3,3],strides=[2,2],ceil_mode=1,pads=[1,1,1,1]>(x) "
        "z = AveragePool<kernel_shape=[3,3],strides=[2,2],count_include_pad=1,pads=[1,1,1,1]>(x) "
        "a = AveragePool<kernel_shape=[1,3],strides=[1,2]>(x)",
    ),
    "larger images": (
        IMAGE,
        "float[b,3,n,m] y, float[b,4,k,l] z, float[b,4,o,q] u",
        "e = Exp(x) "
        "y = ConvTranspose<kernel_shape=[3,3],strides=[2,2],pads=[1,1,0,1],output_padding=[1,0]>(e, turned) "
        'scales = Constant<value_floats=[1.0,1.0,2.0,2.0]>() z = Resize<mode="linear">(x, , scales) '
        'u = Resize<mode="nearest">(x, , scales)',
    ),
    "statistics of images": (
        IMAGE,
        "float[b,4,s,7] y, float[b,4,s,7] z",
        "i = Exp(x) y = InstanceNormalization(i, scale, row) z = BatchNormalization(x, scale, row, row, scale)",
    ),
    "padded": (
        X,
        "float[b,n,4] y, float[b,n,4] e, float[m,s,4] z",
        "pads = Constant<value_ints=[0,1,0,0,2,0]>() "
        'v = Constant<value_float=7.0>() y = Pad(x, pads, v) e = Pad<mode="edge">(x, pads) '
        "cut = Constant<value_ints=[1,0,0,0,0,0]>() z = Pad(x, cut)",
    ),
    "layers with steps": (
        "float[s,b,4] x",
        "float[s,2,b,2] y, float[2,b,2] h",
        'y, h = RNN<hidden_size=2,direction="bidirectional">(x, steps, states)',
    ),
    "sizes": (
        X,
        "int64[3] shape, int64 size, int64[1] half",
        "shape = Shape(x) size = Size(x) n = Gather(shape, one) half = Div(n, two)",
    ),
    "a row for each": (
        "int64[b,s] ids",
        "float[b,s,4] y, float[b,s,9] h",
        "flat = Squeeze(table) "
        "y = Gather(flat, ids) depth = Constant<value_int=9>() v = Constant<value_floats=[0.0,1.0]>() "
        "h = OneHot(ids, depth, v)",
    ),
    "a step for each": (
        "float[s,3] x",
        "float[3] y, float[s,3] rows",
        "shape = Shape(x) first = Constant<value_int=0>() n = Gather(shape, first) on = Cast<to=9>(one_step) "
        """y, rows = Loop(n, on, start) <body = step (int64 i, bool c, float[3] a) => (bool d, float[3] b, float[3] r)
           { row = Gather(x, i) b = Add(a, row) d = Identity(c) r = Mul(b, row) }>""",
    ),
    "what an input is": (X, "float[b,s,4] x2, float[b,s,4] y", "x2 = Identity(x) y = Relu(x)"),
}

CONSTANTS: Mapping[str, Array] = {
    "one": np.array([1]),
    "two": np.array([2]),
    "row": np.ones(4, np.float32),
    "scale": np.array([0.5, 1, 2, 3], np.float32),
    "table": np.random.default_rng(0).standard_normal((1, 9, 4), np.float32),
    "w": np.random.default_rng(1).standard_normal((3, 4, 3, 3), np.float32),
    "turned": np.random.default_rng(2).standard_normal((4, 3, 3, 3), np.float32),
    "steps": np.random.default_rng(3).standard_normal((2, 2, 4), np.float32),
    "states": np.random.default_rng(4).standard_normal((2, 2, 2), np.float32),
    "wide": np.array([3, 6, 4]),
    "bytes": np.random.default_rng(5).integers(0, 256, (4, 3)).astype(np.uint8),
    "middle": np.array(120, np.uint8),
    "kernel": np.random.default_rng(6).integers(0, 256, (3, 4, 3, 3)).astype(np.uint8),
    "pairs": np.random.default_rng(7).integers(0, 256, (7, 2)).astype(np.uint8),
    "fine": np.array(0.02, np.float32),
    "coarse": np.array(1.5, np.float32),
    "two_and_four": np.array([2, 4]),
    "one_step": np.array(1),
    "start": np.ones(3, np.float32),
    "thrice": np.array([1, 3, 1]),
}
"""What the nodes of a model may use by name"""


def model_of(inputs: str, outputs: str, nodes: str, path: Path) -> Path:
    """A model of a text, which may use constants by name."""
    text = (
        f'<ir_version: 10, opset_import: ["" : 18, "com.microsoft" : 1]> sized ({inputs}) => ({outputs}) {{ {nodes} }}'
    )
    model = onnx.parser.parse_model(text)
    used = {name for node in model.graph.node for name in node.input}
    given = [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items() if name in used]
    model.graph.initializer.extend(given)
    path.write_bytes(model.SerializeToString())
    return path


def dims_of(inputs: str) -> dict[str, Sizes]:
    """The ranges of those dimensions that inputs have."""
    return {dim: sizes for dim, sizes in DIMS.items() if re.search(rf"[\[,]{dim}[\],]", inputs)}


def inputs_of(path: Path, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Random inputs of these sizes."""
    random, found = np.random.default_rng(len(path.name)), dict[str, Array]()
    for value in onnx.ModelProto.FromString(path.read_bytes()).graph.input:
        type = value.type.tensor_type
        shape = [sizes.get(dim.dim_param, dim.dim_value) for dim in type.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(type.elem_type)
        whole = random.integers(0, 4, shape) if dtype.kind == "i" else random.standard_normal(shape)
        found[value.name] = as_array(whole.astype(dtype))
    return found


def check(found: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        np.testing.assert_allclose(as_array(found[name]), as_array(value), 1e-4, 1e-5, err_msg=name)


@pytest.mark.parametrize("name", BODIES)
def test_a_model_of_any_size_is_onnxruntimes_at_each(name: str, tmp_path: Path) -> None:
    path = model_of(*BODIES[name], tmp_path / "model.onnx")
    dims = dims_of(BODIES[name][0])
    reference, oracle = Reference(import_onnx(path, dims=dims)), Oracle(path)
    for sizes in RUNS:
        given = inputs_of(path, {**sizes, "p": sizes["s"] % 5})
        check(reference.run(given), oracle.run(given))


@pytest.mark.parametrize("name", ["attention", "merged and taken apart", "side by side", "images", "larger images"])
def test_a_bundle_of_any_size_is_onnxruntimes_at_each(name: str, tmp_path: Path) -> None:
    path = model_of(*BODIES[name], tmp_path / "model.onnx")
    dims = dims_of(BODIES[name][0])
    manifest, files, _ = compile_module(import_onnx(path, dims=dims), ["wasm"], name="sized")
    write_bundle(tmp_path / "bundle", manifest, files)
    oracle = Oracle(path)
    with Session(tmp_path / "bundle") as session:
        assert [d["name"] for d in session.dimensions] == [*dims]
        for sizes in RUNS:
            given = inputs_of(path, {**sizes, "p": sizes["s"] % 5})
            check(session.run(given), oracle.run(given))


@pytest.mark.parametrize(
    ("shapes", "problem", "hint"),
    [
        (((4, 2, 4), (4, 2, 1)), "'b' is 4 in input 'x'", "b from 1 to 3"),
        (((2, 0, 4), (2, 0, 1)), "'s' is 0 in input 'x'", "s from 1 to 6"),
        (((2, 5, 4), (2, 4, 1)), "'s' is 5 in input 'x' and 4 in 'm'", "agree"),
        (((2, 5, 3), (2, 5, 1)), r"has shape \[2, 5, 3\]", r"\[b, s, 4\], b from 1 to 3, s from 1 to 6"),
        (((2, 5), (2, 5, 1)), r"has shape \[2, 5\]", r"\[b, s, 4\]"),
    ],
)
def test_inputs_of_other_sizes_are_refused(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], problem: str, hint: str, tmp_path: Path
) -> None:
    reference = Reference(
        import_onnx(model_of(*BODIES["element by element"], tmp_path / "model.onnx"), dims=dims_of(X))
    )
    with pytest.raises(SessionError, match=problem) as caught:
        reference.run({name: np.zeros(shape, np.float32) for name, shape in zip("xm", shapes, strict=True)})
    assert re.search(hint, caught.value.hint)


@pytest.mark.parametrize(
    ("inputs", "nodes", "problem"),
    [
        (f"{X}, float[b,t,4] z", "y = Add(x, z)", "counted apart"),
        (f"{X}, float[b,6,4] z", "y = Add(x, z)", "combines 6 places with an axis that may have fewer"),
        (X, "y = Expand(x, wide)", "may have to repeat an axis"),
        (X, "y = Tile(x, thrice)", "repeats an axis whose size varies"),
        (X, "y, other = Split<axis=1>(x, two_and_four)", "in parts that may not add up to it"),
        (X, "y = LayerNormalization<axis=1>(x, row)", "normalizes along an axis"),
        (IMAGE, "y = AveragePool<kernel_shape=[3,3],pads=[1,1,1,1]>(x)", "divides by as many places as there are"),
        (IMAGE, 'y = Conv<auto_pad="SAME_UPPER",strides=[2,2]>(x, w)', "pads as many places as there are"),
        (IMAGE, "y = LpPool<kernel_shape=[2,2]>(x)", "has no rule for that"),
    ],
)
def test_what_cannot_vary_is_refused_with_the_option_that_binds_it(
    inputs: str, nodes: str, problem: str, tmp_path: Path
) -> None:
    path = model_of(inputs, "float[k,l,m] y", nodes, tmp_path / "model.onnx")
    with pytest.raises(DiagnosticError, match=problem) as caught:
        import_onnx(path, dims=dims_of(inputs))
    assert "--dim s=6" in str(caught.value)


def test_a_range_has_a_least_and_a_greatest_size(tmp_path: Path) -> None:
    path = model_of(*BODIES["element by element"], tmp_path / "model.onnx")
    for sizes, problem in ((Sizes(3, 2), "bound to 3..2"), (Sizes(-1, 2), "bound to -1..2")):
        with pytest.raises(DiagnosticError, match=problem):
            import_onnx(path, dims={"b": 1, "s": sizes})
