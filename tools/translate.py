"""`webdnn-translate`: between IR and what is not IR, models on one side and the code of targets on the other."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import StringIO
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from webdnn import __version__
from webdnn.dialects.dnn.weight_files import open_weights, save_weights, used_keys
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.verification import verify_module
from webdnn.tools.arguments import OneLineParser, add_model_options, model_options
from webdnn.tools.context import new_context
from webdnn.tools.emit import LANGUAGES, emit
from webdnn.tools.report import run_tool
from webdnn.tools.textual import parse_text

NAME = "webdnn-translate"

IMPORTERS = {"onnx": "webdnn.frontends.onnx.importer:import_onnx"}
"""Format → its importer, `(path, *, dims, constants, outputs) -> ModuleOp`; `--import-FORMAT` asks for it."""


def arguments() -> argparse.ArgumentParser:
    parser = OneLineParser(prog=NAME, description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("input", nargs="?", metavar="FILE.mlir", help="textual IR to start from, or a MODEL.onnx")
    for format in IMPORTERS:
        source.add_argument(f"--import-{format}", metavar="MODEL", help=f"the {format} model to start from")
    add_model_options(parser)
    parser.add_argument("--output", action="append", metavar="NAME", help="compute this value instead of all outputs")
    parser.add_argument("--emit", metavar="LANGUAGE", help=f"one of: {', '.join(LANGUAGES)}")
    parser.add_argument("-o", dest="target", metavar="FILE", help="where to write; weights go to FILE.safetensors")
    return parser


def imported(arguments: argparse.Namespace) -> ModuleOp:
    """The module that the command line starts from."""
    dims, constants = model_options(arguments)
    given: str | None = arguments.input
    for format, path in IMPORTERS.items():
        model: str | None = getattr(arguments, f"import_{format}")
        if model is None and given is not None and given.endswith(f".{format}"):
            model = given
        if model is not None:
            module = load(path)(Path(model), dims=dims, constants=constants, outputs=arguments.output)
            assert isinstance(module, ModuleOp)
            return module
    file = Path(arguments.input)
    module = parse_text(new_context(), file.read_text(encoding="utf-8"), str(file))
    open_weights(module, file.parent)
    return module


def load(path: str) -> Callable[..., object]:
    module, _, name = path.partition(":")
    found = getattr(import_module(module), name)
    assert callable(found), f"{path} is no function"
    return found


def printed(module: ModuleOp) -> str:
    """The module as text that keeps the names of the model's nodes."""
    text = StringIO()
    Printer(text, print_debuginfo=True).print_op(module)
    return text.getvalue() + "\n"


def translate(argv: Sequence[str] | None) -> int:
    given = arguments().parse_args(argv)
    if given.emit is not None and given.emit not in LANGUAGES:
        raise DiagnosticError(f"unknown language '{given.emit}'", hint=f"known are: {', '.join(LANGUAGES)}")
    module = imported(given)
    verify_module(module)
    target: str | None = given.target
    if given.emit is None and target is not None:
        save_weights(module, Path(target).with_suffix(".safetensors"))
    text = printed(module) if given.emit is None else emit(module, given.emit)
    if target is not None:
        Path(target).write_text(text, encoding="utf-8")
        return 0
    sys.stdout.write(text)
    if given.emit is None and used_keys(module):
        print(f"{NAME}: note: weights are written only with -o FILE", file=sys.stderr)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool and return its exit status."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return run_tool(NAME, lambda: translate(argv))


if __name__ == "__main__":
    sys.exit(main())
