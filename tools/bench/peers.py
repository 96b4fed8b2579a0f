"""The engines that ours is held against: which backends each has, what it needs, and where its package lies.

`python -m webdnn.tools.bench.peers BACKEND…` prints the npm packages of all peers on some backends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webdnn.support.diagnostic import DiagnosticError

PACKAGES_VARIABLE = "WEBDNN_PEERS"
"""Names the directory of npm packages, where `--peer-packages` does not."""

NOBODY = "none"


@dataclass(frozen=True)
class Peer:
    """Another engine: the npm packages of each backend, with the versions that the bench was written for."""

    script: str
    packages: Mapping[str, Sequence[str]]
    needs_tape: bool = False

    def offers(self, backend: str, model: Path | None) -> bool:
        """Can it run a model, given as a file, on a backend?"""
        if backend not in self.packages or model is None:
            return False
        return not self.needs_tape or model.with_suffix(".tape.json").is_file()


ORT = "onnxruntime-web@1.30.0"
TFJS = "@tensorflow/tfjs@4.22.0"

PEERS: Mapping[str, Peer] = {
    "onnxruntime-web": Peer("onnxruntime.js", {"wasm": [ORT], "webgpu": [ORT], "webgl": [ORT]}),
    "tfjs": Peer(
        "tfjs.js",
        {
            "wasm": [TFJS, "@tensorflow/tfjs-backend-wasm@4.22.0"],
            "webgpu": [TFJS, "@tensorflow/tfjs-backend-webgpu@4.22.0"],
            "webgl": [TFJS],
            "js": [TFJS],
        },
        needs_tape=True,
    ),
}
"""By the name that `--peers` takes."""


def peers_named(text: str) -> dict[str, Peer]:
    """The peers of a list with commas; `none` is an empty list. Raises DiagnosticError."""
    names = [name for name in text.split(",") if name and name != NOBODY]
    for name in names:
        if name not in PEERS:
            hint = f"name some of {','.join(PEERS)}, or {NOBODY}"
            raise DiagnosticError(f"there is no peer '{name}'", hint=hint)
    return {name: PEERS[name] for name in names}


def default_packages() -> Path:
    """Where the packages of peers lie if nobody says otherwise."""
    if named := os.environ.get(PACKAGES_VARIABLE):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "webdnn" / "peers"


def check_packages(peers: Mapping[str, Peer], backends: Sequence[str], directory: Path) -> Path:
    """The folder that holds the packages. Raises DiagnosticError with the command that fetches what is missing."""
    needed = packages_of(peers, backends)
    folder = directory / "node_modules"
    missing = [package for package in needed if not manifest_of(package, folder).is_file()]
    if missing:
        names = ", ".join(map(name_of, missing))
        hint = f"npm install --prefix {directory} {' '.join(needed)}; or leave peers out with --peers {NOBODY}"
        raise DiagnosticError(f"npm packages are missing: {names}", where=str(directory), hint=hint)
    return folder


def packages_of(peers: Mapping[str, Peer], backends: Sequence[str]) -> list[str]:
    """The npm packages of peers on backends, each once."""
    return list(dict.fromkeys(p for peer in peers.values() for name in backends for p in peer.packages.get(name, ())))


def manifest_of(package: str, folder: Path) -> Path:
    return folder / name_of(package) / "package.json"


def name_of(package: str) -> str:
    """`@tensorflow/tfjs` of `@tensorflow/tfjs@4.22.0`."""
    return package[: package.rindex("@")]


if __name__ == "__main__":
    print(*packages_of(PEERS, sys.argv[1:]))
