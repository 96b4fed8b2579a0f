"""Converters of what reads and replaces elements at computed indices."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import integer, text
from webdnn.dialects.dnn.gather import GatherElementsOp, GatherNdOp, GatherOp, ReverseSequenceOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.scatter import ScatterElementsOp, ScatterNdOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.filled import counted, counts, first, masked
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import part_of, reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import normalize_axis


@converter("Gather")
def gather(node: Node) -> SSAValue:
    """Indices that are known and evenly spaced are a slice."""
    x, indices = node.operand(0), node.operand(1)
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    array = known(indices)
    part = None if array is None else evenly_spaced(array, node.shape(0)[axis])
    if part is None:
        return node.add(GatherOp.of(x, indices, axis=integer(axis)))
    shape = node.shape(0)
    return reshaped(node, part_of(node, x, axis, part), (*shape[:axis], *shape_of(indices), *shape[axis + 1 :]))


def evenly_spaced(indices: Array, extent: int) -> range | None:
    """The range that these indices are, if they are one; negative ones count from the end."""
    places = [int(i) + extent if i < 0 else int(i) for i in indices.reshape(-1)]
    if not places or not all(0 <= place < extent for place in places):
        return None
    step = places[1] - places[0] if len(places) > 1 else 1
    end = places[0] + step * len(places)
    return range(places[0], end, step) if step and list(range(places[0], end, step)) == places else None


@converter("GatherElements")
def gather_elements(node: Node) -> SSAValue:
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    return node.add(GatherElementsOp.of(node.operand(0), node.operand(1), axis=integer(axis)))


@converter("GatherND")
def gather_nd(node: Node) -> SSAValue:
    batch = integer(node.integer("batch_dims", 0))
    return node.add(GatherNdOp.of(node.operand(0), node.operand(1), batch_dims=batch))


@converter("Scatter", "ScatterElements")
def scatter_elements(node: Node) -> SSAValue:
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    reduction = text(node.text("reduction", "none"))
    operands = (node.operand(i) for i in range(3))
    return node.add(ScatterElementsOp.of(*operands, axis=integer(axis), reduction=reduction))


@converter("ScatterND")
def scatter_nd(node: Node) -> SSAValue:
    operands = (node.operand(i) for i in range(3))
    return node.add(ScatterNdOp.of(*operands, reduction=text(node.text("reduction", "none"))))


@converter("Compress", counting=True)
def compress(node: Node) -> SSAValue:
    """The elements where a condition holds; of the flat operand where there is no axis."""
    x, shape = node.operand(0), node.shape(0)
    if not node.has("axis"):
        if len(shape) > 1 and counts(node, 0):
            node.refuse("flattens what is found at run time", hint="select along an axis")
        x = reshaped(node, x, (int(np.prod(shape)),))
    axis, condition = normalize_axis(node.integer("axis", 0), len(shape_of(x))), Term.operand(node, 1)
    extent = min(shape_of(x)[axis], condition.shape[0])
    condition = condition.part(0, range(extent))
    for count in (*counts(node, 1).values(), *(c for a, c in counts(node, 0).items() if a == axis)):
        condition = masked(condition, 0, count, 0)
    places, count = first(condition)
    found = node.add(GatherOp.of(x, places.value, axis=integer(axis)))
    rest = {a: c for a, c in counts(node, 0).items() if a != axis}
    return counted(node, found, {**rest, axis: count})


@converter("ReverseSequence")
def reverse_sequence(node: Node) -> SSAValue:
    time, batch = node.integer("time_axis", 0), node.integer("batch_axis", 1)
    return node.add(
        ReverseSequenceOp.of(node.operand(0), node.operand(1), time_axis=integer(time), batch_axis=integer(batch))
    )
