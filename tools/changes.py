"""Changes to the pipelines: rules that are left out, options that are set, passes that are added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.arg_spec import ArgSpec
from xdsl.utils.exceptions import ArgSpecParseError

from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.rules import REQUIRED, RULES, Rule
from webdnn.tools.pipeline import Available, parse_specs, passes_of

Specs = tuple[ArgSpec, ...]
"""Passes in order, by name and options."""

SYNTAX = "write -RULE to leave a rule out, PASS{option=value} to set options, +PASS@OTHER to run a pass after another"

_ENTRY = re.compile(r"(?:\{[^}]*\}|[^,{])+")


@dataclass(frozen=True)
class LeaveOut:
    """Run no pass of a name."""

    module_pass: str

    def of(self, specs: Specs) -> Specs:
        return tuple(spec for spec in specs if spec.name != self.module_pass)


@dataclass(frozen=True)
class SetOptions:
    """Give every pass of a name some options, and leave it its others."""

    given: ArgSpec

    def of(self, specs: Specs) -> Specs:
        return tuple(self.merged(spec) if spec.name == self.given.name else spec for spec in specs)

    def merged(self, spec: ArgSpec) -> ArgSpec:
        return ArgSpec(spec.name, {**normal(spec).parameters, **self.given.parameters})


@dataclass(frozen=True)
class Insert:
    """Run a pass right behind every one of another name, unless it does already."""

    added: ArgSpec
    after: str

    def of(self, specs: Specs) -> Specs:
        found: list[ArgSpec] = []
        for i, spec in enumerate(specs):
            found.append(spec)
            if spec.name == self.after and self.added not in map(normal, specs[i + 1 : i + 2]):
                found.append(self.added)
        return tuple(found)


Step = LeaveOut | SetOptions | Insert


@dataclass(frozen=True)
class Change:
    """What a user asks for, as it was written, and the steps that do it."""

    text: str
    steps: tuple[Step, ...]

    def of(self, specs: Specs) -> Specs:
        for step in self.steps:
            specs = step.of(specs)
        return specs


@dataclass(frozen=True)
class Changes:
    """Changes in the order in which they were asked for; each is made wherever it applies."""

    made: tuple[Change, ...] = ()

    @property
    def adds_passes(self) -> bool:
        """May a pass stand where it does not belong?"""
        return any(change.text.startswith("+") for change in self.made)

    def of(self, specs: Specs) -> Specs:
        """A pipeline, or a part of one, with the changes."""
        for change in self.made:
            specs = change.of(specs)
        return specs

    def of_passes(self, passes: Sequence[ModulePass]) -> Sequence[ModulePass]:
        """The same of passes that have their options already. Raises DiagnosticError for wrong options."""
        specs = tuple(normal(module_pass.spec()) for module_pass in passes)
        changed = self.of(specs)
        return passes if changed == specs else passes_of(changed, all_passes())

    def check(self, pipelines: Sequence[Specs], whose: str) -> None:
        """Raise DiagnosticError for the first change that leaves pipelines as they are, those before it or not."""
        given = [tuple(map(normal, specs)) for specs in pipelines]
        now = given
        for change in self.made:
            changed = [change.of(specs) for specs in now]
            if changed == now and [change.of(specs) for specs in given] == given:
                hint = f"'webdnn compile --print-pipeline --targets {whose}' prints the passes and their options"
                raise DiagnosticError(f"--passes {change.text}: changes nothing for {whose}", hint=hint)
            now = changed


UNCHANGED = Changes()


def normal(spec: ArgSpec) -> ArgSpec:
    """Options as Python spells them, so that equal passes are equal."""
    return spec.normalize_parameter_names()


@cache
def all_passes() -> Available:
    """Those of every package that registers some."""
    return Universe.get_multiverse().all_passes


def parse_changes(text: str) -> Changes:
    """The changes of `-RULE,PASS{option=value},+PASS@OTHER`. Raises DiagnosticError."""
    entries = [entry.strip() for entry in _ENTRY.findall(text)]
    return Changes(tuple(Change(entry, tuple(steps_of(entry))) for entry in entries if entry))


def without(rules: Sequence[Rule]) -> Changes:
    """The changes that leave rules out."""
    return Changes(tuple(Change(f"-{rule.name}", tuple(steps_of_rule(rule))) for rule in rules))


def steps_of_rule(rule: Rule) -> Iterator[Step]:
    for entry in _ENTRY.findall(rule.changes):
        yield LeaveOut(entry[1:]) if entry == f"-{rule.name}" else step_of(entry)


def steps_of(entry: str) -> Iterator[Step]:
    """The steps of one change. Raises DiagnosticError."""
    if not entry.startswith("-"):
        yield step_of(entry)
        return
    name = entry[1:].strip()
    rules = {rule.name: rule for rule in RULES}
    if name in rules:
        yield from steps_of_rule(rules[name])
    else:
        reason = f"'{name}' has to run, because {REQUIRED[name]}" if name in REQUIRED else f"there is no rule '{name}'"
        raise DiagnosticError(f"--passes {entry}: {reason}", hint=f"what can be left out: {', '.join(rules)}")


def step_of(entry: str) -> Step:
    """A pass that is added, or options that are set. Raises DiagnosticError."""
    if not entry.startswith("+"):
        return SetOptions(spec_of(entry, entry))
    added, at, after = entry[1:].rpartition("@")
    if not at:
        raise DiagnosticError(f"--passes {entry}: after which pass?", hint=SYNTAX)
    return Insert(spec_of(added, entry), spec_of(after, entry).name)


def spec_of(text: str, entry: str) -> ArgSpec:
    """One pass with options that it has. Raises DiagnosticError."""
    try:
        (spec,) = map(normal, parse_specs(text, all_passes()))
        passes_of([spec], all_passes())
    except (ArgSpecParseError, ValueError) as error:
        raise DiagnosticError(f"--passes {entry}: this is no pass with options", hint=SYNTAX) from error
    return spec
