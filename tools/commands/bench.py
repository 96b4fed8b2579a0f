"""`webdnn bench`: models on our backends and on other engines, in turn in one page of one browser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.manifest import MANIFEST_NAME
from webdnn.tools.arguments import add_model_options, add_weights_option, model_options
from webdnn.tools.backends import BACKENDS, backends_named
from webdnn.tools.bench import report
from webdnn.tools.bench.machine import machine
from webdnn.tools.bench.measure import Bench
from webdnn.tools.bench.peers import NOBODY, PEERS, check_packages, default_packages, peers_named
from webdnn.tools.bench.profile import profiled
from webdnn.tools.bench.results import (
    FORMAT,
    VERSION,
    Cell,
    Model,
    Results,
    complaints,
    minimum,
    ratio,
    read_results,
    spell_threads,
    write_results,
)
from webdnn.tools.bench.subject import FEATURES, Settings, Subject, prepare
from webdnn.tools.bench.table import spell_number
from webdnn.tools.bench.tables import verdict
from webdnn.tools.bench.trace import write_trace
from webdnn.tools.command import Command

JSON_SUFFIX = ".json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="MODEL.onnx, a bundle, or a folder of models; or RESULTS.json alone"
    )
    parser.add_argument("--backends", default="wasm", metavar="A,B", help=f"some of {','.join(BACKENDS)}")
    parser.add_argument(
        "--peers", default=",".join(PEERS), metavar="A,B", help=f"some of {','.join(PEERS)}, or {NOBODY}"
    )
    parser.add_argument("--threads", default="1", metavar="1,2", help="of wasm, each in a page of its own")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="timed samples of each engine")
    parser.add_argument("--features", choices=FEATURES, default="relaxed", help="simd: without relaxed SIMD")
    parser.add_argument("--schedules", metavar="FILE", default="", help="run kernels of wasm as the file says")
    parser.add_argument("--json", metavar="FILE", help="write the results")
    parser.add_argument("--markdown", metavar="FILE", help="write the results as a page")
    parser.add_argument("--profile", action="store_true", help="time the kernels of wasm too, on one thread")
    parser.add_argument("--trace", metavar="FILE", help="write one profiled run for chrome://tracing or Perfetto")
    parser.add_argument(
        "--peer-packages", metavar="DIR", help=f"where the npm packages of peers lie (default: {default_packages()})"
    )
    add_model_options(parser)
    add_weights_option(parser)


def run(arguments: argparse.Namespace) -> int:
    names: list[str] = arguments.models
    if any(name.endswith(JSON_SUFFIX) for name in names):
        if len(names) > 1:
            raise DiagnosticError("results are reported alone", hint=f"name one {JSON_SUFFIX} file, or models")
        results = read_results(Path(names[0]))
    else:
        results = measured(arguments)
    print(*report.text(results), sep="\n")
    if arguments.json:
        write_results(results, writable(arguments.json))
    if arguments.markdown:
        writable(arguments.markdown).write_text("\n".join(report.markdown(results)) + "\n")
    if arguments.trace:
        write_trace(results["profiles"], writable(arguments.trace))
    return 1 if any(fatal for _, fatal in complaints(results)) else 0


def writable(name: str) -> Path:
    """A path whose folder exists: after minutes of measuring, nobody wants to hear that it does not."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def measured(arguments: argparse.Namespace) -> Results:
    """Run the models. Raises DiagnosticError and SessionError."""
    backends = list(backends_named([name for name in arguments.backends.split(",") if name]))
    peers = peers_named(arguments.peers)
    packages = Path(arguments.peer_packages) if arguments.peer_packages else default_packages()
    folder = check_packages(peers, backends, packages)
    threads = thread_counts(arguments.threads)
    if arguments.rounds < 1:
        raise DiagnosticError(f"--rounds {arguments.rounds}", hint="take one round or more")
    paths = model_paths(arguments.models)
    given = (*model_options(arguments), arguments.features)
    settings = Settings(backends, *given, schedules=arguments.schedules, weights=arguments.weights)
    with Browser() as browser:
        browser.server.mount("/peers/", folder)
        results = Results(
            format=FORMAT,
            version=VERSION,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            rounds=arguments.rounds,
            features=arguments.features,
            machine=machine(browser, backends),
            models=[],
            cells=[],
            profiles=[],
        )
        bench = Bench(browser, peers, arguments.rounds)
        for path in paths:
            with TemporaryDirectory() as scratch:
                subject = prepared(path, Path(scratch), settings, results)
                if subject is None:
                    continue
                results["cells"] += timed(bench, subject, Path(scratch), backends, threads)
                if arguments.profile or arguments.trace:
                    results["profiles"].append(profiled(browser, subject, settings, Path(scratch)))
    return results


def prepared(path: Path, scratch: Path, settings: Settings, results: Results) -> Subject | None:
    """A model that is ready to run, noted in the results; None where it is refused, which the results say too."""
    try:
        subject = prepare(path, scratch / "bundle", settings)
    except DiagnosticError as error:
        tell(f"{path.stem}: refused: {error.what}")
        results["models"].append(Model(name=path.stem, refusal=error.what, memory=0, weights=0, computed=0, arena=0))
        return None
    results["models"].append(subject.sizes())
    return subject


def timed(bench: Bench, subject: Subject, place: Path, backends: Sequence[str], threads: Sequence[int]) -> list[Cell]:
    """A cell for each backend, and for each number of threads where a backend has threads."""
    found: list[Cell] = []
    for backend in backends:
        for count in threads if backend == "wasm" else (1,):
            cell = bench.cell(subject, backend, count, place)
            tell(f"{cell['model']}, {backend}, {spell_threads(count)}: {spell_cell(cell)}")
            found.append(cell)
    return found


def spell_cell(cell: Cell) -> str:
    """What was measured, in a line: milliseconds, and ratios to ours."""
    parts: list[str] = []
    for engine in cell["engines"]:
        value = ratio(cell, engine)
        compared = "" if value is None else f" ({spell_number(value)})"
        parts.append(f"{engine['name']} {verdict(engine) or spell_number(minimum(engine))}{compared}")
    return ", ".join(parts)


def thread_counts(text: str) -> list[int]:
    """The numbers of a list with commas. Raises DiagnosticError."""
    words = [word for word in text.split(",") if word]
    if not words or not all(word.isdecimal() and int(word) > 0 for word in words):
        raise DiagnosticError(f"--threads {text}", hint="write numbers from 1, as in --threads 1,2")
    return [int(word) for word in words]


def model_paths(names: Sequence[str]) -> list[Path]:
    """Models and bundles; a folder that is no bundle stands for the models in it. Raises DiagnosticError."""
    found: list[Path] = []
    for path in map(Path, names):
        if not path.exists():
            raise DiagnosticError("no such file or directory", where=str(path), hint="name a model or a bundle")
        if path.is_dir() and not (path / MANIFEST_NAME).is_file():
            inside = sorted(path.glob("*.onnx"))
            if not inside:
                hint = f"name a folder that holds {MANIFEST_NAME} or .onnx files"
                raise DiagnosticError("holds neither a bundle nor models", where=str(path), hint=hint)
            found += inside
        else:
            found.append(path)
    return found


def tell(line: str) -> None:
    """Progress, which is no result."""
    print(line, file=sys.stderr, flush=True)


COMMAND = Command("time models, and hold them against other engines", add_arguments, run)
