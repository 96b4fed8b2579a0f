"""What converters write counted axes with: which places are filled, the places of what is found, computed extents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import NoReturn

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer
from webdnn.dialects.dnn.reduction import CumSumOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.selection import SearchSortedOp
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.node import Node, NotConstant
from webdnn.frontends.onnx.rearrange import part_of
from webdnn.frontends.onnx.term import Term
from webdnn.support.element_type import Kind


def counted(node: Node, value: SSAValue, counts: Mapping[int, Term]) -> SSAValue:
    """The value, of whose axes so many places are filled. Where a number is known, the rest is cut off."""
    open_ = dict[int, SSAValue]()
    for axis, count in counts.items():
        bounds = node.emitter.counting.settled(count.value)
        if bounds is not None and bounds[0] == bounds[1]:
            value = part_of(node, value, axis, range(bounds[0]))
        else:
            open_[axis] = count.value if bounds is None or bounds[2] is None else bounds[2]
    if not open_:
        return value
    if value in node.operands or known(value) is not None or value in node.emitter.counting.counts:
        value = node.emitter.renamed(value, node.name)
    node.emitter.counting.counts[value] = open_
    return value


def counts(node: Node, i: int) -> dict[int, Term]:
    """The counted axes of an operand."""
    return {axis: Term(node, count) for axis, count in node.emitter.counting.of(node.optional(i)).items()}


def refuse_counted(node: Node, problem: str, hint: str) -> NoReturn:
    """Say why a node cannot take counted axes; where dimensions of inputs count them, these can be bound instead."""
    found = [count for operand in node.operands for count in node.emitter.counting.of(operand).values()]
    options = dict.fromkeys(o for count in found for o in node.emitter.settled_by(count) if o.startswith("--dim"))
    node.refuse(problem, hint=f"bind a dimension to one size ({' '.join(options)}), or {hint}" if options else hint)


def merged(node: Node, parts: Sequence[tuple[int, Term]]) -> dict[int, Term]:
    """Counts of the axes of one result; those of one axis have to be the same."""
    found: dict[int, Term] = {}
    for axis, count in parts:
        if axis in found and not same(found[axis], count):
            refuse_counted(
                node,
                "combines elements that are counted apart, and may be more here than there",
                hint="let the same condition or the same dimension count them",
            )
        found.setdefault(axis, count)
    return found


def same(a: Term, b: Term) -> bool:
    """Are two counts computed alike?"""
    return a.node.emitter.counting.numbers.same(a.value, b.value)


def replaced(node: Node, operands: Mapping[int, Term]) -> Node:
    """The node with other operands."""
    given = list(node.operands)
    for i, operand in operands.items():
        given[i] = operand.value
    return replace(node, operands=given)


def without_rest(node: Node, i: int, axes: Collection[int], other: float) -> Term:
    """An operand, with another number at all places of these axes that are not filled."""
    value, zeros = Term.operand(node, i), node.emitter.counting.zeros
    for axis, count in counts(node, i).items():
        if axis in axes and not (other == 0 and (node.operands[i], axis) in zeros):
            value = masked(value, axis, count, other)
    return value


def lowest(x: Term) -> float:
    """What no element of the type is below."""
    element = element_type(x.value.type)
    if not element.is_integer:
        return -np.inf
    return -(1 << (element.bits - 1)) if element.kind is Kind.SIGNED else 0


def highest(x: Term) -> float:
    """What no element of the type is above."""
    element = element_type(x.value.type)
    return (1 << element.bits) - 1 + int(lowest(x)) if element.is_integer else np.inf


def numbers(node: Node, extent: int) -> Term:
    """0, 1, …, extent - 1 (i32)"""
    return Term.known(node, as_array(np.arange(extent, dtype=np.int32)))


def number(node: Node, value: int) -> Term:
    """A number as counts are."""
    return Term.known(node, as_array(np.array(value, np.int32)))


def bounded(count: Term, most: int) -> Term:
    """A count of which more may be known from now on: that it is none at least, and so many at most."""
    counting = count.node.emitter.counting
    if known(count.value) is None and counting.integers(count.value) is None:
        counting.note(count.value, 0, most)
    return count


def filled(node: Node, extent: int, count: Term) -> Term:
    """Which of the places of an axis are filled: (extent) bools."""
    return numbers(node, extent).less(count)


def masked(value: Term, axis: int, count: Term, other: Term | float) -> Term:
    """The value, with another number at all places of an axis that are not filled."""
    extent, behind = value.shape[axis], len(value.shape) - 1 - axis
    here = filled(value.node, extent, count).reshaped(extent, *[1] * behind)
    return here.where(value, other)


def first(condition: Term) -> tuple[Term, Term]:
    """The places (i32) of a vector of bools that hold, in order and before any others, and how many they are.

    The place of the r-th is the number of places up to which at most r hold.
    """
    node, (extent,) = condition.node, condition.shape
    upto = running(condition)
    count = upto.at(0, extent - 1)
    if known(count.value) is None:
        node.emitter.counting.note(count.value, 0, extent)
    places = node.add(SearchSortedOp.of(upto.value, numbers(node, extent).value))
    return Term(node, places).at_most(extent - 1), count


def running(condition: Term) -> Term:
    """Up to each place of a vector of bools, how many hold (i32)."""
    options = {"axis": integer(0), "exclusive": flag(False), "reverse": flag(False)}
    return Term(condition.node, condition.node.add(CumSumOp.of(condition.cast("i32").value, **options)))


def known_integers(node: Node, i: int) -> Sequence[int]:
    """The numbers of an operand that must be known now, or else lie in a range. Raises NotConstant."""
    try:
        return node.constant_integers(i)
    except NotConstant as error:
        name = node.operand_names[i] if prod(node.shape(i)) == 1 else "NUMBER"
        given = "it" if name != "NUMBER" else "the number in it that is computed"
        (problem,) = error.problems
        hint = f"say how large {given} can be, as in --dim {name}=1..100, or {problem.hint}"
        raise NotConstant(problem.what, where=problem.where, hint=hint) from error


def extents_of(node: Node, i: int) -> Sequence[tuple[int, Term | None]]:
    """The numbers of a required operand that says a shape: the most that each can be, and what it is if that varies."""
    value = node.operand(i)
    bounds = None if known(value) is not None else node.emitter.counting.integers(value)
    if bounds is None:
        return [(extent, None) for extent in known_integers(node, i)]
    found, flat = list[tuple[int, Term | None]](), Term(node, value).reshaped(len(bounds)).cast("i32")
    for at, (least, most, count) in enumerate(bounds):
        varies = flat.at(0, at) if count is None else Term(node, count)
        found.append((most, None if least == most else varies))
    return found
