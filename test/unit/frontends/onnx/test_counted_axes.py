"""What is found at run time: as many elements as onnxruntime finds, on the reference and as a bundle, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

Random = np.random.Generator

FOUND = "hits = Greater(s, half) places = NonZero(hits) rows = Transpose(places) found = GatherND(x, rows)"
"""The rows of x [9, 4] whose score s [9] is above a half"""

STEPS = "six = Constant<value_int=6>() yes = Constant<value_int=1>() on = Cast<to=9>(yes) "
STEP = """<body = step (int64 i, bool c, float[9] a) => (bool d, float[9] b, float[9] r) {
    b = Add(a, a) r = Sub(b, half) sum = ReduceSum<keepdims=0>(b) d = Less(sum, enough) }>"""

BODIES: Mapping[str, tuple[str, str]] = {
    # outputs, nodes
    "rows of a mask": ("float[n,4] found", FOUND),
    "places of a matrix": ("int64[2,n] p", "hits = Greater(x, half) p = NonZero(hits)"),
    "compressed": ("float[n,4] y", "hits = Greater(s, half) y = Compress<axis=0>(x, hits)"),
    "compressed flat": ("float[n] y", "hits = Greater(s, half) y = Compress(x, hits)"),
    "computed with": ("float[n,4] y", f"{FOUND} a = Mul(found, half) b = Relu(found) y = Add(a, b)"),
    "shared by outputs": (
        "float[n,4] found, float[n] scores, float[n,1] columns",
        f"{FOUND} only = GatherND(s, rows) scores = Sqrt(only) one = Constant<value_ints=[1]>() "
        "columns = Unsqueeze(scores, one)",
    ),
    "moved": (
        "float[4,n] t, float[n,2,2] r, float[n,2] g, float[m] flat",
        f"{FOUND} t = Transpose(found) shape = Constant<value_ints=[-1,2,2]>() r = Reshape(found, shape) "
        "two = Constant<value_ints=[3,1]>() g = Gather<axis=1>(found, two) all = Constant<value_ints=[-1]>() "
        "flat = Reshape(found, all)",
    ),
    "multiplied": (
        "float[n,9] y",
        f"{FOUND} t = Transpose(x) y = MatMul(found, t)",
    ),
    "the last two": (
        "float[n,4] y, float[1,4] last",
        f"{FOUND} full = Concat<axis=0>(x, found) last_two = Constant<value_ints=[-2]>() "
        "far = Constant<value_ints=[100]>() y = Slice(full, last_two, far) one = Constant<value_ints=[-1]>() "
        "last = Gather<axis=0>(full, one)",
    ),
    "summed up": (
        "float[4,4] y, float[n,4] sums, float[4] mean",
        f"{FOUND} t = Transpose(found) y = MatMul(t, found) zero = Constant<value_int=0>() sums = CumSum(found, zero) "
        "all = Concat<axis=0>(found, x) axis = Constant<value_ints=[0]>() mean = ReduceMean<keepdims=0>(all, axis)",
    ),
    "the first three": (
        "float[n,4] y",
        f"{FOUND} zero = Constant<value_ints=[0]>() three = Constant<value_ints=[3]>() y = Slice(found, zero, three)",
    ),
    "all but the first and the last": (
        "float[n,4] y",
        f"{FOUND} one = Constant<value_ints=[1]>() last = Constant<value_ints=[-1]>() y = Slice(found, one, last)",
    ),
    "side by side": (
        "float[n,4] y",
        f"{FOUND} low = Not(hits) others = Compress<axis=0>(x, low) y = Concat<axis=0>(others, x, found)",
    ),
    "side by side along another axis": (
        "float[n,8] y",
        f"{FOUND} double = Add(found, found) y = Concat<axis=1>(found, double)",
    ),
    "the best of them": (
        "float[n] best, int64[n] index",
        f"{FOUND} scores = GatherND(s, rows) shape = Shape(scores) few = Constant<value_ints=[3]>() "
        "k = Min(shape, few) best, index = TopK(scores, k)",
    ),
    "as many of others": (
        "float[n,4] first, float[9,4] all, int64[n] numbers, int64[9] nine",
        f"{FOUND} whole = Shape(found) zero = Constant<value_ints=[0]>() one = Constant<value_ints=[1]>() "
        "n = Slice(whole, zero, one) first = Slice(x, zero, n) all = Add(x, x) "
        "nine = Constant<value_ints=[0,1,2,3,4,5,6,7,8]>() numbers = Slice(nine, zero, n)",
    ),
    "more of the one than of the other": (
        "float[n,4] y",
        f"{FOUND} low = Not(hits) others = NonZero(low) a = Shape<start=1>(places) "
        "b = Shape<start=1>(others) more = Sub(a, b) zero = Constant<value_ints=[0]>() end = Max(more, zero) "
        "y = Slice(x, zero, end)",
    ),
    "how many": (
        "int64[2] shape, int64 size",
        f"{FOUND} shape = Shape(found) size = Size(found)",
    ),
    "as many": (
        "int64[n] range, float[n,3] filled, float[n,3] spread",
        f"{FOUND} whole = Shape(found) zero = Constant<value_int=0>() one = Constant<value_int=1>() "
        "n = Gather(whole, zero) range = Range(zero, n, one) axes = Constant<value_ints=[0]>() "
        "row = Unsqueeze(n, axes) three = Constant<value_ints=[3]>() shape = Concat<axis=0>(row, three) "
        "filled = ConstantOfShape(shape) ones = Constant<value_floats=[1.0,2.0,3.0]>() spread = Expand(ones, shape)",
    ),
    "as many as are computed": (
        "float[n,4] y, float[m,3] z, float[k] best, int64[k] index",
        "hits = Greater(s, half) ones = Cast<to=7>(hits) n = ReduceSum<keepdims=1>(ones) "
        "zero = Constant<value_ints=[0]>() y = Slice(x, zero, n) less = Neg(n) one = Constant<value_ints=[1]>() "
        "from = Concat<axis=0>(less, one) four = Constant<value_ints=[4]>() far = Constant<value_ints=[99]>() "
        "to = Concat<axis=0>(far, four) z = Slice(x, from, to) best, index = TopK(s, n)",
    ),
    "distinct": (
        "float[n] y, int64[n] i, int64[9] inverse, int64[n] often",
        "eight = Constant<value_float=8.0>() q = Mul(s, eight) r = Floor(q) y, i, inverse, often = Unique(r)",
    ),
    "distinct as they occur": (
        "int64[n] y, int64[n] i, int64[36] inverse, int64[n] often, int64[n] twice",
        "r = Cast<to=7>(x) y, i, inverse, often = Unique<sorted=0>(r) twice = Add(y, y)",
    ),
    "distinct of what is found": (
        "float[n] y, int64[n] i, int64[m] inverse, int64[n] often, int64[k] j",
        f"{FOUND} eight = Constant<value_float=8.0>() scores = GatherND(s, rows) q = Mul(scores, eight) r = Floor(q) "
        "y, i, inverse, often = Unique(r) z, j = Unique<sorted=0,axis=0>(r)",
    ),
    "steps until a sum is large": (
        "float[9] y, float[n,9] rows, float[n,9] doubled",
        f"{STEPS} enough = Constant<value_float=40.0>() y, rows = Loop(six, on, s) {STEP} doubled = Add(rows, rows)",
    ),
    "steps or none": (
        "float[9] y, float[n,9] rows",
        f"{STEPS} enough = Constant<value_float=40.0>() whole = ReduceSum<keepdims=0>(s) "
        f"more = Constant<value_float=3.0>() few = Less(whole, more) y, rows = Loop(six, few, s) {STEP}",
    ),
    "a state that grows": (
        "float[n] y, int64[1] length, float[m] cut",
        f"{STEPS} enough = Constant<value_float=4.0>() two = Constant<value_ints=[2]>() "
        "zero = Constant<value_ints=[0]>() "
        """first = Slice(s, zero, two) y = Loop(six, on, first) <body = step (int64 i, bool c, float[p] a)
           => (bool d, float[q] b) { end = Constant<value_ints=[-1]>() last = Gather(a, end) next = Add(last, half)
           b = Concat<axis=0>(a, next) sum = ReduceSum<keepdims=0>(b) d = Less(sum, enough) }>
           length = Shape(y) cut = Slice(y, two, length)""",
    ),
    "written where they were found": (
        "float[9,4] y, float[9,4] z, float[9,4] added",
        f"{FOUND} double = Add(found, found) y = ScatterND(x, rows, double) only = Transpose<perm=[1,0]>(places) "
        "columns = Shape(double) wide = Expand(only, columns) z = ScatterElements<axis=0>(x, wide, double) "
        'nine = Constant<value_ints=[9]>() back = Sub(rows, nine) added = ScatterND<reduction="add">(x, back, found)',
    ),
    "written into what is found": (
        "float[n,4] y, float[n,4] z, float[n,4] last",
        f"{FOUND} low = Not(hits) others = Compress<axis=0>(x, low) all = Concat<axis=0>(found, others, found) "
        "n = Shape<end=1>(found) zero = Constant<value_int=0>() one = Constant<value_int=1>() count = Squeeze(n) "
        "numbers = Range(zero, count, one) axis = Constant<value_ints=[1]>() column = Unsqueeze(numbers, axis) "
        "shape = Shape(found) whole = Expand(column, shape) double = Add(found, found) "
        "y = ScatterElements<axis=0>(all, whole, double) z = ScatterND(all, column, double) "
        "end = Constant<value_ints=[-1]>() place = Expand(end, axis) ones = Constant<value_ints=[1,4]>() "
        "four = Expand(half, ones) corner = Constant<value_ints=[1,1]>() at = Expand(end, corner) "
        "last = ScatterND(all, at, four)",
    ),
    "as many floats": (
        "float[n] y, float[n] halves, float[4] four",
        f"{FOUND} whole = Shape(found) zero = Constant<value_int=0>() one = Constant<value_int=1>() "
        "n = Gather(whole, zero) count = Cast<to=1>(n) first = Constant<value_float=0.0>() "
        "step = Constant<value_float=1.0>() y = Range(first, count, step) "
        "halves = Mul(y, half) columns = Gather(whole, one) end = Cast<to=1>(columns) four = Range(first, end, step)",
    ),
    "an extent beside one that is found": (
        "float[n,4] y, float[4] wide",
        f"{FOUND} whole = Shape(found) one = Constant<value_ints=[1]>() width = Gather(whole, one) "
        "wide = Expand(half, width) zero = Constant<value_ints=[0]>() axis = Constant<value_ints=[1]>() "
        "pads = Constant<value_ints=[0,0,0]>() none = Sub(width, width) all = Concat<axis=0>(pads, none) "
        "y = Pad(found, all)",
    ),
    "nothing or something": (
        "float[n,4] y",
        f"{FOUND} size = Size(found) zero = Constant<value_int=0>() none = Equal(size, zero) "
        "y = If(none) <then_branch = empty () => (float[k,4] a) "
        "{ shape = Constant<value_ints=[2,4]>() a = ConstantOfShape(shape) }, "
        "else_branch = some () => (float[l,4] b) { b = Neg(found) }>",
    ),
}


@dataclass(frozen=True)
class Graph:
    """A model that finds rows of x, [9, 4] or other inputs, and makes outputs of them."""

    outputs: str
    nodes: str
    inputs: str = "float[9,4] x, float[9] s"

    def model(self) -> onnx.ModelProto:
        text = (
            f'<ir_version: 10, opset_import: ["" : 18]> found ({self.inputs}) => ({self.outputs}) '
            f"{{ half = Constant<value_float=0.5>() {self.nodes} }}"
        )
        return onnx.parser.parse_model(text)


def rows(random: Random, share: float) -> dict[str, Array]:
    """Nine rows, of whose scores such a part is above a half."""
    scores = np.where(random.random(9) < share, 0.5 + random.random(9) / 2 + 1e-3, random.random(9) / 2)
    return {"x": random.standard_normal((9, 4)).astype(np.float32), "s": scores.astype(np.float32)}


def boxes(random: Random, share: float) -> dict[str, Array]:
    """Two images with twelve boxes, scores in three classes."""
    corners, sides = random.random((2, 12, 2)), random.random((2, 12, 2)) * 0.6
    return {
        "b": np.concatenate([corners, corners + sides], 2).astype(np.float32),
        "s": (random.random((2, 3, 12)) * 2 * share).astype(np.float32),
    }


def agree(graph: Graph, inputs: Callable[[Random, float], dict[str, Array]], directory: Path) -> None:
    """The outputs are those of onnxruntime, whether much, little or nothing is found."""
    path = directory / "model.onnx"
    path.write_bytes(graph.model().SerializeToString())
    module, oracle = import_onnx(path), Oracle(path)
    reference = Reference(module)
    manifest, files, _ = compile_module(module.clone(), ["wasm"], name="found")
    write_bundle(directory / "bundle", manifest, files)
    with Session(directory / "bundle", Wasmtime()) as session:
        for seed, share in enumerate((0.5, 0.0, 1.0, 0.2)):
            given = inputs(np.random.default_rng(seed), share)
            expected = oracle.run(given)
            for found in (reference.run(given), session.run(given)):
                for name, value in expected.items():
                    np.testing.assert_allclose(
                        as_array(found[name]), as_array(value), 1e-5, 1e-6, err_msg=f"{name}, {share} found"
                    )
                    assert found[name].shape == value.shape


@pytest.mark.parametrize("name", BODIES)
def test_as_many_as_onnxruntime_finds(name: str, tmp_path: Path) -> None:
    agree(Graph(*BODIES[name]), rows, tmp_path)


MADE = "total = ReduceSum<keepdims=0>(s) number = Cast<to=7>(total) "


def test_a_number_that_is_computed_lies_in_a_range(tmp_path: Path) -> None:
    """With the range there is room for as many as there can be; beyond it, the nearest end is taken."""
    nodes = (
        f"{MADE} zero = Constant<value_int=0>() one = Constant<value_int=1>() r = Range(zero, number, one) "
        "y = Cast<to=1>(r) z = Mul(y, half)"
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(Graph("float[n] z", nodes).model().SerializeToString())
    with pytest.raises(DiagnosticError, match="needs the value of its operand 1") as caught:
        import_onnx(path)
    assert "--dim number=1..100" in caught.value.hint
    reference, oracle = Reference(import_onnx(path, dims={"number": Sizes(1, 6)})), Oracle(path)
    for of_each, count in ((0.2, 1), (0.5, 4), (0.9, 6)):
        given = {**rows(np.random.default_rng(0), 0.5), "s": np.full(9, of_each, np.float32)}
        assert np.array_equal(reference.run(given)["z"], np.arange(count, dtype=np.float32) / 2)
        assert (count == 6) or np.array_equal(reference.run(given)["z"], oracle.run(given)["z"])


@pytest.mark.parametrize(
    ("name", "sizes", "problem"),
    [
        ("total", Sizes(1, 6), "is f32 \\[\\], and is bound to 1..6"),
        ("number", Sizes(6, 1), "is bound to 6..1"),
        ("numbers", Sizes(1, 6), "no input has a dimension 'numbers'"),
    ],
)
def test_what_is_no_number_has_no_range(name: str, sizes: Sizes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(Graph("int64 number", MADE).model().SerializeToString())
    with pytest.raises(DiagnosticError, match=problem):
        import_onnx(path, dims={name: sizes})


def test_distinct_bools_of_which_onnxruntime_has_none(tmp_path: Path) -> None:
    graph = Graph("bool[n] y, int64[n] often", "hits = Greater(s, half) y, i, inverse, often = Unique(hits)")
    path = tmp_path / "model.onnx"
    path.write_bytes(graph.model().SerializeToString())
    reference = Reference(import_onnx(path))
    for seed, share in enumerate((0.5, 0.0)):
        given = rows(np.random.default_rng(seed), share)
        values, often = np.unique(given["s"] > np.float32(0.5), return_counts=True)
        found = reference.run(given)
        assert np.array_equal(found["y"], values)
        assert np.array_equal(found["often"], often)


NMS = "most = Constant<value_ints=[{most}]>() iou = Constant<value_floats=[{iou}]>() {rest}"


@pytest.mark.parametrize(
    ("options", "nodes"),
    [
        ({"most": 4, "iou": 0.3}, "taken = NonMaxSuppression(b, s, most, iou)"),
        (
            {"most": 20, "iou": 0.5},
            "least = Constant<value_floats=[0.6]>() "
            "taken = NonMaxSuppression<center_point_box=1>(b, s, most, iou, least)",
        ),
        ({"most": 1, "iou": 0.0}, "taken = NonMaxSuppression(b, s, most)"),
    ],
)
def test_boxes_that_others_do_not_hide(options: Mapping[str, float], nodes: str, tmp_path: Path) -> None:
    graph = Graph("int64[n,3] taken", NMS.format(rest=nodes, **options), "float[2,12,4] b, float[2,3,12] s")
    agree(graph, boxes, tmp_path)


def test_boxes_are_looked_up(tmp_path: Path) -> None:
    """A detector's end: the boxes, scores and classes of what is taken, of boxes that are themselves found."""
    nodes = NMS.format(
        most=5,
        iou=0.4,
        rest="least = Constant<value_floats=[0.3]>() taken = NonMaxSuppression(b, s, most, iou, least) "
        "column = Constant<value_ints=[2]>() last = Gather<axis=1>(taken, column) axes = Constant<value_ints=[1]>() "
        "index = Squeeze(last, axes) zero = Constant<value_int=0>() first = Gather<axis=0>(b, zero) "
        "kept = Gather<axis=0>(first, index) one = Constant<value_ints=[1]>() class = Gather<axis=1>(taken, one) "
        "scores = GatherND(s, taken)",
    )
    outputs = "float[n,4] kept, int64[n,1] class, float[n] scores"
    agree(Graph(outputs, nodes, "float[2,12,4] b, float[2,3,12] s"), boxes, tmp_path)


