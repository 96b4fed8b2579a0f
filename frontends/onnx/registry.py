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


COUNTING: set[str] = set()
"""Operators whose converters see to the counts of what is found at run time themselves"""

LISTING: set[str] = set()
"""Operators whose converters take sequences of tensors, or pass them on"""


def converter(
    *op_types: str, domain: str = "", counting: bool = False, listing: bool = False
) -> Callable[[ConverterT], ConverterT]:
    """Decorate what imports an operator, of every opset from 7 on: `def conv(node: Node) -> SSAValue`.

    One is `counting` where it knows of counted axes, and `listing` where it takes sequences of tensors.
    """

    def register(function: ConverterT) -> ConverterT:
        for op_type in op_types:
            assert (domain, op_type) not in CONVERTERS, f"{op_type} has two converters"
            CONVERTERS[domain, op_type] = function
            COUNTING.update([op_type] if counting else [])
            LISTING.update([op_type] if listing else [])
        return function

    return register
