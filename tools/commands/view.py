"""`webdnn view`: a model on its way through the compiler, as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.arguments import add_model_options, model_options
from webdnn.tools.backends import BACKENDS
from webdnn.tools.changes import SYNTAX, parse_changes
from webdnn.tools.command import Command
from webdnn.tools.summary import spell_bytes
from webdnn.tools.view.bundle import view_of_bundle
from webdnn.tools.view.model import view_of_model
from webdnn.tools.view.page import html


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="MODEL|DIR", help="MODEL.onnx, or a bundle, which tells less")
    parser.add_argument("-o", dest="page", required=True, metavar="PAGE.html", help="where the page is written")
    parser.add_argument("--target", choices=tuple(BACKENDS), help="whose passes and kernels (default: wasm)")
    parser.add_argument("--passes", default="", metavar="-RULE,+PASS@OTHER", help=f"after '--passes=': {SYNTAX}")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    path, target = Path(arguments.path), arguments.target
    changes = parse_changes(arguments.passes)
    if path.is_dir():
        if changes.made or arguments.dim or arguments.constant:
            hint = "leave all options but --target out"
            raise DiagnosticError("a bundle is compiled already", where=str(path), hint=hint)
        view = view_of_bundle(path, target)
    else:
        view = view_of_model(path, target or "wasm", *model_options(arguments), changes)
    page = Path(arguments.page)
    page.parent.mkdir(parents=True, exist_ok=True)
    size = page.write_text(html(view), encoding="utf-8")
    print(f"{len(view['steps'])} steps, {len(view['kernels'])} kernels, {spell_bytes(size)} written to {page}")
    return 0


COMMAND = Command("show a model on its way through the compiler, as a page", add_arguments, run)
