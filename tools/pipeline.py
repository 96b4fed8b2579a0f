"""Build a pass pipeline from its text and run it, with checks and prints between the passes."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.utils.arg_spec import ArgSpec, ArgSpecConvertible, parse_pipeline
from xdsl.utils.hints import type_repr

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.dominance import verify_dominance
from webdnn.support.legality import stages_of, verify_stage
from webdnn.support.verification import verify_module
from webdnn.universe import ALL_STAGES

_WRAPPED = re.compile(r"\s*builtin\.module\s*\((.*)\)\s*", re.DOTALL)
_COMMA_OR_STRING = re.compile(r'("(?:\\.|[^"\\])*")|\s*,\s*')


Convertible = TypeVar("Convertible", bound=ArgSpecConvertible)


@dataclass(frozen=True)
class Checks:
    """What to verify and print while a pipeline runs."""

    verify: bool = True
    verify_each: bool = False
    print_ir_after_all: bool = False
    print_generic: bool = False
    time_passes: bool = False


Available = Mapping[str, Callable[[], type[ModulePass]]]
"""Pass name → what loads its class."""


def parse_passes(text: str, available: Available) -> tuple[ModulePass, ...]:
    """The passes that `a,b{x=1}` names; `builtin.module(…)` around it, MLIR's spelling, is dropped."""
    return passes_of(parse_specs(text, available), available)


def parse_specs(text: str, available: Available) -> list[ArgSpec]:
    """The names and options of the passes that a text names. Raises DiagnosticError for those that there are not."""
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1]
    # xDSL's grammar has no blanks around commas; MLIR's has.
    text = _COMMA_OR_STRING.sub(lambda match: match[1] or ",", text.strip())
    specs = list(parse_pipeline(text))
    for spec in specs:
        if spec.name not in available:
            raise DiagnosticError(f"unknown pass '{spec.name}'", hint=nearest(spec.name, available, "passes"))
    return specs


def passes_of(specs: Iterable[ArgSpec], available: Available) -> tuple[ModulePass, ...]:
    """The passes themselves. Raises DiagnosticError for options that they do not have."""
    return tuple(from_spec(available[spec.name](), spec) for spec in specs)


def nearest(name: str, known: Iterable[str], what: str) -> str:
    """A hint for an unknown name: those that look like it, else where all of them are listed."""
    candidates = get_close_matches(name, list(known), n=3)
    if candidates:
        return f"did you mean {' or '.join(repr(candidate) for candidate in candidates)}?"
    return f"'webdnn-opt --help' lists the {what}"


def from_spec(kind: type[Convertible], spec: ArgSpec) -> Convertible:
    """A pass or target with the options that `spec` gives; the error for a wrong one lists what there is."""
    options = {option.name: option for option in fields(kind) if option.init}
    given = spec.normalize_parameter_names().parameters
    listing = ", ".join(map(spell_option, options.values()))
    hint = f"its options are: {listing}" if options else f"'{spec.name}' has no options"
    for name in given:
        if name not in options:
            raise DiagnosticError(f"'{spec.name}' has no option '{name.replace('_', '-')}'", hint=hint)
    for name in sorted(kind.required_fields() - given.keys()):
        raise DiagnosticError(f"'{spec.name}' needs a value for its option '{name.replace('_', '-')}'", hint=hint)
    try:
        return kind.from_spec(spec)
    except (ValueError, TypeError) as error:
        raise DiagnosticError(f"the options of '{spec.name}' are not right: {error}", hint=hint) from error


def spell_option(option: Field[object]) -> str:
    """An option of a pass or target with its type and default: `tile-size: int = 4`."""
    default = "" if option.default is MISSING else f" = {str(option.default).lower()}"
    kind = option.type if isinstance(option.type, str) else type_repr(option.type)
    return f"{option.name.replace('_', '-')}: {kind}{default}"


def run_passes(ctx: Context, module: ModuleOp, passes: Iterable[ModulePass], checks: Checks) -> None:
    """Apply the passes in order; an error carries a one-line note of the pass that was at work."""
    _verify(module, checks, "in the input")
    for module_pass in passes:
        stages = stages_of(module_pass)
        _verify_stage(module, checks, stages.before, f"before pass '{module_pass.name}'")
        started = time.perf_counter()
        try:
            module_pass.apply(ctx, module)
        except Exception as error:
            error.add_note(f"in pass '{module_pass.name}'")
            raise
        if checks.time_passes:
            print(f"{time.perf_counter() - started:9.4f} s  {module_pass.name}", file=sys.stderr)
        if checks.print_ir_after_all:
            _dump(module, checks, module_pass.name)
        _verify(module, checks, f"after pass '{module_pass.name}'")
        _verify_stage(module, checks, stages.after, f"after pass '{module_pass.name}'")


def _dump(module: ModuleOp, checks: Checks, name: str) -> None:
    print(f"// -----// IR Dump After {name} //----- //", file=sys.stderr)
    Printer(sys.stderr, print_generic_format=checks.print_generic).print_op(module)
    print(file=sys.stderr, flush=True)


def _verify(module: ModuleOp, checks: Checks, moment: str) -> None:
    try:
        if checks.verify:
            verify_module(module)
        if checks.verify_each:
            verify_dominance(module)
    except Exception as error:
        error.add_note(moment)
        raise


def _verify_stage(module: ModuleOp, checks: Checks, stage: str | None, moment: str) -> None:
    if not checks.verify_each or stage is None:
        return
    try:
        verify_stage(module, ALL_STAGES[stage]())
    except DiagnosticError as error:
        error.add_note(moment)
        raise
