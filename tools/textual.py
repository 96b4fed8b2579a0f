"""Read textual IR so that every operation knows the line it was written on, as in MLIR."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from xdsl.context import Context
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, ModuleOp, StringAttr, UnknownLoc
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from webdnn.support.diagnostic import place

_SEPARATOR = re.compile(r"^[ \t]*// -----[ \t]*\n", re.MULTILINE)
"""A line of its own: the heading of an IR dump begins in the same way and must not split a file."""

_BLANK = re.compile(r"(?:\s|//[^\n]*+)*+")
"""Nothing but white space and comments: an empty module, which xDSL's parser refuses."""


def split_cases(text: str) -> Iterator[tuple[str, int]]:
    """The cases of a file that `// -----` separates, each with the number of lines before it."""
    pieces = _SEPARATOR.split(text)
    lines_before = accumulate([0, *(piece.count("\n") + 1 for piece in pieces[:-1])])
    yield from zip(pieces, lines_before, strict=True)


def parse_text(ctx: Context, text: str, name: str, *, lines_before: int = 0, implicit_module: bool = True) -> ModuleOp:
    """Parse a module; operations without a location get their place in the text, and so does a `ParseError`."""
    if implicit_module and _BLANK.fullmatch(text):
        return ModuleOp([])
    parser = _LocatingParser(ctx, text, name, lines_before)
    try:
        return parser.parse_module(implicit_module)
    except ParseError as error:
        error.span = replace(error.span, line_offset=lines_before)
        raise
    except (VerifyException, ValueError) as error:
        # From the constructor of an attribute, which knows no place; the parser stands just behind it.
        raise VerifyException(f"{place(parser.location(parser.pos))}: {error}") from error


class _LocatingParser(Parser):
    """The xDSL parser, which by itself leaves the location of an operation unknown."""

    def __init__(self, ctx: Context, text: str, name: str, lines_before: int) -> None:
        super().__init__(ctx, text, name)
        self._file = StringAttr(name)
        self._lines_before = lines_before
        self._line_starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def location(self, position: int) -> FileLineColLoc:
        """The line and column of a position in the text; both count from 1."""
        line = bisect_right(self._line_starts, position)
        column = position - self._line_starts[line - 1] + 1
        return FileLineColLoc(self._file, IntAttr(line + self._lines_before), IntAttr(column))

    def parse_operation(self) -> Operation:
        start = self.pos
        op = super().parse_operation()
        if isinstance(op.location, UnknownLoc):
            op.location = self.location(start)
        return op
