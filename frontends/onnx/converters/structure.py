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
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.converters.random import dropped
from webdnn.frontends.onnx.filled import counted, counts, number
from webdnn.frontends.onnx.formats import format_name
from webdnn.frontends.onnx.node import Lost, Node, NotConstant
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, joined, stacked
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
    return [chosen(holds, i, Term(node, a), Term(node, b)) if used else a for i, (used, a, b) in enumerate(pairs)]


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


def chosen(holds: Term, i: int, yes: Term, no: Term) -> SSAValue:
    """Output `i` of the one branch or the other, of one rank and element type; extents that differ become counted."""
    node = holds.node
    if yes.value is no.value:
        return yes.value
    (found, rank), (other, other_rank) = ((described(term), len(term.shape)) for term in (yes, no))
    if found.split()[0] != other.split()[0] or rank != other_rank:
        raise NotConstant(
            f"'{node.op_type}' chooses at run time between values of different types: output {i} is {found} or {other}",
            where=node.name,
            hint=f"fix its condition with {node.fixing(0)}, or export the model with one rank and type for both",
        )
    counts = chosen_counts(holds, yes, no)
    shape = [max(pair) for pair in zip(yes.shape, no.shape, strict=True)]
    if 0 in shape:
        return counted(node, yes.value, counts)
    value, format = holds.where(widened(yes, shape), widened(no, shape)).value, node.emitter.formats.get(yes.value)
    value = value if format is None else node.emitter.marked(value, format, node.name)
    return counted(node, value, counts)


def chosen_counts(holds: Term, yes: Term, no: Term) -> dict[int, Term]:
    """The counted axes of a choice: those of either value, and those that are longer in one than in the other."""
    node, found = holds.node, dict[int, Term]()
    one, other = (node.emitter.counting.of(term.value) for term in (yes, no))
    for axis, (extent, wanted) in enumerate(zip(yes.shape, no.shape, strict=True)):
        if axis in one or axis in other or extent != wanted:
            a = Term(node, one[axis]) if axis in one else number(node, extent)
            b = Term(node, other[axis]) if axis in other else number(node, wanted)
            found[axis] = a if node.emitter.counting.numbers.same(a.value, b.value) else holds.where(a, b)
    return found


def widened(term: Term, shape: Sequence[int]) -> Term:
    """The value, with zeros behind it along axes that are shorter than those of the shape."""
    for axis, extent in enumerate(shape):
        if term.shape[axis] < extent:
            missing = (*term.shape[:axis], extent - term.shape[axis], *term.shape[axis + 1 :])
            dtype = numpy_dtype(element_type(term.value.type))
            zeros = Term.known(term.node, as_array(np.zeros(missing, dtype)))
            term = joined([part for part in (term, zeros) if 0 not in part.shape], axis) if term.shape[axis] else zeros
    return term


def described(term: Term) -> str:
    """The type of a value in messages."""
    format = term.node.emitter.formats.get(term.value)
    element = element_type(term.value.type).name if format is None else format_name(format)
    return f"{element} {list(term.shape)}"


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
