"""What a bench comes to, as it stands in its JSON file; times are milliseconds, sizes bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Literal, TypedDict

from webdnn.support.diagnostic import DiagnosticError

OURS = "webdnn"
FORMAT = "webdnn-bench"
VERSION = 2

GPU_BACKENDS = ("webgpu", "webgl")


class Machine(TypedDict):
    """Where it ran; `gpu` is empty where no backend used one, `load` is how many processes ran when it began."""

    cpu: str
    cores: int
    load: float
    system: str
    browser: str
    gpu: str
    software: bool


class Engine(TypedDict):
    """An engine on a model: `times` are of single runs, `error` the largest, None where nothing was compared.

    `load` is everything from the first script to a session, `first` the run after it; `download` is what was fetched
    for them, `code` the part of it that is no weights, compressed; `memory` that of WebAssembly.
    """

    name: str
    version: str
    failure: str
    load: float
    first: float
    times: list[float]
    error: float | None
    within: bool
    download: int
    code: int
    memory: int


class Cell(TypedDict):
    """Engines that ran in turn in one page."""

    model: str
    backend: str
    threads: int
    engines: list[Engine]


class Model(TypedDict):
    """A bundle, and what stood in its way if it could not be compiled.

    `memory` is that of the wasm backend: it holds those of its `weights` that runs read, what is `computed` when the
    model is loaded, and the `arena` of a run.
    """

    name: str
    refusal: str
    memory: int
    weights: int
    computed: int
    arena: int


class Launch(TypedDict):
    """One call of a kernel: the ONNX nodes it comes from, and its milliseconds."""

    kernel: str
    nodes: str
    time: float


class Kernel(TypedDict):
    """A kernel: what one launch of it computes and moves, and the bytes of its code."""

    name: str
    shape: str
    flops: int
    bytes: int
    code: int


class Profile(TypedDict):
    """The launches of a run on one thread, and the most operations a second that the engine reaches.

    `stamps` say when the launches of one typical run began, and when the last of them ended.
    """

    model: str
    module: str
    peak: float
    within: bool
    kernels: list[Kernel]
    launches: list[Launch]
    stamps: list[float]


class Results(TypedDict):
    """All that a bench measured."""

    format: Literal["webdnn-bench"]
    version: int
    date: str
    rounds: int
    features: str
    machine: Machine
    models: list[Model]
    cells: list[Cell]
    profiles: list[Profile]


def minimum(engine: Engine) -> float | None:
    """The fastest run, None where there is none."""
    return min(engine["times"], default=None)


def middle(engine: Engine) -> float | None:
    """The median run, None where there is none."""
    return median(engine["times"]) if engine["times"] else None


def ours(cell: Cell) -> Engine | None:
    """Our engine in a cell."""
    return next((engine for engine in cell["engines"] if engine["name"] == OURS), None)


def ratio(cell: Cell, engine: Engine) -> float | None:
    """How many times as long as ours the fastest run of a peer takes; None where either computes nothing right."""
    mine = ours(cell)
    if mine is None or engine["name"] == OURS or not all(is_right(it) for it in (mine, engine)):
        return None
    best, peer = minimum(mine), minimum(engine)
    return peer / best if best and peer else None


def is_right(engine: Engine) -> bool:
    return engine["within"] and not engine["failure"]


def complaints(results: Results) -> Iterator[tuple[str, bool]]:
    """What went wrong, a line each, and whether the command fails for it: not where a peer cannot run a model."""
    for model in results["models"]:
        if model["refusal"]:
            yield f"{model['name']}: refused: {model['refusal']}", True
    for cell in results["cells"]:
        where = f"{cell['model']}, {cell['backend']}, {spell_threads(cell['threads'])}"
        for engine in cell["engines"]:
            if engine["failure"]:
                yield f"{where}: {engine['name']} failed: {engine['failure']}", engine["name"] == OURS
            elif not engine["within"]:
                yield f"{where}: WRONG RESULT of {engine['name']}: largest error {engine['error']:.3g}", True
    for profile in results["profiles"]:
        if not profile["within"]:
            yield f"{profile['model']}: WRONG RESULT of the profiled module", True


def spell_threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def write_results(results: Results, path: Path) -> None:
    """Write the JSON file."""
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read_results(path: Path) -> Results:
    """Read the JSON file of an earlier bench. Raises DiagnosticError where it is none."""
    hint = "name a file that 'webdnn bench --json' has written"
    try:
        found: Results = json.loads(path.read_bytes())
    except ValueError as error:
        raise DiagnosticError(f"is not JSON: {error}", where=str(path), hint=hint) from error
    content: object = found
    match content:
        case {"format": "webdnn-bench", "version": version} if version == VERSION:
            return found
        case _:
            raise DiagnosticError("is not the result of a bench", where=str(path), hint=hint)
