"""Loops that stay loops, against ONNX's reference: what a step may carry, capture and stack, and what ends a loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, parser
from onnx.reference import ReferenceEvaluator
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.control import LoopOp
from webdnn.frontends.onnx import rolled
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.float64]
Run = Callable[..., list[Array]]

INPUT = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
CONSTANTS = """on = Constant<value = bool {1}>() many = Constant<value = int64 {9}>()
  none = Constant<value = int64 {0}>() minus = Constant<value = int64[1] {-1}>() one = Constant<value = int64 {1}>()
  end = Constant<value = int64 {7}>() first = Constant<value = int64[1] {0}>()
  h = Gather<axis = 0>(x, one) half = Constant<value_float = 0.5>() large = Constant<value_float = 3.0>()"""


def model_of(body: str, outputs: str, opset: int = 20) -> ModelProto:
    head = f'<ir_version: 10, opset_import: ["" : {opset}]> test (float[9, 4] x) => ({outputs})'
    return parser.parse_model(f"{head} {{ {CONSTANTS} {body} }}")


def wanted(proto: ModelProto) -> list[Array]:
    found = ReferenceEvaluator(proto).run(None, {"x": INPUT})  # pyright: ignore[reportUnknownMemberType]
    return [np.asarray(array) for array in found]


def loops(module: ModuleOp) -> list[LoopOp]:
    return [op for op in module.walk() if isinstance(op, LoopOp)]


@pytest.fixture(autouse=True)
def every_loop_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "FEW_OPERATORS", 0)


CARRIED = """y, rows = Loop(many, on, h) <body = step (int64 i, bool c, float[4] a)
    => (bool d, float[4] b, float[4] r) {
    d = Identity(c) u = Gather<axis = 0>(x, i) s = Mul(a, half) b = Add(s, u) r = Tanh(b) }>"""
COUNTER = """y, n, rows = Loop(many, on, h, none) <body = step (int64 i, bool c, float[4] a, int64 t)
    => (bool d, float[4] b, int64 v, float[4] r) {
    v = Add(t, one) d = Less(v, end) u = Gather<axis = 0>(x, t) b = Add(a, u) r = Neg(b) }>"""
KEPT = """y, w, z, rows = Loop(many, on, h, half, h) <body = step (int64 i, bool c, float[4] a, float k, float[4] q)
    => (bool d, float[4] b, float m, float[4] p, float[4] r) {
    d = Identity(c) b = Mul(a, k) m = Identity(k) p = Identity(q) r = Add(b, q) }>"""
SWAPPED = """v = Neg(h) y, z = Loop(many, on, h, v) <body = step (int64 i, bool c, float[4] a, float[4] q)
    => (bool d, float[4] p, float[4] b) { d = Identity(c) p = Identity(q) b = Mul(a, half) }>"""
ENDLESS = """y, n = Loop(, on, h, none) <body = step (int64 i, bool c, float[4] a, int64 t)
    => (bool d, float[4] b, int64 v) { v = Add(t, one) d = Less(v, end) b = Add(a, a) }>"""
NESTED = """y = Loop(many, on, h) <body = outer (int64 i, bool c, float[4] a) => (bool d, float[4] b) {
    d = Identity(c) u = Gather<axis = 0>(x, i) b = Loop(end, c, a) <body = inner (int64 j, bool e, float[4] p)
    => (bool f, float[4] q) { f = Identity(e) s = Mul(p, half) q = Add(s, u) }> }>"""
CAPTURED = """t = Tanh(h) y, rows = Loop(many, on, h) <body = step (int64 i, bool c, float[4] a)
    => (bool d, float[4] b, float[4] r) { d = Identity(c) b = Add(a, t) r = Identity(t) }>"""

SLICES = """y = Loop(end, on, h) <body = step (int64 i, bool c, float[4] a) => (bool d, float[4] b) {
    d = Identity(c) j = Reshape(i, minus) k = Add(j, first) l = Constant<value = int64[1] {9}>()
    s = Slice(x, k, l, first) m = ReduceMax<keepdims = 0>(s, first) b = Add(a, m) }>"""


@pytest.mark.parametrize(
    ("body", "outputs", "steps"),
    [
        pytest.param(CARRIED, "float[4] y, float[9, 4] rows", [9], id="carried"),
        pytest.param(COUNTER, "float[4] y, int64 n, float[7, 4] rows", [7], id="counter"),
        pytest.param(KEPT, "float[4] y, float w, float[4] z, float[9, 4] rows", [9], id="kept"),
        pytest.param(SWAPPED, "float[4] y, float[4] z", [9], id="swapped"),
        pytest.param(ENDLESS, "float[4] y, int64 n", [7], id="endless"),
        pytest.param(NESTED, "float[4] y", [9, 7], id="nested"),
        pytest.param(SLICES, "float[4] y", [7], id="slices"),
        pytest.param(CAPTURED, "float[4] y, float[9, 4] rows", [9], id="captured"),
    ],
)
def test_steps_that_are_known(body: str, outputs: str, steps: list[int], run: Run) -> None:
    proto = model_of(body, outputs)
    assert [loop.steps for loop in loops(import_onnx(proto))] == steps
    for found, expected in zip(run(proto, INPUT), wanted(proto), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


OPEN = """y, n, rows = Loop(many, on, h, one) <body = step (int64 i, bool c, float[4] a, int64 t)
    => (bool d, float[4] b, int64 v, float[4] r) {
    s = Abs(a) m = ReduceMax<keepdims = 0>(s) d = Less(m, large) b = Add(a, a) v = Add(t, t) r = Neg(a) }>"""
NEVER = f"m = ReduceMax<keepdims = 0>(x) go = Greater(m, large) {OPEN.replace('many, on', 'many, go')}"


def test_steps_that_depend_on_data(run: Run) -> None:
    proto = model_of(OPEN, "float[4] y, int64 n, float[N, 4] rows")
    assert [loop.steps for loop in loops(import_onnx(proto))] == [9]
    y, n, rows, count = run(proto, INPUT)
    last, number, all_rows = wanted(proto)
    assert 1 < int(count) < 9
    assert n == number
    np.testing.assert_allclose(y, last, rtol=1e-5)
    np.testing.assert_allclose(rows[: int(count)], all_rows.reshape(-1, 4), rtol=1e-5)


def test_no_step(run: Run) -> None:
    y, n, rows, count = run(model_of(NEVER, "float[4] y, int64 n, float[N, 4] rows"), INPUT)
    assert (n, count, rows.shape) == (1, 0, (9, 4))
    np.testing.assert_array_equal(y, INPUT[1])


GROWS = """g = Reshape(h, shape) y = Loop(end, on, g) <body = step (int64 i, bool c, float[p, 4] a)
    => (bool d, float[q, 4] b) { d = Identity(c) u = Gather<axis = 0>(x, first) b = Concat<axis = 0>(a, u) }>"""
TILES = """y = Loop(end, on, h) <body = step (int64 i, bool c, float[4] a) => (bool d, float[4] b) {
    d = Identity(c) v = Add(i, one) k = Reshape(v, minus) s = Tile(a, k) m = ReduceSum<keepdims = 0>(s, first)
    b = Add(a, m) }>"""


@pytest.mark.parametrize(("body", "outputs"), [(GROWS, "float[8, 4] y"), (TILES, "float[4] y")], ids=["grows", "tiles"])
def test_what_differs_from_step_to_step_is_written_out(body: str, outputs: str, run: Run) -> None:
    proto = model_of(f"shape = Constant<value = int64[2] {{1, 4}}>() {body}", outputs)
    assert not loops(import_onnx(proto))
    (found,) = run(proto, INPUT)
    np.testing.assert_allclose(found, wanted(proto)[0], rtol=1e-5)


SCAN = """y, a, b = Scan<num_scan_inputs = 1, scan_input_directions = [{0}], scan_output_directions = [{1}, 0],
    scan_output_axes = [{2}, 0], body = step (float[4] h, float[4] u) => (float[4] g, float[4] p, float q) {{
    s = Mul(h, half) g = Add(s, u) p = Neg(g) q = ReduceMax<keepdims = 0>(u) }}>(h, x)"""


@pytest.mark.parametrize(("backwards", "turned", "axis"), [(0, 0, 0), (1, 0, 1), (0, 1, -1), (1, 1, 0)])
def test_scans(backwards: int, turned: int, axis: int, run: Run) -> None:
    shape = "4, 9" if axis else "9, 4"
    proto = model_of(SCAN.format(backwards, turned, axis), f"float[4] y, float[{shape}] a, float[9] b")
    assert [loop.steps for loop in loops(import_onnx(proto))] == [9]
    h, rows, greatest = INPUT[1], np.zeros((9, 4), np.float32), INPUT.max(axis=1)
    order = range(8, -1, -1) if backwards else range(9)
    for step, place in enumerate(order):
        h = h * np.float32(0.5) + INPUT[place]
        rows[8 - step if turned else step] = -h
    y, a, b = run(proto, INPUT)
    np.testing.assert_allclose(y, h, rtol=1e-5)
    np.testing.assert_allclose(a, rows.T if axis else rows, rtol=1e-5)
    np.testing.assert_array_equal(b, greatest[list(order)])


def test_short_loops_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "FEW_OPERATORS", 1000)
    assert not loops(import_onnx(model_of(CARRIED, "float[4] y, float[9, 4] rows")))


def test_what_a_step_cannot_do_is_said_once() -> None:
    body = CARRIED.replace("r = Tanh(b)", "r = Frobnicate(b)")
    with pytest.raises(DiagnosticError) as info:
        import_onnx(model_of(body, "float[4] y, float[9, 4] rows"))
    assert str(info.value).count("is not supported") == 1


def test_a_loop_that_nothing_ends(run: Run) -> None:
    with pytest.raises(DiagnosticError, match="steps"):
        import_onnx(model_of(ENDLESS.replace("Less(v, end)", "Greater(v, none)"), "float[4] y, int64 n"))
