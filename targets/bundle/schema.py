"""Spells the manifest's dataclasses as JSON schema, TypeScript and Python types.

Run `python -m webdnn.targets.bundle.schema` after a change of `manifest.py`, `sections.py` or `names.py`; a test
compares the committed files.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from webdnn.targets.bundle.manifest import JsonValue, Manifest, camel_case

_NOTICE = "Generated from targets/bundle/manifest.py by `python -m webdnn.targets.bundle.schema`."


@dataclass(frozen=True)
class Scalar:
    """A string or number, with the pattern or the minimum that it obeys."""

    type: Literal["string", "integer"]
    bound: str | int | None = None


@dataclass(frozen=True)
class Choice:
    """One of a few literal values."""

    values: tuple[str | int, ...]


@dataclass(frozen=True)
class Array:
    """An array of any number of members."""

    member: Shape


@dataclass(frozen=True)
class FixedArray:
    """An array of `length` members."""

    member: Shape
    length: int


@dataclass(frozen=True)
class Table:
    """An object whose keys are data."""

    key: Shape
    member: Shape


@dataclass(frozen=True)
class Reference:
    """An object described by a dataclass."""

    name: str


Shape: TypeAlias = Scalar | Choice | Array | FixedArray | Table | Reference


@dataclass(frozen=True)
class Member:
    """One key of an object."""

    key: str
    shape: Shape
    optional: bool


@dataclass(frozen=True)
class Record:
    """One dataclass: its name, its docstring and its keys."""

    name: str
    doc: str
    members: tuple[Member, ...]


def records() -> tuple[Record, ...]:
    """Every dataclass that a manifest reaches, each after those it refers to."""
    found: dict[str, Record] = {}
    _collect(Manifest, found)
    return tuple(found.values())


def _collect(cls: type, found: dict[str, Record]) -> None:
    hints: Mapping[str, object] = get_type_hints(cls, include_extras=True)
    members: list[Member] = []
    for item in fields(cls):
        inner, optional = _without_none(hints[item.name])
        members.append(Member(camel_case(item.name), _shape(inner, found), optional))
    found[cls.__name__] = Record(cls.__name__, inspect.getdoc(cls) or "", tuple(members))


def _without_none(hint: object) -> tuple[object, bool]:
    if get_origin(hint) not in (Union, UnionType):
        return hint, False
    (inner,) = (choice for choice in get_args(hint) if choice is not NoneType)
    return inner, True


def _shape(hint: object, found: dict[str, Record]) -> Shape:
    arguments: tuple[object, ...] = get_args(hint)
    origin = get_origin(hint)
    if origin is Annotated:
        scalar, bound = _shape(arguments[0], found), arguments[1]
        assert isinstance(scalar, Scalar)
        assert isinstance(bound, str | int)
        return Scalar(scalar.type, bound)
    if origin is Literal:
        return Choice(tuple(value for value in arguments if isinstance(value, str | int)))
    if origin is tuple:
        member = _shape(arguments[0], found)
        return Array(member) if arguments[1] is Ellipsis else FixedArray(member, len(arguments))
    if origin is Mapping:
        return Table(_shape(arguments[0], found), _shape(arguments[1], found))
    if hint is str:
        return Scalar("string")
    if hint is int:
        return Scalar("integer")
    assert isinstance(hint, type), f"{hint} has no spelling in a manifest"
    assert is_dataclass(hint), f"{hint} has no spelling in a manifest"
    if hint.__name__ not in found:
        _collect(hint, found)
    return Reference(hint.__name__)


def json_schema() -> str:
    """The JSON schema (draft 2020-12) of `model.json`."""
    definitions = {record.name: _schema_of_record(record) for record in records()}
    root = definitions.pop(Manifest.__name__)
    head: dict[str, JsonValue] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": _NOTICE}
    return json.dumps({**head, **root, "$defs": definitions}, indent=2, ensure_ascii=False) + "\n"


def _schema_of_record(record: Record) -> dict[str, JsonValue]:
    return {
        "title": record.name,
        "description": record.doc,
        "type": "object",
        "properties": {member.key: _schema(member.shape) for member in record.members},
        "required": [member.key for member in record.members if not member.optional],
        "additionalProperties": False,
    }


def _schema(shape: Shape) -> dict[str, JsonValue]:
    match shape:
        case Scalar(type=name, bound=str(pattern)):
            return {"type": name, "pattern": pattern}
        case Scalar(type=name, bound=int(minimum)):
            return {"type": name, "minimum": minimum}
        case Scalar(type=name):
            return {"type": name}
        case Choice(values=(value,)):
            return {"const": value}
        case Choice(values=values):
            return {"enum": list(values)}
        case Array(member=member):
            return {"type": "array", "items": _schema(member)}
        case FixedArray(member=member, length=length):
            return {"type": "array", "items": _schema(member), "minItems": length, "maxItems": length}
        case Table(key=key, member=member):
            return {"type": "object", "propertyNames": _schema(key), "additionalProperties": _schema(member)}
        case Reference(name=name):
            return {"$ref": f"#/$defs/{name}"}


def typescript() -> str:
    """The types of `model.json` for the browser runner."""
    lines = [f"// {_NOTICE}"]
    for record in records():
        lines += ["", "/**", *(f" * {line}".rstrip() for line in record.doc.splitlines()), " */"]
        lines.append(f"export interface {record.name} {{")
        lines += [f"  readonly {m.key}{'?' * m.optional}: {_typescript(m.shape)};" for m in record.members]
        lines.append("}")
    return "\n".join(lines) + "\n"


def _typescript(shape: Shape) -> str:
    match shape:
        case Scalar(type="string"):
            return "string"
        case Scalar():
            return "number"
        case Choice(values=values):
            return " | ".join(map(json.dumps, values))
        case Array(member=member):
            return f"ReadonlyArray<{_typescript(member)}>"
        case FixedArray(member=member, length=length):
            return f"readonly [{', '.join([_typescript(member)] * length)}]"
        case Table(member=member):
            return f"Readonly<Record<string, {_typescript(member)}>>"
        case Reference(name=name):
            return name


def python_types() -> str:
    """The types of `model.json` for the Python runner."""
    lines = [f'"""{_NOTICE}"""', "", "from typing import Literal, NotRequired, TypedDict"]
    for record in records():
        lines += ["", "", f"class {record.name}(TypedDict):", *_python_doc(record.doc), ""]
        for member in record.members:
            spelled = _python(member.shape)
            lines.append(f"    {member.key}: {f'NotRequired[{spelled}]' if member.optional else spelled}")
    return "\n".join(lines) + "\n"


def _python_doc(doc: str) -> list[str]:
    first, *rest = doc.splitlines()
    if not rest:
        return [f'    """{first}"""']
    return [f'    """{first}', *(f"    {line}".rstrip() for line in rest), '    """']


def _python(shape: Shape) -> str:
    match shape:
        case Scalar(type="string"):
            return "str"
        case Scalar():
            return "int"
        case Choice(values=values):
            return f"Literal[{', '.join(map(json.dumps, values))}]"
        case Array(member=member):
            return f"list[{_python(member)}]"
        case FixedArray(member=member, length=length):
            return f"tuple[{', '.join([_python(member)] * length)}]"
        case Table(member=member):
            return f"dict[str, {_python(member)}]"
        case Reference(name=name):
            return name


def generated() -> dict[Path, str]:
    """Every committed file that is generated from the dataclasses, with the text that it should have."""
    root = Path(str(files("webdnn")))
    return {
        root / "targets" / "bundle" / "model.schema.json": json_schema(),
        root / "runner" / "web" / "manifest.d.ts": typescript(),
        root / "runner" / "python" / "manifest.py": python_types(),
    }


def main() -> None:
    """Write the generated files."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
