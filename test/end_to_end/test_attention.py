"""Attention is one kernel on GPUs, and gives what the reference does, NaN included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.attentions import Attention
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module

FORMS = {
    "plain": Attention(),
    "ragged": Attention(heads=3, rows=7, keys=13, depth=5, width=6),
    "two keys": Attention(heads=1, keys=2, depth=1, width=1),
    "wide": Attention(rows=3, keys=20, depth=48, width=64),
    "rows in registers": Attention(rows=4, keys=12, depth=32, width=32, scaled=True),
    "added mask": Attention(mask="added", scaled=True),
    "causal": Attention(rows=8, keys=8, mask="causal"),
    "masked by a bool": Attention(rows=6, keys=12, mask="bool", scaled=True),
    "a row without keys": Attention(rows=4, keys=8, mask="all"),
    "grouped heads": Attention(heads=4, groups=2, keys=9, width=8),
    "half floats": Attention(half=True, width=8),
    "an infinite score": Attention(infinite=True),
}


ONE_KEY = Attention(keys=1)
"""Its softmax is 1 before there are kernels."""


def random_form(seed: int) -> Attention:
    """Any form of any size."""
    generator = np.random.default_rng(seed)
    groups = int(generator.integers(1, 3))
    rows, keys, depth, width = (int(n) for n in generator.integers(1, 14, 4))
    mask = str(generator.choice(["", "added", "causal", "bool", "all"]))
    heads = groups * int(generator.integers(1, 3))
    return Attention(heads, groups, rows, keys, depth, width, mask, bool(seed % 2), seed % 3 == 0)


RANDOM = {f"random {seed}": random_form(seed) for seed in range(4)}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_attention_is_one_kernel(form: Attention) -> None:
    manifest, _, _ = compile_module(import_onnx(form.model()), ["webgpu", "webgl"], name="attention")
    gpu, gl = manifest.backends.webgpu, manifest.backends.webgl
    assert gpu is not None
    assert gl is not None
    assert [pipeline.entry for pipeline in gpu.pipelines] == ["k_fold0"]
    assert (len(gpu.dispatches), len(gl.draws)) == (1, 1)


@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1"])
@pytest.mark.parametrize("form", [*FORMS.values(), ONE_KEY, *RANDOM.values()], ids=[*FORMS, "one key", *RANDOM])
def test_attention(form: Attention, backend: str, browser: Browser, tmp_path: Path) -> None:
    model, inputs = form.model(), form.inputs()
    module = import_onnx(model)
    (expected,) = run_function(module, list(inputs.values()))
    manifest, files, _ = compile_module(module, ["webgpu" if backend == "webgpu" else "webgl"], name="attention")
    write_bundle(tmp_path, manifest, files)
    with Session(tmp_path, Chromium(backend, browser)) as session:
        found = as_array(session.run(inputs)["y"])
    tolerance = 1e-2 if form.half else 1e-5
    np.testing.assert_allclose(found, as_array(expected), tolerance, tolerance)
