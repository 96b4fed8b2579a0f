"""Writes a bundle: the manifest, the kernels and the weight shards, all or nothing."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files as resource_files
from pathlib import Path
from typing import get_args

from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle import manifest as contract
from webdnn.targets.bundle.manifest import FORMAT, MANIFEST_NAME, File, JsonValue, Manifest
from webdnn.targets.bundle.names import BufferName
from webdnn.targets.bundle.sections import BufferWeights, ImageWeights, MemoryWeights

COMMENT_LINES = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*|//.*)\n", re.MULTILINE)
"""Lines of a module of the runner that only its readers need: half of what it is, and a third once compressed"""
SHARD_BYTES = 16 * 2**20
"""Small enough for the limits of static hosts (25 MiB), and for a page to hold a few at once."""


@dataclass(frozen=True)
class Move:
    """Bytes `start` to `start + bytes` of a weight image, whose place is `to`."""

    start: int
    bytes: int
    to: int


@dataclass(frozen=True)
class WeightShards:
    """A weight image cut into files: `files` holds equal pieces once, `places` says where each stands."""

    files: Mapping[str, bytes]
    places: tuple[tuple[str, int], ...]

    def at_addresses(self, moves: Sequence[Move]) -> tuple[MemoryWeights, ...]:
        """The pieces of these parts of the image, in a memory image."""
        return tuple(MemoryWeights(file, part.start, part.bytes, part.to) for file, part in self.pieces(moves))

    def in_buffer(self, buffer: BufferName, moves: Sequence[Move]) -> tuple[BufferWeights, ...]:
        """The pieces of these parts of the image, in a buffer."""
        return tuple(BufferWeights(file, part.start, part.bytes, buffer, part.to) for file, part in self.pieces(moves))

    def pieces(self, moves: Sequence[Move]) -> Iterator[tuple[str, Move]]:
        """What of each part lies in each file: `start` counts from the file's own start."""
        for move in moves:
            for file, offset in self.places:
                start, end = max(offset, move.start), min(offset + len(self.files[file]), move.start + move.bytes)
                if start < end:
                    yield file, Move(start - offset, end - start, move.to + start - move.start)

    def as_image(self) -> tuple[ImageWeights, ...]:
        """The pieces in a weight image of their own."""
        return tuple(ImageWeights(file, offset) for file, offset in self.places)


def split_weights(image: bytes | bytearray | memoryview, shard_bytes: int = SHARD_BYTES) -> WeightShards:
    """Cut a weight image into shards of at most `shard_bytes` that are named by their hash."""
    files: dict[str, bytes] = {}
    places: list[tuple[str, int]] = []
    view = memoryview(image).cast("B")
    for offset in range(0, len(view), shard_bytes):
        piece = bytes(view[offset : offset + shard_bytes])
        name = f"weights/{hashlib.sha256(piece).hexdigest()[:32]}.bin"
        files[name] = piece
        places.append((name, offset))
    return WeightShards(files, tuple(places))


def runner_files() -> dict[str, bytes]:
    """The modules of the browser runner under `runner/`, without comments, to be shipped with a bundle or beside it."""
    root = Path(str(resource_files("webdnn"))) / "runner" / "web"
    modules = sorted([*root.glob("*.js"), *root.glob("backends/*.js")])
    return {
        f"runner/{module.relative_to(root).as_posix()}": COMMENT_LINES.sub("", module.read_text("utf-8")).encode()
        for module in modules
    }


def write_bundle(directory: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Manifest:
    """Write `files` and the manifest, with its file table filled in; return that manifest.

    A bundle that is already there is replaced, nothing else ever is; after a failure all is as it was.
    """
    directory = directory.resolve()
    listed = replace(manifest, files={path: _describe(content) for path, content in sorted(files.items())})
    _check_files(listed)
    _check_place(directory)
    try:
        with _directory_beside(directory) as staged:
            for path, content in files.items():
                (staged / path).parent.mkdir(parents=True, exist_ok=True)
                (staged / path).write_bytes(content)
            (staged / MANIFEST_NAME).write_text(contract.to_json(listed), encoding="utf-8")
            _put_in_place(staged, directory)
    except OSError as error:
        raise DiagnosticError(
            f"the bundle could not be written: {error}",
            hint="check that the place is writable and has room for the bundle",
            where=str(directory),
        ) from error
    return listed


def _describe(content: bytes) -> File:
    return File(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _check_files(manifest: Manifest) -> None:
    pattern = re.compile(str(get_args(contract.Path)[1]))
    for path in manifest.files:
        assert pattern.fullmatch(path), f"{path!r} is no portable path inside a bundle"
        assert path != MANIFEST_NAME, "the manifest is written by write_bundle"
    missing = referenced_files(manifest) - set(manifest.files)
    assert not missing, f"the manifest refers to {sorted(missing)}, which are not among the files"


def referenced_files(manifest: Manifest) -> set[str]:
    """The files that some backend of the manifest refers to."""
    backends = manifest.backends
    found: set[str | None] = set()
    if wasm := backends.wasm:
        found |= {module.file for module in wasm.modules} | {piece.file for piece in wasm.weights}
    if js := backends.js:
        found |= {js.module} | {piece.file for piece in js.weights}
    if webgpu := backends.webgpu:
        found |= {webgpu.sources} | {piece.file for piece in webgpu.weights}
    if webgl := backends.webgl:
        found |= {webgl.sources.webgl2, webgl.sources.webgl1} | {piece.file for piece in webgl.weights}
    return {file for file in found if file is not None}


def _check_place(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        _refuse(directory, "is a file")
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}
    if not present:
        return
    ours = _files_of_bundle(directory / MANIFEST_NAME)
    if ours is None:
        _refuse(directory, f"holds files but no {MANIFEST_NAME} of ours")
    elif foreign := sorted(present - ours):
        _refuse(directory, f"holds files that are no part of its bundle: {', '.join(foreign[:3])}")


def _files_of_bundle(manifest: Path) -> set[str] | None:
    try:
        content: JsonValue = json.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    listed = content.get("files")
    return {MANIFEST_NAME, *listed} if isinstance(listed, dict) else None


def _refuse(directory: Path, why: str) -> None:
    raise DiagnosticError(
        f"will not be replaced by a bundle: it {why}",
        hint="name a new or an empty directory, or remove this one first",
        where=str(directory),
    )


@contextmanager
def _directory_beside(directory: Path) -> Generator[Path]:
    """A new directory on the same file system; it is gone afterwards unless it was renamed."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    staged = directory.with_name(f".{directory.name}.{secrets.token_hex(6)}")
    staged.mkdir()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _put_in_place(staged: Path, directory: Path) -> None:
    if not directory.exists():
        staged.rename(directory)
        return
    with _directory_beside(directory) as aside:
        old = aside / "old"
        directory.rename(old)
        try:
            staged.rename(directory)
        except OSError:
            old.rename(directory)
            raise
