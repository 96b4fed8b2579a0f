"""What weights of fewer bits cost: `python -m bench.compressed MODEL.onnx…` writes docs/weights.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench.turns import Timed, time_in_turn

from webdnn.runner.python.chromium import Browser
from webdnn.tools.bench.subject import RELAXED, Settings, prepare
from webdnn.tools.bench.table import Table
from webdnn.tools.report import run_tool
from webdnn.tools.summary import spell_bytes

FORMATS = ("f32", "f16", "q8", "q4")

METHOD = (
    "`python -m bench.compressed MODEL.onnx… --markdown docs/weights.md` writes this page. A bundle for wasm is made "
    "with each `--weights`, and all run in turn on one thread in Chromium; milliseconds are the least of some runs. "
    "Weights are what the model's bundle holds of them, a download is all that the page fetched, the runner included. "
    "Errors are the largest of any output against onnxruntime with the weights as they were, for one random input, "
    "beside the largest number of the outputs."
)


@dataclass(frozen=True)
class Compressed:
    """One model in one format, beside the same model in the first one: bytes of weights, and the runs."""

    name: str
    weights: str
    stored: tuple[int, int]
    timed: tuple[Timed, Timed]
    largest: float

    @property
    def row(self) -> tuple[str, ...]:
        (plain, stored), (before, after) = self.stored, self.timed
        share = f"{after.download / before.download:.1%}"
        speed = f"{before.milliseconds / after.milliseconds:.2f}"
        error = f"{after.error:.1e}"
        sizes = (spell_bytes(stored), f"{stored / plain:.1%}", spell_bytes(after.download), share)
        return (self.name, self.weights, *sizes, error, f"{self.largest:.1e}", f"{after.milliseconds:.2f}", speed)


def compressed(browser: Browser, path: Path, rounds: int) -> list[Compressed]:
    """Raises DiagnosticError where the model cannot be compiled."""
    with TemporaryDirectory() as folder:
        made = [Settings(["wasm"], {}, {}, RELAXED, weights=weights) for weights in FORMATS]
        subjects = [prepare(path, Path(folder) / settings.weights, settings) for settings in made]
        timed = time_in_turn(browser, subjects, rounds, Path(folder))
        expected = subjects[0].expected or {}
        largest = max(float(np.abs(array).max()) for array in expected.values())
        stored = [subject.sizes()["weights"] for subject in subjects]
        found = zip(FORMATS, stored, timed, strict=True)
        return [Compressed(path.stem, w, (stored[0], s), (timed[0], t), largest) for w, s, t in found]


def table(found: Sequence[Compressed]) -> Table:
    heads = ("model", "weights", "stored", "of f32", "download", "of f32", "error", "outputs", "ms", "speed of f32")
    return Table("Bytes, errors and speed", heads, [model.row for model in found], range(2, len(heads)), METHOD)


def page(found: Sequence[Compressed]) -> Iterator[str]:
    yield from ("# What weights of fewer bits cost", "")
    yield from table(found).markdown()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.compressed", description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="timed runs of each bundle in each turn")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page")
    arguments = parser.parse_args()
    found: list[Compressed] = []
    with Browser() as browser:
        for path in arguments.models:
            print(f"{path.stem} …", file=sys.stderr)
            found += compressed(browser, path, arguments.rounds)
    print(*table(found).text(), sep="\n")
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(page(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_tool("bench.compressed", main))
