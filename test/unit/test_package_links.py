"""Every Python folder at the root is reachable as `webdnn.<folder>`."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(marker.parent.name for marker in ROOT.glob("*/__init__.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_is_linked(folder: str) -> None:
    link = ROOT / "package/webdnn" / folder
    assert link.is_symlink()
    assert link.resolve() == ROOT / folder


def test_no_link_is_stale() -> None:
    links = {link.name for link in (ROOT / "package/webdnn").iterdir() if link.is_symlink()}
    assert links == set(FOLDERS)


def test_types_are_checked_behind_every_link() -> None:
    """Folders that the type checker meets as links are not entered, so each is named."""
    checked = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]["include"])
    assert {f"package/webdnn/{folder}" for folder in FOLDERS} <= checked
