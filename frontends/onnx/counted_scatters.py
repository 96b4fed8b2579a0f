"""Rules for writing at indices of which only the first are filled: the others write to a place that is cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.filled import counts, masked, merged, number, refuse_counted, replaced
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import part_of
from webdnn.frontends.onnx.rule import Rule
from webdnn.frontends.onnx.term import Term, joined, stacked
from webdnn.support.shapes import normalize_axis
from webdnn.support.weights import numpy_dtype


def of_data(node: Node, result: SSAValue) -> dict[int, Term]:
    """What is written into keeps its size."""
    return counts(node, 0)


def axis_of(node: Node) -> int:
    return normalize_axis(node.integer("axis", 0), len(node.shape(0)))


def elements(node: Node) -> Node:
    """Each index names a place of one axis."""
    axis = axis_of(node)
    indices = from_start(node, [axis]).reshaped(*node.shape(1))
    varying = merged(node, [*counts(node, 1).items(), *counts(node, 2).items()])
    for along, count in varying.items():
        indices = masked(indices, along, count, node.shape(0)[axis])
    return replaced(node, {0: longer(node, axis), 1: indices} if varying else {1: indices})


def rows(node: Node) -> Node:
    """The last axis of the indices names places of the first axes; the rest of what is written has to fit."""
    depth, behind = node.shape(1)[-1], len(node.shape(1)) - 1
    if behind in counts(node, 1):
        refuse_counted(node, "names places of as many axes as are counted", hint="give it one row for each element")
    rest = {axis - behind + depth: count for axis, count in counts(node, 2).items() if axis >= behind}
    if not rest.keys() <= counts(node, 0).keys():
        refuse_counted(node, "writes rows whose size varies into rows of one size", hint="cut both to the same size")
    merged(node, [*rest.items(), *((axis, count) for axis, count in counts(node, 0).items() if axis in rest)])
    written = [(axis, count) for axis, count in counts(node, 2).items() if axis < behind]
    varying, indices = merged(node, [*counts(node, 1).items(), *written]), from_start(node, range(depth))
    aside = np.zeros(depth, numpy_dtype(node.element(1)))
    aside[0] = node.shape(0)[0]
    for along, count in varying.items():
        indices = masked(indices, along, count, Term.known(node, as_array(aside)))
    return replaced(node, {0: longer(node, 0), 1: indices} if varying else {1: indices})


def from_start(node: Node, axes: Sequence[int]) -> Term:
    """Indices into these axes, one for each place of their last axis or one axis for all, none of them negative."""
    indices, array = Term.operand(node, 1), known(node.operand(1))
    if array is not None and (array.astype(np.int64) >= 0).all():
        return indices
    extents = [counts(node, 0).get(axis) or number(node, node.shape(0)[axis]) for axis in axes]
    return indices.less(0).where(indices + stacked(extents).cast(node.element(1).name), indices)


def longer(node: Node, axis: int) -> Term:
    """What is written into, and behind it one place more."""
    data = Term.operand(node, 0)
    return joined([data, data.part(axis, range(1))], axis)


def cut(node: Node, results: Sequence[SSAValue], axis: int) -> Sequence[SSAValue]:
    """The result without the place that is behind the data."""
    extent = node.shape(0)[axis]
    return [part_of(node, value, axis, range(extent)) if shape_of(value)[axis] > extent else value for value in results]


def cut_elements(node: Node, results: Sequence[SSAValue]) -> Sequence[SSAValue]:
    return cut(node, results, axis_of(node))


def cut_rows(node: Node, results: Sequence[SSAValue]) -> Sequence[SSAValue]:
    return cut(node, results, 0)


SCATTERS: Mapping[str, Rule] = {
    "Scatter": Rule(of_data, elements, cut_elements),
    "ScatterElements": Rule(of_data, elements, cut_elements),
    "ScatterND": Rule(of_data, rows, cut_rows),
}
"""Operators that write at computed indices"""
