"""`webdnn-opt`: run passes on textual IR and print the result, or hand it to a target."""

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe
from xdsl.utils.arg_spec import parse_spec
from xdsl.utils.exceptions import DiagnosticException, ParseError, ShrinkException
from xdsl.xdsl_opt_main import xDSLOptMain

from webdnn import __version__
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.pipeline import Checks, from_spec, nearest, parse_passes, run_passes
from webdnn.tools.report import complaints, print_error, run_tool
from webdnn.tools.textual import parse_text, split_cases

NAME = "webdnn-opt"

BINARY_INPUTS = {".onnx": "'webdnn-translate --import-onnx' turns an ONNX model into IR"}
"""Files that people hand to this tool though they hold no IR, and what to do instead."""


@dataclass(frozen=True)
class Weights:
    """The weight files of modules, whose code is loaded only for modules that refer to weights."""

    open: Callable[[ModuleOp, Path], None]
    save: Callable[[ModuleOp, Path], None]

    @classmethod
    def of(cls, module: ModuleOp) -> "Weights | None":
        """None for a module without weights."""
        used = (a for op in module.walk() for a in (*op.properties.values(), *op.attributes.values()))
        if WeightAttr.MODULE_ATTRIBUTE not in module.attributes and not any(isinstance(a, WeightAttr) for a in used):
            return None
        from webdnn.dialects.dnn.weight_files import open_weights, save_weights

        return cls(open_weights, save_weights)


class _OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one line and a hint, no page of usage."""

    def error(self, message: str) -> NoReturn:
        raise DiagnosticError(message, hint=f"'{NAME} --help' lists the options")


class WebDnnOptMain(xDSLOptMain):
    """The driver of xDSL with MLIR's spelling of pipelines, stricter checks, and errors for people."""

    version_format = f"{NAME} {__version__}, built on xDSL {{xdsl_version}}"

    def __init__(self, args: Sequence[str] | None = None) -> None:
        # Not `super().__init__`: it makes a parser whose errors are a page long and exit at once.
        self.universe = Universe.get_multiverse()
        self.available_frontends = {}
        self.available_passes = dict(self.universe.all_passes)
        self.available_targets = dict(self.universe.all_targets)
        self.ctx = Context()
        self.register_all_dialects()
        parser = _OneLineParser(prog=NAME, description="WebDNN modular optimizer driver")
        self.register_all_arguments(parser)
        self.args = parser.parse_args(args)
        self.ctx.allow_unregistered = bool(self.args.allow_unregistered_dialect)
        self.checks = Checks(
            verify=not self.args.disable_verify,
            verify_each=self.args.verify_each,
            print_ir_after_all=self.args.print_ir_after_all or self.args.print_between_passes,
            print_generic=self.args.print_op_generic,
            time_passes=self.args.time_passes,
        )
        self.passes = parse_passes(self.args.passes, self.available_passes)
        self.check_target()
        self.failed = False

    def register_all_dialects(self) -> None:
        """Make every dialect of the universe known to the context."""
        for name, factory in self.universe.all_dialects.items():
            self.ctx.register_dialect(name, factory)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        """Add MLIR's options to those of xDSL."""
        super().register_all_arguments(arg_parser)
        arg_parser.add_argument(
            "--weights", metavar="FILE", help="where new weights go; with -o they go beside the output by default"
        )
        arg_parser.add_argument("--pass-pipeline", dest="passes", help="as -p; may stand in builtin.module(...)")
        arg_parser.add_argument(
            "--print-ir-after-all", action="store_true", help="print the IR after each pass (stderr)"
        )
        arg_parser.add_argument(
            "--verify-each", action="store_true", help="also check SSA dominance and the stages of each pass"
        )

    def check_target(self) -> None:
        """Refuse an unknown target, or options it does not have, before any work is done."""
        spec = parse_spec(self.args.target)
        if spec.name not in self.universe.all_targets:
            hint = nearest(spec.name, self.universe.all_targets, "targets")
            raise DiagnosticError(f"unknown target '{spec.name}'", hint=hint)
        from_spec(self.universe.all_targets[spec.name](), spec)

    def run(self) -> None:
        """Process every case of the input; a case that fails does not keep the others from being processed."""
        text, name = self.read_input()
        cases = list(split_cases(text)) if self.args.split_input_file else [(text, 0)]
        outputs: list[str] = []
        for case, lines_before in cases:
            separator = "// -----\n" if outputs else ""
            outputs.append(separator + self.process(case, name, lines_before))
            if self.args.output_file is None:
                sys.stdout.write(outputs[-1])
        if self.args.output_file is not None and not self.failed:
            Path(self.args.output_file).write_text("".join(outputs), encoding="utf-8")

    def process(self, case: str, name: str, lines_before: int) -> str:
        """The output for one case; empty, with the error reported, where it fails."""
        try:
            return self.compile(case, name, lines_before)
        except ShrinkException:
            raise
        except Exception as error:
            self.report(error)
            return ""

    def compile(self, text: str, name: str, lines_before: int) -> str:
        """Parse one module, run the passes on it, and print it."""
        implicit = not self.args.no_implicit_module
        module = parse_text(self.ctx, text, name, lines_before=lines_before, implicit_module=implicit)
        if (weights := Weights.of(module)) is not None:
            weights.open(module, Path() if self.args.input_file in (None, "-") else Path(name).parent)
        run_passes(self.ctx, module, self.passes, self.checks)
        if (kept := self.args.weights or self.args.output_file) is not None and (weights := Weights.of(module)):
            weights.save(module, Path(kept).with_suffix(".safetensors"))
        return self.output_resulting_program(module)

    def read_input(self) -> tuple[str, str]:
        """The text to work on, and what to call it in messages."""
        path: str | None = self.args.input_file
        if path in (None, "-"):
            data, name = sys.stdin.buffer.read(), "<stdin>"
        elif (hint := BINARY_INPUTS.get(Path(path).suffix)) is not None:
            raise DiagnosticError("not textual IR", where=path, hint=hint)
        else:
            data, name = Path(path).read_bytes(), path
        try:
            return data.decode(), name
        except UnicodeDecodeError as error:
            raise DiagnosticError("not textual IR: not UTF-8", where=name, hint="pass a file of MLIR text") from error

    def report(self, error: Exception) -> None:
        """Print an error; it counts as one unless `--verify-diagnostics` made it the output that is asked for."""
        wanted = isinstance(error, ParseError) and self.args.parsing_diagnostics
        wanted |= isinstance(error, DiagnosticException) and self.args.verify_diagnostics
        if wanted:
            print(*(complaint.headline for complaint in complaints(error)), sep="\n")
        else:
            self.failed = True
            print_error(NAME, error)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool and return its exit status."""
    return run_tool(NAME, lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    tool = WebDnnOptMain(argv)
    # What is loaded by now stays, and the IR is a web of cycles that lives to the end:
    # without these two lines the collector takes half of the time on a large module.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        tool.run()
    except ShrinkException:
        print("Success, can shrink")
        return 0
    if tool.args.shrink:
        print("Failure, can't shrink")
        return 1
    return 1 if tool.failed else 0


if __name__ == "__main__":
    sys.exit(main())
