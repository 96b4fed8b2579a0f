"""GroupQueryAttention against onnxruntime: prompts, single places, caches that grow or have a greatest length."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper

from helpers.operator_cases import Attribute, Case, computed, floats
from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.session import Session
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

BACKENDS = ["wasm", "webgpu", "webgl", "js"]
HEADS, GROUPS = 4, 2
ANGLES = np.outer(np.arange(32), 1 / 10 ** np.linspace(0, 2, 8)).astype(np.float32)
TURNS = [np.cos(ANGLES), np.sin(ANGLES)]


def grouped(
    lengths: list[int],
    steps: int,
    total: int,
    past: int | None = None,
    *behind: Array | None,
    head: int = 16,
    packed: bool = False,
    dtype: type[np.float16] | type[np.float32] = np.float32,
    **attributes: Attribute,
) -> Case:
    """Rows that hold `lengths` places, `steps` of them new, of `total` places at most; operands 7 and on."""
    batch = len(lengths)
    widths = [(HEADS + 2 * GROUPS) * head] if packed else [HEADS * head, GROUPS * head, GROUPS * head]
    new = [floats(batch, steps, width, seed=i).astype(dtype) for i, width in enumerate(widths)]
    cache = [None if past is None else floats(batch, GROUPS, past, head, seed=i).astype(dtype) for i in range(2)]
    lasts = [np.array(lengths, np.int32) - 1, np.array(total, np.int32)]
    operands = [*new, *[None] * (3 - len(new)), *cache, *lasts, *behind]
    named = {"num_heads": HEADS, "kv_num_heads": GROUPS, **attributes}
    return Case("GroupQueryAttention", operands, fixed=[6], outputs=3, attributes=named)


CASES: Mapping[str, Case] = {
    "prompt": grouped([5], 5, 5),
    "prompt of several rows": grouped([5, 3], 5, 5, None, *TURNS, do_rotary=1),
    "prompt in a cache of greatest length": grouped([5], 5, 5, 12),
    "place": grouped([8], 1, 8, 7),
    "places of rows that are not as long": grouped([8, 5], 1, 8, 7, *TURNS, do_rotary=1),
    "place in a cache of greatest length": grouped([6, 5], 1, 6, 10),
    "several places": grouped([8], 3, 8, 5),
    "several places in a cache of greatest length": grouped([8], 3, 8, 12, *TURNS, do_rotary=1, packed=True),
    "packed": grouped([5, 5], 5, 5, packed=True),
    "rotated in pairs": grouped([5], 5, 5, None, *TURNS, do_rotary=1, rotary_interleaved=1),
    "rotated in part": grouped([5], 5, 5, None, *TURNS, do_rotary=1, head=32),
    "window": grouped([9], 9, 9, local_window_size=3),
    "window of a place": grouped([8, 5], 1, 8, 7, local_window_size=3),
    "capped and scaled": grouped([5], 5, 5, softcap=1.5, scale=0.7),
    "half floats": grouped([8, 5], 1, 8, 7, *(t.astype(np.float16) for t in TURNS), do_rotary=1, dtype=np.float16),
    "prompt from a place on": grouped([5], 5, 5, None, *TURNS, np.array([[3, 5, 4, 7, 9]]), do_rotary=1),
    "places that are given": grouped([8, 5], 1, 8, 7, *TURNS, np.array([[3], [9]]), do_rotary=1),
    "several places that are given": grouped([8], 3, 8, 5, *TURNS, np.array([[3, 9, 5]]), do_rotary=1),
    "bias": grouped([8], 3, 8, 5, None, None, None, floats(1, 4, 3, 8)),
    "bias in a cache of greatest length": grouped([8, 6], 1, 8, 12, None, None, None, floats(1, 1, 1, 8)),
}


@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name: str, tmp_path: Path) -> None:
    """What rows give behind their own length means nothing."""
    case = CASES[name]
    results, lengths, precision = computed(case, tmp_path), case.feeds["x5"].astype(int) + 1, 1e-5
    if case.feeds["x0"].dtype == np.float16:
        precision = 2e-3
    steps = results["y0"][0].shape[1]
    for found, wanted in (results["y1"], results["y2"]):
        np.testing.assert_allclose(found.astype(float), wanted.astype(float), precision, precision)
    for row, length in enumerate(lengths):
        found, wanted = (array[row, : min(steps, length)].astype(float) for array in results["y0"])
        np.testing.assert_allclose(found, wanted, precision, precision)


REFUSED: Mapping[str, tuple[Case, str]] = {
    "sink": (
        grouped([5], 5, 5, None, None, None, None, None, floats(HEADS)),
        "has a sink for each head (operand 11, 'x11')",
    ),
    "smooth": (grouped([5], 5, 5, smooth_softmax=1), "has softmax with a term that no key has ('smooth_softmax')"),
    "window cache": (grouped([5], 5, 5, 8, local_window_size=4, sliding_window_cache=1), "a window alone"),
    "no lengths": (Case("GroupQueryAttention", grouped([5], 5, 5).operands[:3]), "has no operand 5"),
    "later keys": (grouped([5], 5, 5, causal=0), "lets queries see later keys"),
    "rows apart": (grouped([8, 8], 3, 8, 5), "adds up to 3 places at once to 2 rows"),
    "length": (Case("GroupQueryAttention", grouped([5], 5, 5).operands, outputs=3), "--constant x6=FILE.npy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_covered_is_refused(name: str) -> None:
    case, message = REFUSED[name]
    named = case.having(num_heads=HEADS, kv_num_heads=GROUPS)
    with pytest.raises(DiagnosticError) as refusal:
        import_onnx(named.model())
    assert "node: " in str(refusal.value)
    assert message in str(refusal.value)


DECODER = """<ir_version: 10, opset_import: ["" : 18, "com.microsoft" : 1]>
decoder (float[b,s,64] q, float[b,s,32] k, float[b,s,32] v, float[b,2,p,16] keys, float[b,2,p,16] values, int64[b,t] m)
=> (float[b,s,64] y, float[b,2,t,16] keys_now, float[b,2,t,16] values_now) {
  one = Constant<value_ints=[1]>() sum = ReduceSum<keepdims=0>(m, one) last = Constant<value_int=1>()
  less = Sub(sum, last) lengths = Cast<to=6>(less) shape = Shape(m) all = Gather(shape, last) total = Cast<to=6>(all)
  y, keys_now, values_now = com.microsoft.GroupQueryAttention<num_heads=4,kv_num_heads=2,do_rotary=1>
    (q, k, v, keys, values, lengths, total, cos, sin)
}"""


def decoder(path: Path) -> Path:
    """A model that takes its lengths from a mask, as exporters write them."""
    model = onnx.parser.parse_model(DECODER)
    model.graph.initializer.extend(map(numpy_helper.from_array, TURNS, ("cos", "sin")))
    path.write_bytes(model.SerializeToString())
    return path


def inputs(batch: int, steps: int, past: int) -> dict[str, Array]:
    """New places behind others, all of them in use."""
    shapes = {"q": (steps, 64), "k": (steps, 32), "v": (steps, 32), "keys": (2, past, 16), "values": (2, past, 16)}
    found = {name: floats(batch, *shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    return {**found, "m": np.ones((batch, past + steps), np.int64)}


@pytest.mark.parametrize(
    ("dims", "runs"),
    [
        ({"b": 1, "s": 4, "p": 0, "t": 4}, [(1, 4, 0)]),
        ({"b": 1, "s": Sizes(1, 4), "p": Sizes(0, 7), "t": Sizes(1, 11)}, [(1, 1, 0), (1, 4, 0), (1, 3, 4), (1, 4, 7)]),
        ({"b": Sizes(1, 3), "s": 1, "p": Sizes(0, 7), "t": Sizes(1, 8)}, [(1, 1, 0), (3, 1, 7), (2, 1, 4)]),
    ],
)
def test_sizes_of_any_range(dims: Mapping[str, int | Sizes], runs: list[tuple[int, int, int]], tmp_path: Path) -> None:
    path = decoder(tmp_path / "model.onnx")
    reference, oracle = Reference(import_onnx(path, dims=dims)), Oracle(path)
    for run in runs:
        given = inputs(*run)
        found = reference.run(given)
        for name, wanted in oracle.run(given).items():
            assert found[name].shape == wanted.shape
            np.testing.assert_allclose(found[name].astype(float), wanted.astype(float), 1e-4, 1e-5, err_msg=name)


def test_a_bundle_decodes_a_prompt_and_then_place_by_place(tmp_path: Path) -> None:
    """A bundle for all backends: none of them needs integers of 64 bits for lengths."""
    path = decoder(tmp_path / "model.onnx")
    dims = {"b": 1, "s": Sizes(1, 3), "p": Sizes(0, 5), "t": Sizes(1, 6)}
    manifest, files, _ = compile_module(import_onnx(path, dims=dims), BACKENDS, name="decoder")
    write_bundle(tmp_path / "bundle", manifest, files)
    oracle, past = Oracle(path), inputs(1, 3, 0)
    cache = {name: past[name] for name in ("keys", "values")}
    with Session(tmp_path / "bundle") as session:
        for steps in (3, 1, 1, 1):
            given = {**inputs(1, steps, cache["keys"].shape[2]), **cache}
            found = session.run(given)
            for name, wanted in oracle.run(given).items():
                assert found[name].shape == wanted.shape
                np.testing.assert_allclose(found[name].astype(float), wanted.astype(float), 1e-4, 1e-5, err_msg=name)
            cache = {name: found[f"{name}_now"] for name in cache}
