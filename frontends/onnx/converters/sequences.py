"""Converters of sequences of tensors, which are lists while a model is imported: their lengths have to be known."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.converters.slicing import cut
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, joined, stacked
from webdnn.support.shapes import normalize_axis


def members(node: Node, i: int = 0) -> list[SSAValue]:
    """The tensors of a required operand that is a sequence."""
    found = node.emitter.sequences.get(node.operand(i))
    if found is None:
        node.refuse("takes a tensor where it needs a sequence", hint="check the model with onnx.checker")
    return list(found)


def position(node: Node, i: int, length: int, default: int) -> int:
    """A place in a sequence, known at import; negative ones count from the end."""
    place = default if node.optional(i) is None else int(node.constant(i).reshape(()))
    if not -length <= place < length:
        node.refuse(f"asks for place {place} of {length}", hint="check the model with onnx.checker")
    return place % length


@converter("SequenceEmpty")
def sequence_empty(node: Node) -> SSAValue:
    return node.emitter.sequence([])


@converter("SequenceConstruct")
def sequence_construct(node: Node) -> SSAValue:
    return node.emitter.sequence([node.operand(i) for i in range(len(node.operands))])


@converter("SequenceAt", listing=True)
def sequence_at(node: Node) -> SSAValue:
    tensors = members(node)
    return tensors[position(node, 1, len(tensors), 0)]


@converter("SequenceLength", listing=True)
def sequence_length(node: Node) -> SSAValue:
    return node.constant_value(as_array(np.array(len(members(node)), np.int64)))


@converter("SequenceInsert", listing=True)
def sequence_insert(node: Node) -> SSAValue:
    """Before a place, which may be the one behind the last."""
    tensors = members(node)
    place = len(tensors)
    if node.optional(2) is not None:
        place = int(node.constant(2).reshape(()))
        if not -len(tensors) <= place <= len(tensors):
            node.refuse(f"inserts at place {place} of {len(tensors)}", hint="check the model with onnx.checker")
        place += len(tensors) if place < 0 else 0
    return node.emitter.sequence([*tensors[:place], node.operand(1), *tensors[place:]])


@converter("SequenceErase", listing=True)
def sequence_erase(node: Node) -> SSAValue:
    tensors = members(node)
    place = position(node, 1, len(tensors), -1)
    return node.emitter.sequence([*tensors[:place], *tensors[place + 1 :]])


@converter("SplitToSequence")
def split_to_sequence(node: Node) -> SSAValue:
    """In the given sizes, or in parts of one size, the last of which may be smaller; else place by place."""
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    extent = node.shape(0)[axis]
    if node.optional(1) is None:
        terms = [Term.operand(node, 0).part(axis, range(i, i + 1)) for i in range(extent)]
        kept = node.integer("keepdims", 1)
        return node.emitter.sequence([(t if kept else t.at(axis, 0)).value for t in terms])
    sizes = node.constant(1)
    if sizes.ndim == 0:
        size = max(1, int(sizes))
        return node.emitter.sequence(cut(node, axis, [min(size, extent - i) for i in range(0, extent, size)]))
    return node.emitter.sequence(cut(node, axis, [int(n) for n in sizes]))


@converter("ConcatFromSequence", listing=True)
def concat_from_sequence(node: Node) -> SSAValue:
    tensors = [Term(node, value) for value in members(node)]
    if not tensors:
        node.refuse("joins no tensors", hint="remove the branch of the model that it is in")
    axis, new = node.integer("axis"), node.integer("new_axis", 0)
    at = normalize_axis(axis, len(tensors[0].shape) + new)
    if new:
        return stacked(tensors, at).value
    filled = [t for t in tensors if t.shape[at]] or tensors[:1]
    return joined(filled, at).value
