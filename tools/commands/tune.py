"""`webdnn tune`: schedules of a model's kernels, or the built-in ones, from measurements in a browser."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from webdnn.passes.kernel.scheduling.file import Entry, Schedules
from webdnn.passes.kernel.scheduling.select_schedule import BUILTIN
from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.wasm.variants import VARIANTS
from webdnn.tools.arguments import add_model_options, model_options
from webdnn.tools.bench.machine import machine
from webdnn.tools.bench.report import BUSY
from webdnn.tools.bench.subject import FEATURES
from webdnn.tools.bench.table import Table, spell_number
from webdnn.tools.command import Command
from webdnn.tools.compiler import wasm_kernels
from webdnn.tools.context import new_context
from webdnn.tools.tune.builtin import measure_builtin
from webdnn.tools.tune.kernels import Candidate, worthwhile
from webdnn.tools.tune.search import Tuned, tuned
from webdnn.tools.tune.stopwatch import TUNING_FLAGS, Stopwatch

SECONDS = 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="*", metavar="MODEL.onnx")
    parser.add_argument("-o", dest="file", metavar="FILE", help="where faster schedules, or the table, are written")
    parser.add_argument("--budget", type=float, default=SECONDS, metavar="SECONDS", help=f"default: {SECONDS:.0f}")
    parser.add_argument("--features", choices=FEATURES, default="relaxed", help="simd: without relaxed SIMD")
    parser.add_argument("--builtin", action="store_true", help=f"measure the built-in choices anew ({BUILTIN.name})")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.builtin == bool(arguments.models) or not (arguments.file or arguments.builtin):
        hint = "write 'webdnn tune MODEL.onnx -o FILE', or 'webdnn tune --builtin'"
        raise DiagnosticError("models and a file are needed, or --builtin alone", hint=hint)
    if arguments.budget <= 0:
        raise DiagnosticError(f"--budget {arguments.budget}", hint="give it a few seconds or more")
    with Browser(flags=TUNING_FLAGS) as browser, TemporaryDirectory() as scratch:
        variant = next(v for v in VARIANTS if v.name == arguments.features)
        watch = Stopwatch(browser, variant, new_context(), Path(scratch))
        if (found := machine(browser, ["wasm"]))["load"] > BUSY * found["cores"]:
            tell(f"{found['load']:.1f} other processes ran on these cores when it began: times are not reliable")
        if arguments.builtin:
            path = Path(arguments.file or str(BUILTIN))
            return measure_builtin(watch, measured_on(browser), path, arguments.budget, tell)
        return tune_models(watch, arguments)


def tune_models(watch: Stopwatch, arguments: argparse.Namespace) -> int:
    """Search, print a table, and write what is faster."""
    path = Path(arguments.file)
    before = Schedules.read(path) if path.exists() else Schedules({})
    deadline = time.monotonic() + arguments.budget
    modules = [wasm_kernels(model, *model_options(arguments)) for model in arguments.models]
    kernels = worthwhile(watch, modules)
    found: dict[int, Tuned] = {}
    for i, candidate in enumerate(kernels):
        if time.monotonic() > deadline:
            tell(f"the budget is spent: {len(kernels) - i} of {len(kernels)} kernels were not tuned")
            break
        found[i] = tuned(watch, candidate.kernel, arguments.features)
        tell(f"{found[i].signature}: {spell_gain(found[i])}")
    print(*table([(kernels[i], it) for i, it in found.items()], arguments.features).text(), sep="\n")
    winners = [it for it in found.values() if it.adopted]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(with_winners(before, winners, arguments.features, measured_on(watch.browser)).text())
    print(f"{len(winners)} of {len(found)} kernels have a faster schedule: written to {path}")
    return 0


def with_winners(before: Schedules, winners: Sequence[Tuned], features: str, where: Mapping[str, str]) -> Schedules:
    """The schedules of a file, with new ones instead of those of the same kernels."""
    kernels = {name: dict(entries) for name, entries in before.kernels.items()}
    for it in winners:
        times = {"default": round(it.default, 5), "tuned": round(it.best, 5)}
        kernels.setdefault(it.signature, {})[features] = Entry(it.plan, times)
    return Schedules(kernels, where)


def measured_on(browser: Browser) -> dict[str, str]:
    """The machine, the browser and the date."""
    found = machine(browser, ["wasm"])
    return {
        "machine": f"{found['cpu']}, {found['system']}",
        "browser": f"Chromium {found['browser']}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def table(found: Sequence[tuple[Candidate, Tuned]], features: str) -> Table:
    """The kernels, and what was found for each."""
    heads = ["kernel", "launches", "tried", "default ms", "best ms", "gain", "schedule"]
    rows = [
        [
            *(it.signature, str(candidate.launches), str(it.tried), spell_number(it.default)),
            *(spell_number(it.best), spell_gain(it), str(it.plan.schedule) if it.adopted else ""),
        ]
        for candidate, it in found
    ]
    return Table(f"Milliseconds of one call of a kernel ({features})", heads, rows, range(1, 6))


def spell_gain(it: Tuned) -> str:
    return f"{it.gain:.1%}" if it.adopted else "none"


def tell(line: str) -> None:
    """Progress, which is no result."""
    print(line, file=sys.stderr, flush=True)


COMMAND = Command("measure schedules of a model's kernels, and keep those that are faster", add_arguments, run)
