"""`webdnn`: compile models, run them, serve them; one subcommand a file of `tools/commands/`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module

from webdnn import __version__
from webdnn.runner.python.error import SessionError
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.arguments import OneLineParser
from webdnn.tools.command import Command
from webdnn.tools.report import run_tool

NAME = "webdnn"

COMMANDS: dict[str, str] = {
    "ablate": "webdnn.tools.commands.ablate:COMMAND",
    "bench": "webdnn.tools.commands.bench:COMMAND",
    "compile": "webdnn.tools.commands.compile:COMMAND",
    "run": "webdnn.tools.commands.run:COMMAND",
    "serve": "webdnn.tools.commands.serve:COMMAND",
    "tune": "webdnn.tools.commands.tune:COMMAND",
    "view": "webdnn.tools.commands.view:COMMAND",
}
"""Subcommand → its `Command`; only the one that is asked for is loaded."""


def load(path: str) -> Command:
    module, _, name = path.partition(":")
    found = getattr(import_module(module), name)
    assert isinstance(found, Command), f"{path} is not a command"
    return found


def execute(argv: Sequence[str]) -> int:
    """Run the subcommand that the command line names. Raises DiagnosticError."""
    asked = argv[0] if argv else ""
    commands = {name: load(path) for name, path in COMMANDS.items() if asked == name or asked not in COMMANDS}
    parser = OneLineParser(prog=NAME, description="Compile trained neural networks for web pages.")
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in commands.items():
        command.add_arguments(choices.add_parser(name, help=command.help, description=command.help))
    arguments = parser.parse_args(argv)
    return commands[arguments.command].run(arguments)


def guarded(argv: Sequence[str]) -> int:
    """As `execute`, with the errors of the runner and of the file system as ours. Raises DiagnosticError."""
    try:
        return execute(argv)
    except SessionError as error:
        raise DiagnosticError(error.message, hint=error.hint) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "" if error.filename is None else str(error.filename)
        hint = "check that the path exists and may be read and written"
        raise DiagnosticError(error.strerror or str(error), where=where, hint=hint) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool and return its exit status."""
    # What is loaded by now stays, and IR is a web of cycles that lives to the end.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return run_tool(NAME, lambda: guarded(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
