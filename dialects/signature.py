"""What arguments and results of a model's function say of themselves beside their types: names, counted axes, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, DictionaryAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute

NAME = "dnn.name"
"""The name of an input or output in the model."""

COUNTED = "dnn.counted"
"""Of an output with counted axes: pairs of an axis, and the number of the output that says how much of it is filled.

Of an input alike, with the number of the input that says it.
"""

SIZES = "dnn.sizes"
"""Of an input that holds the size of a dimension: the dimension's name, the least and the greatest size."""


@dataclass(frozen=True)
class Sizes:
    """The sizes that a dimension takes from run to run, both ends included."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least}..{self.most}"


def entries(given: ArrayAttr[DictionaryAttr] | None, count: int) -> list[dict[str, Attribute]]:
    """The attributes of each of `count` arguments or results."""
    found = [dict(a.data) for a in given] if given else []
    return found + [{} for _ in range(count - len(found))]


def written(attributes: Iterable[Mapping[str, Attribute]]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr(dict(a)) for a in attributes])


def name_of(attributes: Mapping[str, Attribute], default: str) -> str:
    name = attributes.get(NAME)
    return name.data if isinstance(name, StringAttr) else default


def counted_axes(attributes: Mapping[str, Attribute]) -> dict[int, int]:
    """The counted axes of an output (or input), each with the output (or input) that holds its count."""
    found = attributes.get(COUNTED)
    if found is None or not DenseArrayBase.constr(i64).verifies(found):
        return {}
    numbers = found.get_values()
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def counted_attribute(axes: Mapping[int, int]) -> Attribute:
    return DenseArrayBase.from_list(i64, [number for pair in axes.items() for number in pair])


def sizes_of(attributes: Mapping[str, Attribute]) -> tuple[str, Sizes] | None:
    """The dimension whose size an input holds, by name, and the sizes that it can have."""
    match attributes.get(SIZES):
        case ArrayAttr(data=(StringAttr(data=name), IntegerAttr() as least, IntegerAttr() as most)):
            return name, Sizes(least.value.data, most.value.data)
        case _:
            return None


def sizes_attribute(name: str, sizes: Sizes) -> Attribute:
    numbers = (IntegerAttr(n, i64) for n in (sizes.least, sizes.most))
    return ArrayAttr[Attribute]([StringAttr(name), *numbers])
