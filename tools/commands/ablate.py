"""`webdnn ablate`: what each optimisation gains, measured by leaving it out."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path

from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.ablation import report
from webdnn.tools.ablation.chart import svg
from webdnn.tools.ablation.measure import Laboratory
from webdnn.tools.ablation.page import html
from webdnn.tools.ablation.results import FORMAT, VERSION, Ablation, complaints, read_ablation, write_ablation
from webdnn.tools.arguments import add_model_options, model_options
from webdnn.tools.bench.machine import machine
from webdnn.tools.command import Command
from webdnn.tools.commands.bench import JSON_SUFFIX, model_paths, tell, writable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="MODEL.onnx, or a folder of models; or RESULTS.json alone"
    )
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="timed samples of each build, at most")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="that compute (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="write the results")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables as a page")
    parser.add_argument("--svg", metavar="FILE", help="write the chart")
    parser.add_argument("--html", metavar="FILE", help="write the chart and the tables as one page")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    names: list[str] = arguments.models
    if any(name.endswith(JSON_SUFFIX) for name in names):
        if len(names) > 1:
            raise DiagnosticError("results are reported alone", hint=f"name one {JSON_SUFFIX} file, or models")
        found = read_ablation(Path(names[0]))
    else:
        found = ablated(arguments)
    print(*report.text(found), sep="\n")
    if arguments.json:
        write_ablation(found, writable(arguments.json))
    if arguments.markdown:
        page = writable(arguments.markdown)
        chart = Path(relpath(arguments.svg, page.parent)).as_posix() if arguments.svg else None
        page.write_text("\n".join(report.markdown(found, chart)) + "\n")
    if arguments.svg:
        writable(arguments.svg).write_text(svg(found))
    if arguments.html:
        writable(arguments.html).write_text(html(found))
    return 1 if any(complaints(found["models"])) else 0


def ablated(arguments: argparse.Namespace) -> Ablation:
    """Build and measure the models. Raises DiagnosticError and SessionError."""
    for name in ("rounds", "threads"):
        if getattr(arguments, name) < 1:
            raise DiagnosticError(f"--{name} {getattr(arguments, name)}", hint="take one or more")
    paths = model_paths(arguments.models)
    for path in paths:
        if path.is_dir():
            raise DiagnosticError("a bundle has its rules applied", where=str(path), hint="name a model")
    dims, constants = model_options(arguments)
    with Browser() as browser:
        found = Ablation(
            format=FORMAT,
            version=VERSION,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            rounds=arguments.rounds,
            threads=arguments.threads,
            machine=machine(browser, ["wasm"]),
            models=[],
        )
        laboratory = Laboratory(browser, arguments.threads, arguments.rounds, tell)
        found["models"] = [laboratory.model(path, dims, constants) for path in paths]
    return found


COMMAND = Command("measure what each optimisation gains, by leaving it out", add_arguments, run)
