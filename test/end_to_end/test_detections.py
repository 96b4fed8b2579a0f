"""What detectors end with, non-maximum suppression and the elements that a mask keeps, on every backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

MODEL = """
<ir_version: 10, opset_import: ["" : 18]>
detector (float[1, 24, 4] raw, float[1, 2, 24] logits) =>
    (float[n, 4] kept, int64[n, 1] class, float[n] scores, int64[n, 3] taken, float[m, 4] likely)
{
  edges = Constant <value_ints = [2, 2]> ()
  low, sides = Split <axis = 2> (raw, edges)
  sizes = Exp (sides)
  high = Add (low, sizes)
  boxes = Concat <axis = 2> (low, high)
  all = Sigmoid (logits)
  most = Constant <value_ints = [5]> ()
  overlap = Constant <value_floats = [0.3]> ()
  least = Constant <value_floats = [0.6]> ()
  taken = NonMaxSuppression (boxes, all, most, overlap, least)
  scores = GatherND (all, taken)
  second = Constant <value_ints = [1]> ()
  class = Gather <axis = 1> (taken, second)
  third = Constant <value_int = 2> ()
  places = Gather <axis = 1> (taken, third)
  zero = Constant <value_int = 0> ()
  image = Gather <axis = 0> (boxes, zero)
  kept = Gather <axis = 0> (image, places)
  axes = Constant <value_ints = [0, 1]> ()
  best = ReduceMax <keepdims = 0> (all, axes)
  limit = Constant <value_float = 0.8> ()
  mask = Greater (best, limit)
  found = NonZero (mask)
  rows = Transpose (found)
  likely = GatherND (image, rows)
}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detections") / "model.onnx"
    path.write_bytes(onnx.parser.parse_model(MODEL).SerializeToString())
    return path


def inputs(seed: int, shift: float) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    logits = random.standard_normal((1, 2, 24)) + shift
    return {"raw": random.random((1, 24, 4)).astype(np.float32), "logits": logits.astype(np.float32)}


@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1", "wasm", "js"])
def test_as_many_as_are_found(backend: str, model: Path, browser: Browser, tmp_path: Path) -> None:
    manifest, files, _ = compile_model(model, ["webgl" if backend.startswith("webgl") else backend])
    write_bundle(tmp_path / "bundle", manifest, files)
    oracle, lengths = Oracle(model), set[int]()
    with Session(tmp_path / "bundle", Chromium(backend, browser)) as session:
        for seed, shift in enumerate((0.0, 3.0, -9.0, 1.0)):
            given = inputs(seed, shift)
            found, expected = session.run(given), oracle.run(given)
            lengths.add(len(expected["taken"]))
            for name in ("class", "taken"):
                np.testing.assert_array_equal(found[name], expected[name])
            comparisons = {name: compare(found[name], expected[name]) for name in ("kept", "scores", "likely")}
            assert all(c.within for c in comparisons.values()), comparisons
    assert 0 in lengths
    assert len(lengths) > 2
