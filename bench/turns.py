"""Times several bundles of one model: pages of each in turn, so that what disturbs the machine disturbs all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webdnn.runner.python.chromium import Browser
from webdnn.tools.bench.measure import Bench
from webdnn.tools.bench.results import minimum
from webdnn.tools.bench.subject import Subject

TURNS = 3
"""Pages of each bundle."""


@dataclass(frozen=True)
class Timed:
    """A bundle's fastest run in milliseconds, its largest absolute error, and the bytes that a page fetched for it."""

    milliseconds: float
    error: float
    download: int


def time_in_turn(browser: Browser, subjects: Sequence[Subject], rounds: int, scratch: Path) -> list[Timed]:
    """Each on wasm and one thread; `scratch` is a folder for inputs. Raises DiagnosticError where a page dies."""
    bench = Bench(browser, {}, rounds)
    pages = [[bench.cell(subject, "wasm", 1, scratch)["engines"][0] for subject in subjects] for _ in range(TURNS)]
    found: list[Timed] = []
    for engines in zip(*pages, strict=True):
        times = [time for engine in engines if (time := minimum(engine)) is not None]
        errors = [engine["error"] or 0.0 for engine in engines]
        found.append(Timed(min(times), max(errors), engines[0]["download"]))
    return found
