"""A view as one HTML file that needs nothing else: page, style and script of `tools/pages/view`, and the data."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path

from webdnn.tools.view.model import View

PAGES = Path(__file__).parents[1] / "pages" / "view"

MODULES = ("data.js", "layout.js", "scene.js", "graph.js", "memory.js", "kernels.js", "main.js")
"""The modules of the script, each behind those that it imports from; no two define the same name."""

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def html(view: View) -> str:
    """The page."""
    parts = {"style": (PAGES / "style.css").read_text(), "script": script(), "data": packed(view)}
    page = (PAGES / "index.html").read_text()
    for name, content in parts.items():
        page = page.replace(f"/*{name}*/", content)
    return page


def script() -> str:
    """All modules as one."""
    texts = [(PAGES / name).read_text() for name in MODULES]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def packed(view: View) -> str:
    """The data as compressed JSON, in base64: the text of kernels repeats itself."""
    text = json.dumps(view, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
