"""A model whose input, output, weights and values exceed a device's limits, in pieces on every GPU backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from helpers.limited_devices import LimitedBrowser
from helpers.small_models import make_model, write_model
from webdnn.runner.python.chromium import Chromium
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Engine, Session
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.support.device import Limits
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.manifest import Manifest
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import UNLIMITED
from webdnn.tools.changes import UNCHANGED, parse_changes
from webdnn.tools.comparison import compare
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

MOST = 1024
"""Bytes of a binding, and of a texture."""

NODES: Sequence[NodeProto] = (
    helper.make_node("Conv", ["image", "w"], ["conv"], "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["conv"], ["wide"], "relu"),
    helper.make_node("MaxPool", ["wide"], ["small"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("ConvTranspose", ["small", "u"], ["up"], "up", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Concat", ["up", "wide"], ["both"], "join", axis=1),
    helper.make_node("Conv", ["both", "v"], ["mask"], "last", kernel_shape=[1, 1]),
    helper.make_node("Gather", ["table", "words"], ["rows"], "embed"),
    helper.make_node("MatMul", ["rows", "m"], ["scores"], "scores"),
    helper.make_node("Softmax", ["scores"], ["shares"], "shares"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    shapes = {"w": (8, 3, 3, 3), "u": (8, 4, 2, 2), "v": (6, 12, 1, 1), "table": (50, 12), "m": (12, 26)}
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    inputs, outputs = {"image": [1, 3, 10, 12], "words": [7]}, {"mask": [1, 6, 10, 12], "shares": [7, 26]}
    path = tmp_path_factory.mktemp("limits") / "model.onnx"
    made = make_model(NODES, inputs, outputs, weights)
    made.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
    return write_model(path, made)


def largest(manifest: Manifest) -> int:
    """Bytes of the largest binding or texture."""
    if (webgpu := manifest.backends.webgpu) is not None:
        return max(binding.size for dispatch in webgpu.dispatches for binding in dispatch.bindings)
    assert manifest.backends.webgl is not None
    return max(16 * texture.width * texture.height for texture in manifest.backends.webgl.textures)


@pytest.mark.parametrize("backend", ["webgpu", "webgl2", "webgl1"])
def test_pieces_compute_the_same(backend: str, model: Path, tmp_path: Path) -> None:
    # No device has textures as small as this, so there the pass is told, not the command.
    on_webgl = backend != "webgpu"
    target = "webgl" if on_webgl else backend
    limits = UNLIMITED if on_webgl else Limits(binding_bytes=MOST)
    changes = parse_changes(f"kernel-split-buffers{{bytes={MOST}}}") if on_webgl else UNCHANGED
    whole, _, _ = compile_model(model, [target])
    manifest, files, _ = compile_model(model, [target], limits=limits, changes=changes)
    assert largest(manifest) <= MOST < largest(whole)
    write_bundle(tmp_path / "bundle", manifest, files)
    generator = np.random.default_rng(1)
    image = generator.standard_normal((1, 3, 10, 12)).astype(np.float32)
    inputs = {"image": image, "words": np.array([0, 49, 21, 20, -1, 42, 30])}
    with LimitedBrowser(binding=MOST) as limited:
        engines: list[Engine] = [Chromium(backend, limited), *([] if on_webgl else [Wgpu()])]
        for engine in engines:
            with Session(tmp_path / "bundle", engine) as session:
                found = session.run(inputs)
            comparisons = {name: compare(found[name], expected) for name, expected in Oracle(model).run(inputs).items()}
            assert all(c.within for c in comparisons.values()), comparisons


@pytest.mark.parametrize(
    ("backend", "limits", "refusal"),
    [("webgpu", {"binding": MOST}, "this device allows less"), ("webgl2", {"texture": 8}, "needs textures of")],
)
def test_devices_that_allow_less_refuse_a_whole_model(
    backend: str, limits: dict[str, int], refusal: str, model: Path, tmp_path: Path
) -> None:
    manifest, files, _ = compile_model(model, ["webgl" if backend == "webgl2" else backend])
    write_bundle(tmp_path / "bundle", manifest, files)
    with LimitedBrowser(**limits) as limited, pytest.raises(SessionError, match=refusal):
        Session(tmp_path / "bundle", Chromium(backend, limited)).close()


def test_what_has_too_many_pieces_is_refused_by_name(tmp_path: Path) -> None:
    weights = {"m": np.ones((4096, 4), np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "m"], ["y"], "classifier")]
    path = write_model(tmp_path / "model.onnx", make_model(nodes, {"x": [1, 4096]}, {"y": [1, 4]}, weights))
    with pytest.raises(DiagnosticError) as caught:
        compile_model(path, ["webgpu"], limits=Limits(binding_bytes=4096))
    assert "classifier" in caught.value.where
    assert "buffers of at most 4096 bytes at a time, and 8 can be bound" in caught.value.what
    assert "--limit" in caught.value.hint
