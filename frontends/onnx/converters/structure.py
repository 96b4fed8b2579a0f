"""Converters of what a model's graph is made with: constants, names for values, branches and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from math import prod
from operator import mul

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.frontends.onnx.choice import chosen
from webdnn.frontends.onnx.converters.random import dropped
from webdnn.frontends.onnx.filled import counts, number
from webdnn.frontends.onnx.node import Lost, Node, NotConstant
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, stacked
from webdnn.support.weights import numpy_dtype


@converter("Constant")
def constant(node: Node) -> SSAValue:
    """The one attribute that is set says of which kind it is."""
    if node.has("value"):
        return node.held("value")
    if node.has("sparse_value"):
        array = node.sparse_tensor("sparse_value")
    elif node.has("value_int"):
        array = np.array(node.integer("value_int"), np.int64)
    elif node.has("value_ints"):
        array = np.array(node.integers("value_ints"), np.int64)
    elif node.has("value_float"):
        array = np.array(node.number("value_float"), np.float32)
    elif node.has("value_floats"):
        array = np.array(node.numbers("value_floats"), np.float32)
    else:
        node.refuse("holds text", hint="tensors of strings are not supported; export the model without them")
    return node.constant_value(as_array(array))


@converter("Identity", listing=True)
def identity(node: Node) -> SSAValue:
    return node.operand(0)


@converter("Dropout")
def dropout(node: Node) -> Sequence[SSAValue]:
    """Nothing is dropped in inference; the mask is all true (before opset 12 it had the operand's type)."""
    if node.opset >= 12 and node.optional(2) is not None and node.constant(2).any():
        ratio = float(node.constant_or(1, as_array(np.array(0.5))).reshape(()))
        if not 0 <= ratio < 1:
            node.refuse(f"drops elements with the probability {ratio}", hint="the ratio is from 0 to less than 1")
        if ratio:
            return dropped(node, Term.operand(node, 0), ratio)
    if not any(node.outputs[1:]):
        return [node.operand(0)]
    mask = (
        np.ones(node.shape(0), np.bool_) if node.opset >= 10 else np.ones(node.shape(0), numpy_dtype(node.element(0)))
    )
    return [node.operand(0), node.constant_value(as_array(mask))]


@converter("If", counting=True)
def branch(node: Node) -> Sequence[SSAValue]:
    """The branch that is taken, when that is known; else both, and a choice between what they give."""
    count = prod(node.shape(0))
    if count != 1:
        node.refuse(f"has a condition of {count} elements", hint="check the model with onnx.checker")
    condition = known(node.operand(0))
    if condition is not None:
        return node.inline(node.graph("then_branch" if condition.reshape(-1)[0] else "else_branch"))
    yes, no = both_branches(node)
    holds = Term.operand(node, 0).reshaped()
    pairs = zip(node.outputs, yes, no, strict=False)
    fixed = f"fix its condition with {node.fixing(0)}"
    return [
        chosen(holds, i, Term(node, a), Term(node, b), fixed) if used else a for i, (used, a, b) in enumerate(pairs)
    ]


def both_branches(node: Node) -> list[list[SSAValue]]:
    """What each branch gives; where one cannot be imported, the other is tried too. Raises DiagnosticError."""
    found: list[list[SSAValue]] = []
    for name in ("then_branch", "else_branch"):
        with suppress(Lost):
            found.append(node.inline(node.graph(name)))
    if len(found) < 2:
        raise NotConstant(
            f"'{node.op_type}' chooses at run time between branches that cannot both be imported",
            where=node.name,
            hint=f"fix its condition with {node.fixing(0)}, so that one branch is enough",
        )
    if len({len(values) for values in found}) > 1:
        node.refuse("has branches that give different numbers of values", hint="check the model with onnx.checker")
    return found


@converter("Shape", counting=True)
def shape(node: Node) -> SSAValue:
    extents = shape_terms(node)
    part = extents[slice(node.integer("start", 0), node.integer("end", len(extents)))]
    return stacked(part).cast("i64").value if part else node.constant_value(as_array(np.zeros(0, np.int64)))


@converter("Size", counting=True)
def size(node: Node) -> SSAValue:
    return reduce(mul, shape_terms(node), number(node, 1)).cast("i64").value


def shape_terms(node: Node) -> list[Term]:
    """The extents of the operand, those of counted axes as they are counted."""
    found = counts(node, 0)
    return [found.get(axis) or number(node, extent) for axis, extent in enumerate(node.shape(0))]


@converter("OptionalHasElement")
def optional_has_element(node: Node) -> SSAValue:
    """A tensor is one that is there; what is left out is not."""
    return node.constant_value(as_array(np.array(node.optional(0) is not None)))


@converter("Optional", "OptionalGetElement")
def optional_get_element(node: Node) -> SSAValue:
    """A tensor stands for an optional one that is there."""
    if node.optional(0) is None:
        node.refuse("takes the element of an optional value that has none", hint="remove the branch that it is in")
    return node.operand(0)
