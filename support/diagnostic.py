"""How every WebDNN error reaches its reader: where it is, what is wrong, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

from xdsl.dialects.builtin import ArrayAttr, CallSiteLoc, FileLineColLoc, FusedLoc, NameLoc, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import PassFailedException

UNKNOWN_PLACE = "<unknown>"
"""What `where` says of an operation that has neither a location nor a named ancestor."""

_FUSED_NAMES = 3
"""How many origins of a fused location are spelled out; the rest is counted."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in the three parts that every message of ours has."""

    where: str
    what: str
    hint: str

    @property
    def headline(self) -> str:
        """Where and what, on one line."""
        return f"{self.where}: {self.what}" if self.where else self.what

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}error: {self.what}\nhint: {self.hint}"


class DiagnosticError(PassFailedException):
    """An error that a user can reach and mend; a `PassFailedException`, so xDSL's tools report it too.

    `where` names the source (an ONNX node, `file:line:col`, a path) and is empty where there is none.
    The hint is mandatory: if we cannot say what to change, the message is not ready to be written.
    """

    def __init__(self, what: str, *, hint: str, where: str = "", also: tuple[Problem, ...] = ()) -> None:
        self.problems = (Problem(where, what, hint), *also)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def where(self) -> str:
        """Where the (first) problem is."""
        return self.problems[0].where

    @property
    def what(self) -> str:
        """What the (first) problem is."""
        return self.problems[0].what

    @property
    def hint(self) -> str:
        """What to do about the (first) problem."""
        return self.problems[0].hint


@dataclass
class Diagnostics:
    """Collects problems, so that a user reads all of them at once instead of one per attempt."""

    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, op: Operation, problem: str, *, hint: str) -> None:
        """Note a problem of `op`; the message names the operation."""
        self.problems.append(problem_of(op, problem, hint=hint))

    def note(self, where: str, what: str, *, hint: str) -> None:
        """Note a problem that no operation stands for (a file, an option, a node not yet imported)."""
        self.problems.append(Problem(where, what, hint))

    def raise_if_any(self) -> None:
        """Raise one `DiagnosticError` that holds every distinct problem, in the order noted."""
        distinct = tuple(dict.fromkeys(self.problems))
        if distinct:
            first, *rest = distinct
            raise DiagnosticError(first.what, hint=first.hint, where=first.where, also=tuple(rest))


def fail(op: Operation, problem: str, *, hint: str) -> NoReturn:
    """Stop with a message anchored at `op`; `problem` continues the sentence `'dnn.conv' …`."""
    found = problem_of(op, problem, hint=hint)
    raise DiagnosticError(found.what, hint=found.hint, where=found.where)


def problem_of(op: Operation, problem: str, *, hint: str) -> Problem:
    """The problem that `fail` raises and `Diagnostics.add` collects."""
    return Problem(where(op), f"'{op.name}' {problem}", hint)


def where(op: Operation) -> str:
    """The most precise source name known for `op`: its location, else that of what encloses it."""
    at: Operation | None = op
    while at is not None:
        if names := list(_distinct_names(at.location)):
            return _spell(names)
        if isinstance(symbol := at.get_attr_or_prop("sym_name"), StringAttr):
            return f"@{symbol.data}"
        at = at.parent_op()
    return UNKNOWN_PLACE


def place(location: Attribute) -> str | None:
    """The source name that a location stands for, or None where it says nothing."""
    names = list(_distinct_names(location))
    return _spell(names) if names else None


def origins(location: Attribute) -> list[str]:
    """Every source name of a location, each once."""
    return list(_distinct_names(location))


def _spell(names: list[str]) -> str:
    hidden = len(names) - _FUSED_NAMES
    return ", ".join(names[:_FUSED_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


def _distinct_names(location: Attribute) -> Iterator[str]:
    return iter(dict.fromkeys(_names(location)))


def _names(location: Attribute) -> Iterator[str]:
    match location:
        case FileLineColLoc(filename=file, line=line, column=column):
            # Line 0 is how a whole file is named: binary models have no lines.
            yield f"{file.data}:{line.data}:{column.data}" if line.data else file.data
        case NameLoc(desc=desc, location=inner):
            source = next(islice(_names(inner), 1), None)
            yield f"{desc.data} ({source})" if source else desc.data
        case CallSiteLoc(callee=callee):
            yield from _names(callee)
        case FusedLoc(locations=ArrayAttr(data=parts)):
            for part in parts:
                yield from _names(part)
        case _:
            return
