"""Loops that stay loops, compiled and run on every backend, against ONNX's reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, parser
from onnx.reference import ReferenceEvaluator

from webdnn.dialects.dnn.control import LoopOp
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import BACKENDS
from webdnn.tools.compiler import compile_module

CELL = """rows_of = Transpose<perm = [1, 0]>(w) y, steps, rows = Loop(many, on, h, none)
  <body = step (int64 i, bool c, float[1, 6] a, int64 t) => (bool d, float[1, 6] b, int64 v, float[1, 6] r) {
    v = Add(t, one) d = Less(v, end) u = Gather<axis = 0>(x, t) p = MatMul(a, rows_of) q = Add(p, u) b = Tanh(q)
    r = Neg(b) }>"""
"""A recurrent layer as exporters spell it, which counts its steps itself"""

FOUND = """y, steps, rows = Loop(many, on, h, none)
  <body = step (int64 i, bool c, float[1, 6] a, int64 t) => (bool d, float[1, 6] b, int64 v, float[1, 6] r) {
    v = Add(t, one) u = Gather<axis = 0>(x, t) b = Loop(end, c, a) <body = inner (int64 j, bool e, float[1, 6] k)
      => (bool f, float[1, 6] l) { f = Identity(e) m = Mul(k, less) l = Add(m, u) }>
    q = Abs(b) s = ReduceMax<keepdims = 0>(q) d = Less(s, large) r = Neg(b) }>"""
"""A loop in a loop that ends on what it finds"""

MODELS = {"cell": (CELL, 31), "found": (FOUND, 40)}
"""Nodes, and the steps that are compiled"""


INPUTS = {"x": (40, 1, 6), "w": (6, 6)}


def model_of(nodes: str) -> ModelProto:
    return parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 20]>
    test (float[40, 1, 6] x, float[6, 6] w) => (float[1, 6] y, int64 steps, float[N, 1, 6] rows) {{
      on = Constant<value = bool {{1}}>() many = Constant<value = int64 {{40}}>() end = Constant<value = int64 {{31}}>()
      none = Constant<value = int64 {{0}}>() one = Constant<value = int64 {{1}}>()
      large = Constant<value_float = 11.0>() less = Constant<value_float = 0.9>()
      h = Gather<axis = 0>(x, one) {nodes} }}""")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", BACKENDS)
def test_loops(name: str, target: str, browser: Browser, tmp_path: Path) -> None:
    nodes, steps = MODELS[name]
    random = np.random.default_rng(0)
    inputs = {n: random.standard_normal(shape).astype(np.float32) * 0.5 for n, shape in INPUTS.items()}
    model = model_of(nodes)
    found = ReferenceEvaluator(model).run(None, inputs)  # pyright: ignore[reportUnknownMemberType]
    expected = dict(zip(("y", "steps", "rows"), map(np.asarray, found), strict=True))
    module = import_onnx(model)
    assert next(op.steps for op in module.walk() if isinstance(op, LoopOp)) == steps
    assert 1 < int(expected["steps"]) < 40
    manifest, files, _ = compile_module(module, [target], name="loop")
    write_bundle(tmp_path / "bundle", manifest, files)
    backends = ["webgl2", "webgl1"] if target == "webgl" else [target]
    engines: dict[str, Engine] = {backend: Chromium(backend, browser) for backend in backends}
    engines |= {"wasm": {"wasmtime": Wasmtime()}, "webgpu": {"wgpu": Wgpu()}}.get(target, {})
    for engine_name, engine in engines.items():
        with Session(tmp_path / "bundle", engine) as session:
            for _ in range(2):
                results = session.run(inputs)
                for output, wanted in expected.items():
                    array = np.asarray(results[output], np.float64).reshape(wanted.shape)
                    np.testing.assert_allclose(array, wanted, 1e-4, 1e-5, err_msg=f"{engine_name} {output}")
