"""A lit format that forks every stage of a RUN line from one warm process instead of starting Python anew.

Starting `webdnn-opt` costs a quarter of a second, a fork a few milliseconds. A RUN line is forked when all
it does is pipe our tools into each other (`webdnn-opt … 2>&1 | filecheck …`, with `not` before any of them);
everything else is left to lit's own `ShTest`. The rules are those of `ShTest` with `pipefail`: a line fails
when any of its stages does.
"""

import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from io import TextIOWrapper
from pathlib import Path
from typing import IO, NoReturn

import lit.formats
import lit.Test
import lit.TestRunner
from lit.LitConfig import LitConfig
from lit.ShCommands import Command, Pipeline
from lit.ShUtil import ShParser

TOOLS = ("webdnn", "webdnn-opt", "webdnn-translate", "xdsl-opt", "filecheck")
"""The console scripts that are forked."""

STDERR_TO_PIPE = [((">&", 2), "1")]
"""How lit's parser gives back `2>&1`."""


@dataclass(frozen=True)
class Stage:
    """One tool of a pipeline: its arguments, where its errors go, and how it ought to end."""

    argv: tuple[str, ...]
    must_fail: bool
    stderr_to_pipe: bool

    def accepts(self, status: int) -> bool:
        """Whether the stage ended as it ought to; `not` does not excuse a tool that a signal killed."""
        return status > 0 if self.must_fail else status == 0


@dataclass(frozen=True)
class RunLine:
    """One RUN line that can be forked."""

    text: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Outcome:
    """What running a line came to."""

    line: RunLine
    statuses: tuple[int, ...]
    stdout: str
    stderr: str

    @property
    def passed(self) -> bool:
        """Whether every stage ended as it ought to."""
        return all(stage.accepts(status) for stage, status in zip(self.line.stages, self.statuses, strict=True))

    def __str__(self) -> str:
        ends = ", ".join(
            f"{stage.argv[0]} {status}" for stage, status in zip(self.line.stages, self.statuses, strict=True)
        )
        return f"RUN: {self.line.text}\nexit codes: {ends}\nstdout:\n{self.stdout}\nstderr:\n{self.stderr}"


class ZygoteTest(lit.formats.ShTest):
    """`ShTest`, faster for RUN lines that only pipe our own tools."""

    def __init__(self) -> None:
        super().__init__(execute_external=False)
        warm_up()

    def execute(self, test: lit.Test.Test, litConfig: LitConfig) -> lit.Test.Result:
        """Run a test: all of its lines by fork, or all of them by `ShTest`."""
        script = lit.TestRunner.parseIntegratedTestScript(test)
        if isinstance(script, lit.Test.Result):
            return script
        lines = plan(expand(test, script))
        if lines is None or test.config.unsupported or litConfig.noExecute:
            return super().execute(test, litConfig)
        directory = Path(test.getExecPath()).parent
        (directory / "Output").mkdir(parents=True, exist_ok=True)
        for line in lines:
            outcome = run(line, directory, litConfig.maxIndividualTestTime)
            if not outcome.passed:
                return lit.Test.Result(lit.Test.FAIL, str(outcome))
        return lit.Test.Result(lit.Test.PASS)


@cache
def warm_up() -> None:
    """Import what the forks will need; what cannot be imported says so in the tests that use it."""
    for name in TOOLS:
        with suppress(Exception):
            entry_point(name).load()
    from webdnn.universe import WEBDNN_UNIVERSE as ours

    factories: list[Callable[[], object]] = []
    for table in (ours.all_dialects, ours.all_passes, ours.all_targets):
        factories.extend(table.values())
    for factory in factories:
        with suppress(Exception):
            factory()


def entry_point(name: str) -> EntryPoint:
    """The installed console script of that name."""
    (found,) = entry_points(group="console_scripts", name=name)
    return found


def expand(test: lit.Test.Test, script: Sequence[object]) -> list[str]:
    """The RUN lines with `%s`, `%t` and the like filled in, and without lit's own marker of their place."""
    substitutions = lit.TestRunner.getDefaultSubstitutions(test, *lit.TestRunner.getTempPaths(test))
    features = dict.fromkeys(test.config.available_features, True)
    limit = test.config.recursiveExpansionLimit
    expanded = lit.TestRunner.applySubstitutions(script, substitutions, features, recursion_limit=limit)
    return [re.sub(r"^%dbg\([^)]*\)\s*", "", line) for line in expanded]


def plan(script: Sequence[str]) -> list[RunLine] | None:
    """The lines as pipelines of our tools, or None where one of them asks for more than that."""
    lines: list[RunLine] = []
    for text in script:
        try:
            parsed = ShParser(text, pipefail=True).parse()
        except ValueError:
            return None
        if not isinstance(parsed, Pipeline):
            return None
        stages = [_stage(command) for command in parsed.commands]
        if None in stages:
            return None
        lines.append(RunLine(text, tuple(stage for stage in stages if stage is not None)))
    return lines


def _stage(command: Command) -> Stage | None:
    argv = list(command.args)
    must_fail = False
    while argv and argv[0] == "not":
        must_fail = not must_fail
        del argv[0]
    plain = all(isinstance(argument, str) for argument in argv)
    if not argv or not plain or argv[0] not in TOOLS or command.redirects not in ([], STDERR_TO_PIPE):
        return None
    return Stage(tuple(argv), must_fail, bool(command.redirects))


def run(line: RunLine, directory: Path, seconds: int | None) -> Outcome:
    """Fork every stage, joined by pipes, and wait for all of them."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        processes: list[int] = []
        upstream = os.open(os.devnull, os.O_RDONLY)
        for position, stage in enumerate(line.stages):
            last = position + 1 == len(line.stages)
            reader, writer = (-1, os.dup(stdout.fileno())) if last else os.pipe()
            errors = writer if stage.stderr_to_pipe else stderr.fileno()
            processes.append(_fork(stage.argv, (upstream, writer, errors), directory, seconds))
            os.close(upstream)
            os.close(writer)
            upstream = reader
        statuses = tuple(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes)
        return Outcome(line, statuses, _text_of(stdout), _text_of(stderr))


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _fork(argv: tuple[str, ...], files: tuple[int, int, int], directory: Path, seconds: int | None) -> int:
    """Start a tool with these files as its standard input, output and error; returns the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        _become(argv, files, directory, seconds)
    return process


def _become(argv: tuple[str, ...], files: tuple[int, int, int], directory: Path, seconds: int | None) -> NoReturn:
    """Turn this forked process into a run of the tool. It must never return into lit."""
    status = 1
    try:
        for standard, file in enumerate(files):
            os.dup2(file, standard)
        os.closerange(3, max(files) + 1)
        sys.stdin, sys.stdout, sys.stderr = (
            TextIOWrapper(os.fdopen(standard, mode), encoding="utf-8", line_buffering=standard == 2)
            for standard, mode in enumerate(("rb", "wb", "wb"))
        )
        os.chdir(directory)
        signal.alarm(seconds or 0)
        sys.argv = list(argv)
        status = _status_of(entry_point(argv[0]).load())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _status_of(tool: Callable[[], int | None]) -> int:
    """Call a console script as its launcher does: `sys.exit(main())`."""
    try:
        return tool() or 0
    except SystemExit as exit:
        if exit.code is None or isinstance(exit.code, int):
            return exit.code or 0
        print(exit.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    return 1
