"""How the command-line tools end: every error is one line and, where known, a hint; never a traceback or a dump."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from webdnn.support.diagnostic import DiagnosticError

TRACEBACK_VARIABLE = "WEBDNN_TRACEBACK"
"""Set in the environment, it makes the tools print the Python traceback of an internal error too."""

_LONGEST_LINE = 500
"""Messages of xDSL may hold printed IR; what comes after so many characters is left out."""


class Complaint(NamedTuple):
    """One problem as a tool prints it."""

    headline: str
    hint: str | None = None


def run_tool(name: str, body: Callable[[], int]) -> int:
    """Run the body of a tool and return its exit status: 1, and the errors on stderr, where it raises."""
    try:
        status = body()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has gone (`| head`). Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except (Exception, ArgSpecParseError) as error:
        print_error(name, error)
        return 1


def print_error(tool: str, error: BaseException) -> None:
    """Write what is wrong to stderr, after everything that stdout already holds."""
    sys.stdout.flush()
    for complaint in complaints(error):
        print(f"{tool}: error: {complaint.headline}", file=sys.stderr)
        if complaint.hint is not None:
            print(f"hint: {complaint.hint}", file=sys.stderr)
    if _is_internal(error) and os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    sys.stderr.flush()


def complaints(error: BaseException) -> Iterator[Complaint]:
    """What to tell a user about an error; several complaints where the error holds several problems."""
    moment = _moment(error)
    match error:
        case DiagnosticError(problems=problems):
            for problem in problems:
                yield Complaint(one_line(problem.headline) + moment, one_line(problem.hint))
        case ParseError(span=span, msg=message):
            yield Complaint(one_line(f"{span.get_location()}: {message}") + moment)
        case ArgSpecParseError():
            yield Complaint(_spec_error(str(error)))
        case OSError(strerror=str(reason), filename=path):
            yield Complaint(reason if path is None else f"{path}: {reason}")
        case DiagnosticException():
            yield Complaint(one_line(str(error)) + moment)
        case _:
            hint = f"this is a bug in WebDNN or xDSL; set {TRACEBACK_VARIABLE}=1 to see where it happened"
            yield Complaint(one_line(f"internal error: {type(error).__name__}: {error}") + moment, hint)


def one_line(text: str) -> str:
    """The text with all white space as single blanks, cut where it is far too long."""
    flat = re.sub(r"\s+", " ", text).strip()
    return flat if len(flat) <= _LONGEST_LINE else f"{flat[:_LONGEST_LINE]} …"


def _moment(error: BaseException) -> str:
    """The pass that was at work, from our one-line note; xDSL's notes are printed modules and have many lines."""
    notes: list[str] = getattr(error, "__notes__", [])
    return "".join(f" ({note})" for note in notes if "\n" not in note)


def _spec_error(text: str) -> str:
    """`pass-pipeline:1:4: Unknown token`, from an error that shows the text with a marker below it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{lines[1]}: {lines[-1]}" if len(lines) > 2 else one_line(text)


def _is_internal(error: BaseException) -> bool:
    return not isinstance(error, DiagnosticException | ParseError | ArgSpecParseError | OSError)
