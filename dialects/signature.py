"""What the arguments and results of a model's function say of themselves beside their types: names, logical types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.element import is_tensor

NAME = "dnn.name"
"""The name of an input or output in the model."""

TYPE = "dnn.type"
"""Its tensor type as the caller sees it, where the function's own type says how it is stored."""


def entries(given: ArrayAttr[DictionaryAttr] | None, count: int) -> list[dict[str, Attribute]]:
    """The attributes of each of `count` arguments or results."""
    found = [dict(a.data) for a in given] if given else []
    return found + [{} for _ in range(count - len(found))]


def written(attributes: Iterable[Mapping[str, Attribute]]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr(dict(a)) for a in attributes])


def keep_logical_types(function: FuncOp) -> None:
    """Note the tensor types that arguments and results have now, before they become stored arrays."""
    inputs, outputs = function.function_type.inputs.data, function.function_type.outputs.data
    function.arg_attrs = written(with_types(entries(function.arg_attrs, len(inputs)), inputs))
    function.res_attrs = written(with_types(entries(function.res_attrs, len(outputs)), outputs))


def with_types(attributes: Sequence[dict[str, Attribute]], types: Sequence[Attribute]) -> list[dict[str, Attribute]]:
    return [
        {**a, TYPE: TensorType(t.element_type, t.get_shape())} if is_tensor(t) and TYPE not in a else a
        for a, t in zip(attributes, types, strict=True)
    ]


def name_of(attributes: Mapping[str, Attribute], default: str) -> str:
    name = attributes.get(NAME)
    return name.data if isinstance(name, StringAttr) else default


def logical_type(attributes: Mapping[str, Attribute], value: SSAValue) -> Attribute:
    """The type as the caller sees it: noted, or else the value's own."""
    return attributes.get(TYPE, value.type)
