"""What a limit of memory costs: `python -m bench.limited MODEL.onnx=SIZE…` times wasm with it and without."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.turns import time_in_turn

from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.backends import UNLIMITED
from webdnn.tools.bench.subject import RELAXED, Settings, Subject, prepare
from webdnn.tools.bench.table import Table
from webdnn.tools.compiler import compile_model
from webdnn.tools.limits import limits_of
from webdnn.tools.report import run_tool
from webdnn.tools.summary import BackendSummary, spell_bytes

HEADING = "Within a limit"
METHOD = (
    "`python -m bench.limited MODEL.onnx=SIZE… --markdown docs/memory.md` writes this table. Milliseconds are the "
    "least of some runs on one thread in Chromium, of bundles without a limit and with `--memory-limit`, in turn. Done "
    "again are the multiply-adds that strips repeat."
)


@dataclass(frozen=True)
class Limited:
    """One model without a limit and with it: what a run holds, and milliseconds on one thread."""

    name: str
    limit: str
    held: tuple[BackendSummary, BackendSummary]
    times: tuple[float, float]

    @property
    def row(self) -> tuple[str, ...]:
        free, kept = self.held
        again = f"{kept.done_again or 0:.1%}"
        held = (spell_bytes(free.arena_bytes), self.limit, spell_bytes(kept.arena_bytes))
        slower = self.times[1] / self.times[0] - 1
        return (self.name, *held, again, *(f"{t:.1f}" for t in self.times), f"{slower:+.0%}")


def limited(browser: Browser, path: Path, limit: str, rounds: int) -> Limited:
    """Raises DiagnosticError where the limit cannot be kept."""
    with TemporaryDirectory() as folder:
        subjects: list[Subject] = []
        held: list[BackendSummary] = []
        for number, limits in enumerate((UNLIMITED, limits_of((), limit))):
            manifest, files, summary = compile_model(path, ["wasm"], limits=limits)
            write_bundle(bundle := Path(folder) / str(number), manifest, files)
            subjects.append(prepare(bundle, Path(folder) / f"{number}-served", Settings(["wasm"], {}, {}, RELAXED)))
            held += summary.backends
        free, kept = time_in_turn(browser, subjects, rounds, Path(folder))
    return Limited(path.stem, limit, (held[0], held[1]), (free.milliseconds, kept.milliseconds))


def table(found: Sequence[Limited]) -> Table:
    heads = ("model", "without", "limit", "held", "done again", "ms without", "ms with", "slower")
    return Table(HEADING, heads, [model.row for model in found], range(1, len(heads)), METHOD)


def page(before: str, found: Sequence[Limited]) -> Iterator[str]:
    """The page of `bench.memory` with the table at its end, in the place of an older one."""
    yield before.split(f"\n## {HEADING}\n")[0].rstrip("\n")
    yield ""
    yield from table(found).markdown()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.limited", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx=SIZE")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="timed runs of each bundle in each turn")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table at the end of a page")
    arguments = parser.parse_args()
    found: list[Limited] = []
    with Browser() as browser:
        for given in arguments.models:
            name, _, limit = given.rpartition("=")
            print(f"{name} …", file=sys.stderr)
            found.append(limited(browser, Path(name), limit, arguments.rounds))
    print(*table(found).text(), sep="\n")
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(page(arguments.markdown.read_text(), found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_tool("bench.limited", main))