@pytest.mark.parametrize(
    ("nodes", "output", "problem"),
    [
        (
            f"{FOUND} low = Not(hits) others = Compress<axis=0>(x, low) y = Add(found, others)",
            "float[n,4] y",
            "combines elements that are counted apart",
        ),
        (f"{FOUND} y = Add(found, x)", "float[n,4] y", "combines 9 places with an axis that may have fewer"),
        (f"{FOUND} y = MatMul(s, found)", "float[4] y", "varies in one factor alone"),
        (f"{FOUND} y = Tile(found, whole)", "float[n,4] y", "repeats an axis whose size varies"),
        (
            f"{FOUND} a = Constant<value_ints=[-1]>() b = Constant<value_ints=[-9]>() y = Slice(found, a, b, at, a)",
            "float[n,4] y",
            "goes backwards",
        ),
        (
            f"{STEPS} enough = Constant<value_float=4.0>() most = Constant<value_int=9223372036854775807>() "
            f"y, rows = Loop(most, on, s) {STEP}",
            "float[9] y",
            "ends on a condition that is computed at run time, after any number of steps",
        ),
        (
            f"{STEPS} none = SequenceEmpty() l = Loop(six, on, none) <body = step (int64 i, bool c, seq(float) a) "
            "=> (bool d, seq(float) b) { b = SequenceInsert(a, s) q = Gather(s, i) d = Less(q, half) }> "
            "y = ConcatFromSequence<axis=0>(l)",
            "float[n] y",
            "carries a sequence, and ends on what is computed",
        ),
        (
            f"{STEPS} y = Loop(six, on, s) <body = step (int64 i, bool c, float[9] a) "
            "=> (bool d, float[1,9] b) { z = Constant<value_ints=[0]>() b = Unsqueeze(a, z) q = Gather(s, i) "
            "d = Less(q, half) }>",
            "float[n,9] y",
            "chooses at run time between values of different types",
        ),
        ("y = Unique<axis=0>(x)", "float[n,4] y", "needs the value of its operand 0"),
        (f"{FOUND} y = Unique(found)", "float[n] y", "compares rows, or all elements, of as many as are found"),
    ],
)
def test_what_has_no_meaning_for_counts_is_refused(nodes: str, output: str, problem: str, tmp_path: Path) -> None:
    graph = Graph(output, f"at = Constant<value_ints=[0]>() whole = Constant<value_ints=[2,1]>() {nodes}")
    path = tmp_path / "model.onnx"
    path.write_bytes(graph.model().SerializeToString())
    with pytest.raises(DiagnosticError, match=problem):
        import_onnx(path)
