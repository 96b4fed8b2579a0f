"""Whole models to test with: those shared beside the checkout, files and generated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from onnx import ModelProto

from helpers.scripts import load_script

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
CACHE = ROOT / "build" / "models"


class _Graph(Protocol):
    def model(self) -> ModelProto: ...


def shared_model(name: str) -> Path:
    """A model file; the test is skipped where the folder is not there."""
    path = SHARED / "models" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def generated_model(name: str) -> Path:
    """A model that a function of `peers/models.py` builds; kept, and built anew when that file is newer."""
    source = SHARED / "peers" / "models.py"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    path = CACHE / f"{name}.onnx"
    if not path.is_file() or path.stat().st_mtime < source.stat().st_mtime:
        graph: _Graph = getattr(load_script(source), name)()
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_bytes(graph.model().SerializeToString())
    return path
