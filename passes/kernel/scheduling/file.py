"""The file of schedules that a user keeps: plans by the signature of a kernel and the features of the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard, TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from webdnn.dialects.kernel import KERNEL
from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.support.diagnostic import DiagnosticError, Diagnostics
from webdnn.support.scheduling.table import FEATURES, Features

FORMAT, VERSION = "webdnn-schedules", 1

HINT = "'webdnn compile MODEL.onnx --print-schedules' prints schedules as they are written"

AttributeT = TypeVar("AttributeT", bound=Attribute)


@dataclass(frozen=True)
class Entry:
    """How a kernel runs; `milliseconds` says what was measured, and decides nothing."""

    plan: Plan
    milliseconds: Mapping[str, float] = field(default_factory=dict[str, float])

    def spelled(self) -> dict[str, object]:
        """As it stands in the file."""
        unrolls = [str(unroll) if unroll else None for unroll in self.plan.unrolls]
        found: dict[str, object] = {"schedule": str(self.plan.schedule), "unroll": unrolls}
        return {**found, "milliseconds": dict(self.milliseconds)} if self.milliseconds else found


@dataclass(frozen=True)
class Schedules:
    """Entries by signature and features; `measured` says where they come from, in words."""

    kernels: Mapping[str, Mapping[Features, Entry]]
    measured: Mapping[str, str] = field(default_factory=dict[str, str])

    def entry(self, signature: str, features: Features) -> Entry | None:
        """The entry of a kernel, if there is one."""
        return self.kernels.get(signature, {}).get(features)

    def unused(self, signatures: Iterable[str]) -> list[str]:
        """The kernels that have entries and are not among these."""
        return sorted(self.kernels.keys() - set(signatures))

    def text(self) -> str:
        """The text of the file."""
        kernels = {
            signature: {features: entry.spelled() for features, entry in entries.items()}
            for signature, entries in self.kernels.items()
        }
        head: dict[str, object] = {"format": FORMAT, "version": VERSION}
        measured = {"measured": dict(self.measured)} if self.measured else {}
        return json.dumps({**head, **measured, "kernels": kernels}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Schedules:
        """Raises DiagnosticError with all that is wrong in the file."""
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise DiagnosticError(reason, where=str(path), hint="name a file of schedules") from error
        try:
            content: object = json.loads(text)
        except ValueError as error:
            raise DiagnosticError(f"is not JSON: {error}", where=str(path), hint=HINT) from error
        return FileReader(str(path)).schedules(content)


@dataclass
class FileReader:
    """Reads the content of a file, and notes what is wrong in it."""

    path: str
    found: Diagnostics = field(default_factory=Diagnostics)
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        for dialect in (Builtin, KERNEL):
            self.context.load_dialect(dialect)

    def schedules(self, content: object) -> Schedules:
        """Raises DiagnosticError."""
        if not is_object(content) or content.get("format") != FORMAT:
            raise DiagnosticError(f"its format is not '{FORMAT}'", where=self.path, hint=HINT)
        if content.get("version") != VERSION:
            what = f"its version is {content.get('version')}, and this compiler reads version {VERSION}"
            raise DiagnosticError(what, where=self.path, hint="tune anew, with 'webdnn tune'")
        given = self.members(content.get("kernels"), "kernels")
        kernels = {name: self.entries(f"'{name}'", self.members(value, f"'{name}'")) for name, value in given.items()}
        measured = self.members(content.get("measured", {}), "measured")
        self.found.raise_if_any()
        return Schedules(kernels, {name: str(value) for name, value in measured.items()})

    def members(self, content: object, what: str) -> Mapping[str, object]:
        if is_object(content):
            return content
        self.wrong(f"{what} must be an object")
        return {}

    def entries(self, where: str, content: Mapping[str, object]) -> Mapping[Features, Entry]:
        for features in content.keys() - set(FEATURES):
            self.wrong(f"{where} has '{features}', expected {' or '.join(FEATURES)}")
        known = {features: content[features] for features in FEATURES if features in content}
        read = {features: self.entry(f"{where}, {features}", value) for features, value in known.items()}
        return {features: entry for features, entry in read.items() if entry}

    def entry(self, where: str, content: object) -> Entry | None:
        members = self.members(content, where)
        for name in members.keys() - {"schedule", "unroll", "milliseconds"}:
            self.wrong(f"{where} has '{name}', expected schedule, unroll or milliseconds")
        schedule = self.attribute(where, members.get("schedule"), ScheduleAttr)
        given = members.get("unroll", [])
        if not is_list(given):
            self.wrong(f"{where}: unroll must be a list")
            return None
        unrolls = [None if text is None else self.attribute(where, text, UnrollAttr) for text in given]
        times = self.members(members.get("milliseconds", {}), f"{where}: milliseconds")
        measured = {name: time for name, time in times.items() if isinstance(time, int | float)}
        return Entry(Plan(schedule, tuple(unrolls)), measured) if schedule else None

    def attribute(self, where: str, text: object, kind: type[AttributeT]) -> AttributeT | None:
        """An attribute in its textual form."""
        try:
            parser = Parser(self.context, spelled := text if isinstance(text, str) else "")
            found = parser.parse_attribute()
        except (ParseError, VerifyException, ValueError) as error:
            self.wrong(f"{where}: {text!r} is no #{kind.name}<…>: {reason_of(error)}")
            return None
        if not isinstance(found, kind) or spelled[parser.pos :].strip():
            self.wrong(f"{where}: {text!r} is no #{kind.name}<…>")
            return None
        return found

    def wrong(self, what: str) -> None:
        self.found.note(self.path, what, hint=HINT)


def reason_of(error: Exception) -> str:
    """The reason without the picture of where it is."""
    return (error.msg if isinstance(error, ParseError) else str(error)).partition("\n")[0]


def is_object(content: object) -> TypeGuard[Mapping[str, object]]:
    """Is it an object of JSON?"""
    return isinstance(content, dict)


def is_list(content: object) -> TypeGuard[Sequence[object]]:
    """Is it a list of JSON?"""
    return isinstance(content, list)
