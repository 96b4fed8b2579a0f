"""How an operator takes counted axes: what it computes on instead, and which axes of its results are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import Converter
from webdnn.frontends.onnx.term import Term


def unchanged(node: Node) -> Node:
    """The node as it is."""
    return node


def as_found(node: Node, results: Sequence[SSAValue]) -> Sequence[SSAValue]:
    """Results as they are."""
    return results


@dataclass(frozen=True)
class Rule:
    """(node, one of its results) -> the counted axes of that result.

    `prepare` gives the node that is converted in place of the one in the model, such as one with zeros behind what is
    filled, and `finish` what is made of its results. `convert`, where there is one, stands in for the converter.
    """

    counts: Callable[[Node, SSAValue], Mapping[int, Term]]
    prepare: Callable[[Node], Node] = unchanged
    finish: Callable[[Node, Sequence[SSAValue]], Sequence[SSAValue]] = as_found
    convert: Converter | None = None
