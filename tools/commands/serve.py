"""`webdnn serve`: a bundle on localhost, with a page that runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.server import Server
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.command import Command

WEB_RUNNER = Path(__file__).parents[2] / "runner" / "web"
LAST_PORT = 65535
PAGE = Path(__file__).parents[1] / "pages" / "serve"


def start(directory: Path, port: int) -> Server:
    """Serve the directory if it has a page of its own, else a page of ours that runs the bundle in it."""
    if (directory / "index.html").is_file():
        return Server({"/": directory}, port)
    open_bundle(directory)
    return Server({"/": PAGE, "/model/": directory, "/runner/": WEB_RUNNER}, port)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="a bundle, or a folder that holds a page")
    parser.add_argument("--port", type=int, default=8000, help="on this machine; 0 takes a free one (default: 8000)")


def run(arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.port <= LAST_PORT:
        raise DiagnosticError(f"port {arguments.port} does not exist", hint=f"name one up to {LAST_PORT}, or 0")
    with start(Path(arguments.directory), arguments.port) as server:
        print(f"{server.url} serves {arguments.directory}; stop with Ctrl-C", flush=True)
        server.wait()
    return 0


COMMAND = Command("serve a bundle on localhost, with a page that runs it", add_arguments, run)
