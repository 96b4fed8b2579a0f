"""An ablation as one HTML file that needs nothing else: the chart, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from webdnn.tools.ablation.chart import svg
from webdnn.tools.ablation.report import method, required, rules, setting, table
from webdnn.tools.ablation.results import Ablation, complaints
from webdnn.tools.bench.table import Table

STYLE = Path(__file__).parents[1] / "pages" / "ablate" / "style.css"


def html(found: Ablation) -> str:
    """The page."""
    body = [
        "<h1>What each optimisation gains</h1>",
        f"<p>{spelled(method(found))}</p><p>{escape(setting(found))}</p>",
        *(f'<p class="wrong">{escape(line)}</p>' for line in complaints(found["models"])),
        f"<figure>{svg(found)}</figure>",
        *(part for it in (*map(table, found["models"]), rules(), required()) for part in section(it)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Ablation · WebDNN</title>\n'
        f"<style>\n{STYLE.read_text()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(it: Table) -> Iterator[str]:
    """A table under its heading."""
    yield f"<h2>{escape(it.title)}</h2>"
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in it.heads)
    rows = "".join(f"<tr>{''.join(cells(it, row))}</tr>" for row in it.rows)
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    if it.note:
        yield f"<p>{escape(it.note)}</p>"


def cells(it: Table, row: Sequence[str]) -> Iterator[str]:
    for i, cell in enumerate(row):
        yield f'<td class="number">{escape(cell)}</td>' if i in it.numbers else f"<td>{spelled(cell)}</td>"


def spelled(text: str) -> str:
    """Text in which `code` is marked."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
