"""What an ablation comes to, as it stands in its JSON file; times are milliseconds, sizes bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.bench.results import Machine

FORMAT = "webdnn-ablation"
VERSION = 2

NOTHING, EVERYTHING = "nothing", "everything"
"""What is left out of the full build, and of the one without any rule."""

TWIN = "nothing, once more"
"""The full build that runs a second time in each page: what its time differs is noise."""

SHORTEST_SAMPLE = 20
"""Milliseconds of runs that make a sample: the first one finds the caches as the builds before it left them."""


class Build(TypedDict):
    """A build and the rule that it was made without.

    `same` says that it is the full build, byte by byte, and was not measured. `times` are what a run takes in each
    sample, `full` is the least of the full build in the same page, `start` the time from the first script to the first
    result. `moved` are the bytes that all launches of a run read and write, `seconds` those of the processor that the
    compiler took. `failure` says why it has no times.
    """

    without: str
    same: bool
    failure: str
    error: float
    times: list[float]
    full: float
    start: float
    kernels: int
    launches: int
    moved: int
    arena: int
    download: int
    seconds: float


class Model(TypedDict):
    """A model and its builds: the full one first, the one without any rule last.

    `noise` is by how much half of the instances of any one build are slower than its fastest at most, as a share: of so
    many builds one is always lucky.
    """

    name: str
    noise: float
    builds: list[Build]


class Ablation(TypedDict):
    """All that was measured."""

    format: Literal["webdnn-ablation"]
    version: int
    date: str
    rounds: int
    threads: int
    machine: Machine
    models: list[Model]


def fastest(build: Build) -> float | None:
    """The fastest run, None where there is none."""
    return min(build["times"], default=None)


def ratio(build: Build) -> float | None:
    """How many times as long as the full build one takes; None where it was not measured."""
    best = fastest(build)
    return best / build["full"] if best and build["full"] else None


def losses(model: Model) -> Iterator[Build]:
    """Builds that are faster than the full one by more than noise."""
    for build in model["builds"]:
        value = ratio(build)
        if value is not None and value < 1 - model["noise"]:
            yield build


def complaints(models: Sequence[Model]) -> Iterator[str]:
    """What went wrong, a line each."""
    for model in models:
        for build in model["builds"]:
            if build["failure"]:
                yield f"{model['name']}, without {build['without']}: {build['failure']}"


def write_ablation(found: Ablation, path: Path) -> None:
    """Write the JSON file."""
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def read_ablation(path: Path) -> Ablation:
    """Read the JSON file of an earlier ablation. Raises DiagnosticError where it is none."""
    hint = "name a file that 'webdnn ablate --json' has written"
    try:
        found: Ablation = json.loads(path.read_bytes())
    except ValueError as error:
        raise DiagnosticError(f"is not JSON: {error}", where=str(path), hint=hint) from error
    content: object = found
    match content:
        case {"format": "webdnn-ablation", "version": 2}:
            return found
        case _:
            raise DiagnosticError("is not the result of an ablation", where=str(path), hint=hint)
