"""Tables for people, as plain text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NOTHING = "-"
"""What a cell says where there is no value."""


@dataclass(frozen=True)
class Table:
    """Rows of text under heads; the columns named by `numbers` stand to the right."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: range
    note: str = ""

    def text(self) -> Iterator[str]:
        """Lines with columns side by side."""
        yield self.title
        widths = [max(len(row[i]) for row in (self.heads, *self.rows)) for i in range(len(self.heads))]
        for row in (self.heads, *self.rows):
            cells = [
                cell.rjust(width) if i in self.numbers else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            yield ("  " + "  ".join(cells)).rstrip()
        if self.note:
            yield self.note

    def markdown(self) -> Iterator[str]:
        """A heading, the table, and the note as a paragraph."""
        yield from (f"## {self.title}", "")
        yield spell_row(self.heads)
        yield spell_row(["---:" if i in self.numbers else "---" for i in range(len(self.heads))])
        yield from map(spell_row, self.rows)
        if self.note:
            yield from ("", self.note)


def spell_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def spell_number(value: float | None, digits: int = 3) -> str:
    """As many significant digits, never an exponent: `0.0123`, `12.3`, `1234`."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    decimals = digits - 1 - magnitude(value)
    return f"{value:.{max(decimals, 0)}f}"


def magnitude(value: float) -> int:
    """The decimal exponent of a number, as rounding to one digit leaves it."""
    return int(f"{value:e}".partition("e")[2])


def spell_exponent(value: float | None) -> str:
    """`1.2e-06`."""
    return NOTHING if value is None else f"{value:.1e}"
