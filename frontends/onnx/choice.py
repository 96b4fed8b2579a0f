"""A choice at run time between two values that are both computed: a selection, counted where they differ in length."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.filled import counted, number
from webdnn.frontends.onnx.formats import format_name
from webdnn.frontends.onnx.node import NotConstant
from webdnn.frontends.onnx.term import Term, joined
from webdnn.support.weights import numpy_dtype


def chosen(holds: Term, i: int, yes: Term, no: Term, fixed: str) -> SSAValue:
    """Output `i` in the one case or the other, of one rank and element type; extents that differ become counted.

    Values of two types are refused, unless the user does what `fixed` says.
    """
    node = holds.node
    if yes.value is no.value:
        return yes.value
    no = ranked_like(yes, no)
    (found, rank), (other, other_rank) = ((described(term), len(term.shape)) for term in (yes, no))
    if found.split()[0] != other.split()[0] or rank != other_rank:
        raise NotConstant(
            f"'{node.op_type}' chooses at run time between values of different types: output {i} is {found} or {other}",
            where=node.name,
            hint=f"{fixed}, or export the model with one rank and type for both",
        )
    counts = chosen_counts(holds, yes, no)
    shape = [max(pair) for pair in zip(yes.shape, no.shape, strict=True)]
    if 0 in shape:
        return counted(node, yes.value, counts)
    value, format = holds.where(widened(yes, shape), widened(no, shape)).value, node.emitter.formats.get(yes.value)
    value = value if format is None else node.emitter.marked(value, format, node.name)
    return counted(node, value, counts)


def ranked_like(wanted: Term, term: Term) -> Term:
    """One element with as many axes as another: exporters are not careful whether a number has an axis."""
    rank = len(wanted.shape)
    single = prod(wanted.shape) == prod(term.shape) == 1 and len(term.shape) != rank
    return term.reshaped(*[1] * rank) if single else term


def chosen_counts(holds: Term, yes: Term, no: Term) -> dict[int, Term]:
    """The counted axes of a choice: those of either value, and those that are longer in one than in the other."""
    node, found = holds.node, dict[int, Term]()
    one, other = (node.emitter.counting.of(term.value) for term in (yes, no))
    for axis, (extent, wanted) in enumerate(zip(yes.shape, no.shape, strict=True)):
        if axis in one or axis in other or extent != wanted:
            a = Term(node, one[axis]) if axis in one else number(node, extent)
            b = Term(node, other[axis]) if axis in other else number(node, wanted)
            found[axis] = a if node.emitter.counting.numbers.same(a.value, b.value) else either(holds, a, b)
    return found


def either(holds: Term, a: Term, b: Term) -> Term:
    """One count or the other, of which the least and the greatest are known if both are."""
    counting, count = holds.node.emitter.counting, holds.where(a, b)
    bounds = [counting.settled(term.value) for term in (a, b)]
    if known(count.value) is None and bounds[0] and bounds[1]:
        counting.note(count.value, min(bounds[0][0], bounds[1][0]), max(bounds[0][1], bounds[1][1]))
    return count


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
