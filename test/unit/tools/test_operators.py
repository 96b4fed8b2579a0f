"""The page of operators, from outcomes of the ONNX backend suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.operators import page, read


def outcome(name: str, status: str, reason: str = "") -> dict[str, object]:
    return {"name": name, "status": status, "reason": reason, "operators": ["Add"], "elements": ["FLOAT"]}


def written(at: Path, engine: str, *outcomes: dict[str, object], onnx: str = "1") -> Path:
    path = at / f"{engine}.json"
    head = {"format": "webdnn-onnx-outcomes", "engine": engine, "onnx": onnx}
    path.write_text(json.dumps({**head, "outcomes": outcomes}))
    return path


def test_counts_operators_and_reasons(tmp_path: Path) -> None:
    passed, refused = outcome("a", "passed"), outcome("b", "refused", "'x' holds 8 | more")
    paths = [written(tmp_path, "js", passed, refused), written(tmp_path, "reference", passed, passed)]
    text = page(read(paths))
    assert "| reference | 2 | 2 | 0 | 0 |\n| js | 2 | 1 | 1 | 0 |" in text
    assert "| Add | 2 | 1 / 2 | float |" in text
    assert "| Add | js | … holds … \\| more |" in text


def test_refuses_what_is_no_file_of_outcomes(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(DiagnosticError, match="holds no outcomes"):
        read([tmp_path / "other.json"])
    with pytest.raises(DiagnosticError, match="cannot read"):
        read([tmp_path / "missing.json"])
    with pytest.raises(DiagnosticError, match="several versions"):
        read([written(tmp_path, "js"), written(tmp_path, "webgpu", onnx="2")])
