"""What `kernel-alternate-panels` does to a recurrent layer: odd steps go backwards, and results stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from helpers.recurrent_layers import Layer
from helpers.wasm import run_wasm
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.passes.kernel.scheduling.alternate_panels import KernelAlternatePanelsPass
from webdnn.passes.kernel.scheduling.share_loops import KernelShareLoopsPass
from webdnn.support.weights import Array
from webdnn.targets.pipelines import pipeline
from webdnn.targets.program import Program
from webdnn.targets.wasm.bundle import wasm_text
from webdnn.targets.wasm.memory import Memory
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.context import new_context
from webdnn.tools.pipeline import Checks, parse_passes, run_passes
from webdnn.universe import WEBDNN_UNIVERSE


def always(passes: Sequence[ModulePass]) -> Sequence[ModulePass]:
    """Alternate through the smallest weights too."""
    return [KernelAlternatePanelsPass(bytes=0) if isinstance(p, KernelAlternatePanelsPass) else p for p in passes]


def never(passes: Sequence[ModulePass]) -> Sequence[ModulePass]:
    return [p for p in passes if not isinstance(p, KernelAlternatePanelsPass)]


def noise(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return as_array(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


def layer(op: str, hidden: int) -> tuple[ModuleOp, list[Array]]:
    model, given = Layer(op, steps=5, batch=1, hidden=hidden, directions=2).model(
        noise, {"hidden_size": hidden, "direction": "bidirectional"}
    )
    return import_onnx(model), list(given.values())


def text_of(module: ModuleOp, variant: Variant) -> str:
    program = Program.of(module)
    return wasm_text(module, Memory.of(program, module), variant, new_context())


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[-1]], ids=lambda variant: variant.name)
@pytest.mark.parametrize(("op", "hidden"), [("LSTM", 37), ("GRU", 60), ("RNN", 101)])
def test_results_stay_the_same(op: str, hidden: int, variant: Variant) -> None:
    module, inputs = layer(op, hidden)
    expected = run_function(module, inputs)
    context = new_context()
    run_passes(context, module, parse_passes(pipeline("wasm"), WEBDNN_UNIVERSE.all_passes), Checks(verify=True))
    shared = KernelShareLoopsPass(chunks=4, nanoseconds=1)
    changed = replace(variant, rewrite=always, sharing=shared)
    assert text_of(module.clone(), changed) != text_of(module.clone(), replace(changed, rewrite=never))
    for found, like in zip(run_wasm(module, inputs, changed), expected, strict=True):
        np.testing.assert_allclose(found.astype(np.float64), like.astype(np.float64), rtol=1e-4, atol=1e-5)
