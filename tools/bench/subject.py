"""A model under test: its bundle in a folder of its own, its inputs, and what onnxruntime computes from them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webdnn.frontends.onnx.inputs import Dims
from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.manifest import Manifest, Tensor
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import DTYPES, names_of_counts
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.manifest import MANIFEST_NAME
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.bench.results import Model
from webdnn.tools.commands.run import random_inputs
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

RELAXED = "relaxed-simd"
FEATURES = ("relaxed", "simd")
"""What `--features` takes: the best module of a bundle, or the best of those without relaxed SIMD."""


@dataclass(frozen=True)
class Settings:
    """How models are compiled and fed; `features` is one of FEATURES, `schedules` a file of them or nothing.

    `weights` is the format of weights.
    """

    backends: Sequence[str]
    dims: Dims
    constants: Mapping[str, Array]
    features: str
    seed: int = 0
    schedules: str = ""
    weights: str = "f32"


@dataclass(frozen=True)
class Subject:
    """What is served to a page, and what its answers are compared with.

    `model` is the ONNX file, not a link to it, and `expected` its outputs; both are None for a bundle, which then runs
    unchecked and without peers. `steps` says how far steps of quantization move outputs. `feeds` are the inputs of all
    engines, of which ours needs no constants.
    """

    name: str
    bundle: Path
    manifest: Manifest
    model: Path | None
    feeds: Mapping[str, Array]
    expected: Mapping[str, Array] | None
    steps: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def outputs(self) -> Sequence[Tensor]:
        """The model's own: not what counts elements of others."""
        outputs = self.manifest["outputs"]
        return [tensor for tensor in outputs if tensor["name"] not in names_of_counts(outputs)]

    def sizes(self) -> Model:
        """The memory of its wasm backend: all of it, the weights, what loading computes, and what runs share."""
        wasm = self.manifest["backends"].get("wasm")
        if wasm is None:
            return Model(name=self.name, refusal="", memory=0, weights=0, computed=0, arena=0)
        return Model(
            name=self.name,
            refusal="",
            memory=wasm["memoryBytes"],
            weights=sum(piece["bytes"] for piece in wasm["weights"]),
            computed=wasm["computedBytes"],
            arena=wasm["arenaBytes"],
        )


def prepare(path: Path, directory: Path, settings: Settings) -> Subject:
    """Compile a model, or copy a bundle, into a directory. Raises DiagnosticError and SessionError."""
    if path.is_dir():
        shutil.copytree(path, directory)
        model = None
    else:
        given = (settings.backends, settings.dims, settings.constants)
        manifest, files, _ = compile_model(path, *given, schedules=settings.schedules, weights=settings.weights)
        write_bundle(directory, manifest, files)
        model = path.resolve()
    if settings.features == "simd":
        drop_relaxed_modules(directory)
    manifest = open_bundle(directory).manifest
    inputs = random_inputs(Inputs.of(manifest), settings.seed)
    feeds = inputs if model is None else {**settings.constants, **inputs}
    if model is None:
        return Subject(path.stem, directory, manifest, model, feeds, None)
    oracle = Oracle(model)
    return Subject(path.stem, directory, manifest, model, feeds, oracle.run(feeds), oracle.steps(feeds))


def drop_relaxed_modules(directory: Path) -> None:
    """Leave a bundle the wasm modules that every engine with SIMD takes."""
    manifest = open_bundle(directory).manifest
    if wasm := manifest["backends"].get("wasm"):
        kept = [module for module in wasm["modules"] if RELAXED not in module["features"]]
        if not kept:
            hint = "leave --features out"
            raise DiagnosticError(f"every wasm module needs {RELAXED}", where=str(directory), hint=hint)
        wasm["modules"] = kept
    (directory / MANIFEST_NAME).write_text(json.dumps(manifest))


def type_name(array: Array) -> str:
    """The name of an array's element type."""
    return next(name for name, dtype in DTYPES.items() if dtype == array.dtype)
