"""The table from ONNX operators to what imports them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from xdsl.ir import SSAValue

from webdnn.frontends.onnx.node import Node

Converter = Callable[[Node], SSAValue | Sequence[SSAValue]]
"""(node) -> its result or results, in the order of its outputs; trailing results that nobody uses may be left out"""

ConverterT = TypeVar("ConverterT", bound=Converter)

CONVERTERS: dict[tuple[str, str], Converter] = {}
"""(domain, operator) -> its converter; ONNX's own domain is the empty one."""


def converter(*op_types: str, domain: str = "") -> Callable[[ConverterT], ConverterT]:
    """Decorate what imports an operator, of every opset from 7 on: `def conv(node: Node) -> SSAValue`."""

    def register(function: ConverterT) -> ConverterT:
        for op_type in op_types:
            assert (domain, op_type) not in CONVERTERS, f"{op_type} has two converters"
            CONVERTERS[domain, op_type] = function
        return function

    return register
