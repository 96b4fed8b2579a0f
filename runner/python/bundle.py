"""Reads a bundle from a directory: its manifest, and its files checked by size and hash."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import BufferWeights, Manifest, MemoryWeights

REBUILD_HINT = "compile the bundle again"
VERSION = 1

Piece = TypeVar("Piece", MemoryWeights, BufferWeights)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest has been read."""

    directory: Path
    manifest: Manifest

    def read(self, path: str) -> bytes:
        """The content of a file, which must be what the bundle was written with."""
        listed = self.manifest["files"].get(path)
        if listed is None:
            raise SessionError(f"{self.directory}: the manifest lists no file {path}", REBUILD_HINT)
        try:
            content = (self.directory / path).read_bytes()
        except OSError as error:
            raise SessionError(f"{self.directory}: {path} cannot be read: {error}", REBUILD_HINT) from error
        if len(content) != listed["bytes"] or hashlib.sha256(content).hexdigest() != listed["sha256"]:
            raise SessionError(
                f"{self.directory}: {path} is not the file that the bundle was written with", REBUILD_HINT
            )
        return content

    def weights(self, pieces: Sequence[Piece]) -> Iterator[tuple[Piece, bytes]]:
        """Each piece and its bytes, file by file, each of which is read once."""

        def file_of(piece: Piece) -> str:
            return piece["file"]

        for file, parts in groupby(sorted(pieces, key=file_of), file_of):
            content = self.read(file)
            for piece in parts:
                yield piece, content[piece["start"] : piece["start"] + piece["bytes"]]


def open_bundle(directory: Path) -> Bundle:
    """Read `model.json` in `directory`."""
    path = directory / "model.json"
    try:
        manifest: Manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise SessionError(
            f"{directory} is not a bundle: {error}", "name the directory that holds model.json"
        ) from error
    except ValueError as error:
        raise SessionError(f"{path} is not JSON: {error}", REBUILD_HINT) from error
    # What stands in a file may be anything, whatever its type says.
    content: object = manifest
    match content:
        case {"format": "webdnn-bundle", "version": int(version)} if version == VERSION:
            return Bundle(directory, manifest)
        case {"format": "webdnn-bundle", "version": version}:
            hint = "use the runner that was published with that version of the compiler"
            raise SessionError(f"{directory} has version {version}, and this runner reads version {VERSION}", hint)
        case _:
            raise SessionError(f"{path} is not the manifest of a bundle", "name the directory of a bundle")
