"""What the arguments and results of a model's function say of themselves beside their types: their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr
from xdsl.ir import Attribute

NAME = "dnn.name"
"""The name of an input or output in the model."""


def entries(given: ArrayAttr[DictionaryAttr] | None, count: int) -> list[dict[str, Attribute]]:
    """The attributes of each of `count` arguments or results."""
    found = [dict(a.data) for a in given] if given else []
    return found + [{} for _ in range(count - len(found))]


def written(attributes: Iterable[Mapping[str, Attribute]]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr(dict(a)) for a in attributes])


def name_of(attributes: Mapping[str, Attribute], default: str) -> str:
    name = attributes.get(NAME)
    return name.data if isinstance(name, StringAttr) else default
