"""`webdnn run`: run a bundle, or a model on the reference, and compare it with onnxruntime."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Protocol

import numpy as np

from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.manifest import Dimension, Tensor
from webdnn.runner.python.session import Session
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import DTYPES, names_of_counts
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.tools.arguments import add_model_options, arrays, model_options, pairs
from webdnn.tools.command import Command
from webdnn.tools.comparison import EXACT, compare
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

BACKENDS = ("wasm", "webgpu", "webgl", "webgl2", "webgl1", "js", "reference")
WGPU = ("wgpu", "wgpu:alone", "wgpu:together", "wgpu:subgroups")
ONLY_BACKEND = {"wasmtime": "wasm", **dict.fromkeys(WGPU, "webgpu")}
"""Engines of one backend, and which it is; chromium has them all"""

SHOWN_VALUES = 4


class Model(Protocol):
    """A model that is ready to run."""

    @property
    def inputs(self) -> Sequence[Tensor]: ...
    @property
    def dimensions(self) -> Sequence[Dimension]: ...
    @property
    def outputs(self) -> Sequence[Tensor]: ...
    @property
    def backend(self) -> str: ...
    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]: ...
    def close(self) -> None: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="a bundle; for the reference, a MODEL.onnx too")
    parser.add_argument("--backend", choices=BACKENDS, default="wasm", help="what computes (default: wasm)")
    parser.add_argument(
        "--engine",
        choices=("chromium", *ONLY_BACKEND),
        help="where it runs: chromium (the default but for wasm), wasmtime for wasm, wgpu for webgpu without a browser",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="how many wasm uses in chromium (default: the page's choice)"
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE.npy", help="an input; random where none is given"
    )
    parser.add_argument(
        "--size",
        action="append",
        default=[],
        metavar="N=1",
        help="how large random inputs are along a dimension of any size (default: as large as can be)",
    )
    parser.add_argument("--compare", metavar="MODEL.onnx", help="compare with what onnxruntime computes")
    parser.add_argument("--output", metavar="DIR", help="write each output as DIR/NAME.npy")
    parser.add_argument("--seed", type=int, default=0, help="of random inputs (default: 0)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run N times, and tell the times")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.repeat < 1:
        raise DiagnosticError(f"--repeat {arguments.repeat}", hint="repeat it once or more often")
    if arguments.threads is not None and arguments.threads < 1:
        raise DiagnosticError(f"--threads {arguments.threads}", hint="compute on one thread or more")
    given = arrays("--input", arguments.input)
    sizes = pairs("--size", arguments.size, int, hint="give a whole number, as in --size N=1")
    constants = model_options(arguments)[1]
    oracle = Oracle(Path(arguments.compare)) if arguments.compare else None
    model = opened(arguments)
    try:
        inputs = chosen_inputs(model, given, sizes, arguments.seed)
        outputs = timed(model, inputs, arguments.repeat)
    finally:
        model.close()
    for name, value in outputs.items():
        print(f"{name}: {value.dtype}{list(value.shape)} {spell(value)}")
    if arguments.output:
        save(outputs, Path(arguments.output))
    if oracle is None:
        return 0
    own = {name: value for name, value in outputs.items() if name not in names_of_counts(model.outputs)}
    feeds = {**constants, **inputs}
    return compared(own, oracle.run(feeds), weights_of(arguments), oracle.steps(feeds))


def weights_of(arguments: argparse.Namespace) -> str:
    """How the weights of what runs are stored; the reference has those of the model."""
    if arguments.backend == "reference":
        return EXACT
    return open_bundle(Path(arguments.directory)).manifest["weights"]


def opened(arguments: argparse.Namespace) -> Model:
    """The model on the engine that the command line names. Raises DiagnosticError and SessionError."""
    path, backend, engine = Path(arguments.directory), arguments.backend, arguments.engine
    threads: int | None = arguments.threads
    if threads is not None and (engine in ONLY_BACKEND or backend != "wasm"):
        raise DiagnosticError(
            "only wasm in chromium has threads", hint="leave --threads out, or --engine and --backend"
        )
    if engine in ONLY_BACKEND and backend != ONLY_BACKEND[engine]:
        hint = f"leave --engine out, or name --backend {ONLY_BACKEND[engine]}"
        raise DiagnosticError(f"{engine} has no backend '{backend}'", hint=hint)
    if not path.exists():
        raise DiagnosticError("no such file or directory", where=str(path), hint="compile a bundle first")
    if backend == "reference":
        return opened_reference(path, arguments)
    if path.is_file():
        hint = "compile it first, or run it as it is with --backend reference"
        raise DiagnosticError("is a file, not a bundle", where=str(path), hint=hint)
    if engine in ONLY_BACKEND:
        return Session(path, engine)
    if backend == "wasm" and engine is None and threads is None:
        return Session(path, "wasmtime")
    from webdnn.runner.python.chromium import Chromium  # Playwright takes long to import

    return Session(path, Chromium(backend, threads=threads))


def opened_reference(path: Path, arguments: argparse.Namespace) -> Model:
    dims, constants = model_options(arguments)
    if path.is_file():
        return Reference.of(path, dims, constants)
    if not arguments.compare:
        hint = "name the model in the directory's place, or name it with --compare"
        raise DiagnosticError("the reference computes a model, not a bundle", where=str(path), hint=hint)
    return Session(path, Reference.of(Path(arguments.compare), dims, constants))


def chosen_inputs(model: Model, given: Mapping[str, Array], sizes: Mapping[str, int], seed: int) -> dict[str, Array]:
    """The given inputs, and random ones as large as they are, or as is said. Raises DiagnosticError."""
    names = [dimension["name"] for dimension in model.dimensions]
    for name in sizes:
        if name not in names:
            listing = ", ".join(names) or "none: compile it with --dim N=1..8"
            raise DiagnosticError(
                f"--size {name}: there is no such dimension", hint=f"those of any size are: {listing}"
            )
    known = dict(sizes)
    for tensor in model.inputs:
        if tensor["name"] in given and given[tensor["name"]].ndim == len(tensor["shape"]):
            for size in tensor.get("sizes", ()):
                known.setdefault(names[size["dimension"]], given[tensor["name"]].shape[size["axis"]])
    return {**random_inputs(Inputs(model.inputs, model.dimensions), seed, known), **given}


def random_inputs(inputs: Inputs, seed: int, sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
    """Numbers of a standard normal distribution; integers and booleans are 0 or 1, which are indices too.

    Inputs are as large as can be along dimensions of which `sizes` says nothing.
    """
    generator = np.random.default_rng(seed)
    return {t["name"]: random_input(t["type"], inputs.shape(t, sizes or {}), generator) for t in inputs.own}


def random_input(element: str, shape: Sequence[int], generator: np.random.Generator) -> Array:
    dtype = DTYPES[element]
    if element == "bf16":
        # The upper half of a float's bits.
        bits = generator.standard_normal(shape, np.float32).view(np.uint32)
        return (bits >> 16).astype(dtype)
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)


def timed(model: Model, inputs: Mapping[str, Array], repeat: int) -> dict[str, Array]:
    """The outputs of the last run; prints how long the runs took."""
    times: list[float] = []
    outputs: dict[str, Array] = {}
    for _ in range(repeat):
        started = time.perf_counter()
        outputs = model.run(inputs)
        times.append((time.perf_counter() - started) * 1e3)
    more = f", best {min(times):.2f} ms, median {median(times):.2f} ms of {repeat}" if repeat > 1 else ""
    print(f"{model.backend}: first run {times[0]:.2f} ms{more}")
    return outputs


def spell(value: Array) -> str:
    """The first few elements."""
    shown = ", ".join(f"{x:.6g}" for x in value.reshape(-1)[:SHOWN_VALUES].astype(np.float64))
    return f"[{shown}{', …' if value.size > SHOWN_VALUES else ''}]"


def save(outputs: Mapping[str, Array], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for i, (name, value) in enumerate(outputs.items()):
        portable = re.sub(r"[^\w.-]", "_", name).lstrip(".") or f"output{i}"
        np.save(directory / f"{portable}.npy", value)


def compared(
    outputs: Mapping[str, Array], expected: Mapping[str, Array], weights: str, steps: Mapping[str, float]
) -> int:
    """Print how far each output is from what is expected; the exit status says whether all are close enough."""
    if missing := [name for name in outputs if name not in expected]:
        hint = "name the model that the bundle was compiled from"
        raise DiagnosticError(f"the model given to --compare has no output '{missing[0]}'", hint=hint)
    comparisons = {
        name: compare(value, expected[name], weights, steps.get(name, 0.0)) for name, value in outputs.items()
    }
    for name, comparison in comparisons.items():
        print(f"{name}: {comparison}")
    return 0 if all(comparison.within for comparison in comparisons.values()) else 1


COMMAND = Command("run a bundle, and compare it with onnxruntime", add_arguments, run)
