"""The contract between compiler and runners: `model.json`, version 1, as frozen dataclasses.

Field `row_length` is key `rowLength` in JSON, and a field that is None is left out. `schema.py` generates the JSON
schema and the types of both runners from these classes and those of `sections.py`. Tensors are row-major; all bytes
are little-endian.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Literal, TypeAlias, TypeGuard

from webdnn.targets.bundle.names import ElementTypeName, Natural, Path, Sha256, WeightFormatName
from webdnn.targets.bundle.sections import Js, Wasm, WebGl, WebGpu

MANIFEST_NAME = "model.json"
FORMAT = "webdnn-bundle"
VERSION = 1

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True)
class Count:
    """Of an axis, a run fills as many places as the only element (i32) of the output of that number says."""

    axis: Natural
    output: Natural


@dataclass(frozen=True)
class Size:
    """An axis of an input is as long as the dimension of that number is in a run."""

    axis: Natural
    dimension: Natural


@dataclass(frozen=True)
class Dimension:
    """What has from `least` to `most` places, both included, as a run chooses.

    The input of that number, which is none of the model's, holds how many (i32, no axes).
    """

    name: str
    least: Natural
    most: Natural
    input: Natural


@dataclass(frozen=True)
class Tensor:
    """An input or output as the page sees it.

    Along axes in `counts`, an output is as long as it can become, and along those in `sizes` an input is as long as it
    may be: what a run is given lies in the first places, and there are zeros behind it.
    """

    name: str
    type: ElementTypeName
    shape: tuple[Natural, ...]
    counts: tuple[Count, ...] | None = None
    sizes: tuple[Size, ...] | None = None


@dataclass(frozen=True)
class File:
    """Size and hash of one file of the bundle."""

    bytes: Natural
    sha256: Sha256


@dataclass(frozen=True)
class Backends:
    """The backends that the bundle was compiled for."""

    wasm: Wasm | None = None
    js: Js | None = None
    webgpu: WebGpu | None = None
    webgl: WebGl | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that `model.json` says; `files` names every other file of the bundle.

    `weights` tells how exact the results are: those of a model in f32, or of one whose large weights were rounded.
    """

    format: Literal["webdnn-bundle"] = FORMAT
    version: Literal[1] = VERSION
    name: str
    producer: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    dimensions: tuple[Dimension, ...] | None = None
    weights: WeightFormatName = "f32"
    files: Mapping[Path, File] = field(default_factory=dict[str, File])
    backends: Backends


def to_json(manifest: Manifest) -> str:
    """The text of `model.json`."""
    return json.dumps(encode(manifest), ensure_ascii=False, separators=(",", ":")) + "\n"


def encode(value: object) -> JsonValue:
    """Dataclasses as objects with camelCase keys, tuples as arrays; None fields are left out."""
    if is_dataclass(value):
        members = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {camel_case(name): encode(member) for name, member in members if member is not None}
    if isinstance(value, str | int):
        return value
    if _is_tuple(value):
        return [encode(member) for member in value]
    assert _is_mapping(value), f"{value!r} has no place in a manifest"
    return {str(key): encode(member) for key, member in value.items()}


def camel_case(name: str) -> str:
    """`row_length` -> `rowLength`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)
