"""`webdnn compile`: from an ONNX model to a bundle."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from webdnn.passes.kernel.scheduling.file import Schedules
from webdnn.passes.kernel.scheduling.select_schedule import schedules_of
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.arguments import add_model_options, add_weights_option, model_options
from webdnn.tools.backends import ACCURACIES, BACKENDS, Backend, backends_named
from webdnn.tools.changes import SYNTAX, Changes, parse_changes
from webdnn.tools.command import Command
from webdnn.tools.compiler import compile_model, wasm_kernels
from webdnn.tools.limits import add_limit_option, add_memory_option, limits_of

STANDARD_OUTPUT = "-"


@dataclass
class ProgressLine:
    """Progress on a stream: one line that is rewritten on a terminal, else a line for each stage."""

    stream: IO[str]
    stage: str = ""

    def report(self, stage: str, step: str) -> None:
        """Show a step."""
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[K{stage}: {step}")
        elif stage != self.stage:
            self.stream.write(f"{stage} …\n")
        self.stage = stage
        self.stream.flush()

    def clear(self) -> None:
        """Leave no half of a line behind."""
        if self.stage and self.stream.isatty():
            self.stream.write("\r\x1b[K")
            self.stream.flush()


@dataclass
class StepTimes:
    """How long each step of a compilation takes, while its progress goes on to a line."""

    line: ProgressLine
    seconds: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    begun: tuple[str, str] | None = None
    since: float = 0.0

    def report(self, stage: str, step: str) -> None:
        """A step begins, and the one before it has ended."""
        self.end()
        self.begun, self.since = (stage, step), time.perf_counter()
        self.line.report(stage, step)

    def end(self) -> None:
        """The last step has ended."""
        if self.begun:
            self.seconds[self.begun] = self.seconds.get(self.begun, 0.0) + time.perf_counter() - self.since
        self.begun = None

    def lines(self) -> Iterator[str]:
        """A table of stages and their steps, in order."""
        for stage in dict.fromkeys(stage for stage, _ in self.seconds):
            steps = {step: seconds for (of, step), seconds in self.seconds.items() if of == stage}
            yield f"{sum(steps.values()):9.3f} s  {stage}"
            yield from (f"{seconds:9.3f} s    {step}" for step, seconds in steps.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL.onnx")
    parser.add_argument("-o", dest="directory", metavar="DIR", help="where the bundle is written")
    everything = ",".join(BACKENDS)
    parser.add_argument("--targets", default=everything, metavar="A,B", help=f"some of {everything} (default: all)")
    add_model_options(parser)
    parser.add_argument(
        "--accuracy",
        choices=tuple(ACCURACIES),
        default="normal",
        help="how convolutions may be computed: as sums in the order of their definition (exact), by small tiles of "
        "Winograd's too, whose errors are as small (high), or by larger ones, a few times larger (normal, the default)",
    )
    add_weights_option(parser)
    add_limit_option(parser)
    add_memory_option(parser)
    parser.add_argument("--schedules", metavar="FILE", default="", help="run kernels of wasm as the file says")
    parser.add_argument(
        "--print-schedules",
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="write the schedules of the model's kernels on wasm, as --schedules takes them, and stop",
    )
    parser.add_argument("--passes", default="", metavar="-RULE,+PASS@OTHER", help=f"after '--passes=': {SYNTAX}")
    parser.add_argument("--time-passes", action="store_true", help="print how long each stage and its passes take")
    parser.add_argument(
        "--print-pipeline", action="store_true", help="print the passes of each target for webdnn-opt, and stop"
    )


def run(arguments: argparse.Namespace) -> int:
    targets: list[str] = [name for name in arguments.targets.split(",") if name]
    changes, limits = parse_changes(arguments.passes), limits_of(arguments.limit, arguments.memory_limit)
    if arguments.print_pipeline:
        return print_pipelines(backends_named(targets, arguments.accuracy, changes, limits), arguments.weights)
    if arguments.model and arguments.print_schedules:
        return print_schedules(arguments, changes)
    if arguments.model is None or arguments.directory is None:
        raise DiagnosticError(
            "a model and a directory are needed", hint="write 'webdnn compile MODEL.onnx -o DIR'; --help lists the rest"
        )
    dims, constants = model_options(arguments)
    if arguments.schedules:
        if "wasm" not in targets:
            raise DiagnosticError("--schedules is for kernels of wasm", hint="add wasm to --targets")
        Schedules.read(Path(arguments.schedules))  # what is wrong with it should not take a compilation to hear
    line = ProgressLine(sys.stderr)
    times = StepTimes(line)
    try:
        manifest, files, summary = compile_model(
            Path(arguments.model),
            targets,
            dims,
            constants,
            times.report,
            arguments.accuracy,
            schedules=arguments.schedules,
            changes=changes,
            weights=arguments.weights,
            limits=limits,
        )
        write_bundle(Path(arguments.directory), manifest, files)
    finally:
        line.clear()
    times.end()
    if arguments.time_passes:
        print(*times.lines(), sep="\n")
    print(*summary.lines(), f"written to {arguments.directory}", sep="\n")
    return 0


def print_pipelines(backends: Mapping[str, Backend], weights: str) -> int:
    for name, backend in backends.items():
        for language in backend.languages:
            print(f"# {name}, {language}", backend.pipeline(language, weights), sep="\n")
    return 0


def print_schedules(arguments: argparse.Namespace, changes: Changes) -> int:
    """Write the schedules that a model's kernels get."""
    path, (dims, constants) = Path(arguments.model), model_options(arguments)
    module = wasm_kernels(path, dims, constants, arguments.accuracy, arguments.weights, changes)
    text = schedules_of(module, arguments.schedules).text()
    if arguments.print_schedules == STANDARD_OUTPUT:
        print(text, end="")
    else:
        Path(arguments.print_schedules).write_text(text)
    return 0


COMMAND = Command("compile an ONNX model to a bundle", add_arguments, run)
