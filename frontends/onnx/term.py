"""Values with Python's arithmetic, for converters that write an operator as a formula of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.base import BinaryOp, UnaryOp, flag, integer, ints
from webdnn.dialects.dnn.gather import GatherElementsOp, GatherOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMeanOp, ReduceSumOp, ReductionOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.shape import ConcatOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.frontends.onnx.formats import plain_cast
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.products import product
from webdnn.frontends.onnx.rearrange import expanded, part_of, reshaped, transposed
from webdnn.support.weights import numpy_dtype


@dataclass(frozen=True)
class Term:
    """A value in a formula of a node. Numbers take the element type of the term that they meet."""

    node: Node
    value: SSAValue

    @classmethod
    def operand(cls, node: Node, i: int) -> Term:
        """A required operand of the node."""
        return cls(node, node.operand(i))

    @classmethod
    def known(cls, node: Node, array: Array) -> Term:
        """A constant; the array must not be written to later."""
        return cls(node, node.constant_value(array))

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self.value)

    def like(self, other: Term | float) -> SSAValue:
        """What the term meets, as a value."""
        if isinstance(other, Term):
            return other.value
        dtype = numpy_dtype(element_type(self.value.type))
        return self.node.constant_value(as_array(np.array(other).astype(dtype)))

    def meets(self, kind: type[BinaryOp], other: Term | float, turned: bool = False) -> Term:
        pair = (self.like(other), self.value) if turned else (self.value, self.like(other))
        return Term(self.node, self.node.add(kind(*pair)))

    def __add__(self, other: Term | float) -> Term:
        return self.meets(dnn.AddOp, other)

    def __radd__(self, other: float) -> Term:
        return self.meets(dnn.AddOp, other, True)

    def __sub__(self, other: Term | float) -> Term:
        return self.meets(dnn.SubOp, other)

    def __rsub__(self, other: float) -> Term:
        return self.meets(dnn.SubOp, other, True)

    def __mul__(self, other: Term | float) -> Term:
        return self.meets(dnn.MulOp, other)

    def __rmul__(self, other: float) -> Term:
        return self.meets(dnn.MulOp, other, True)

    def __truediv__(self, other: Term | float) -> Term:
        return self.meets(dnn.DivOp, other)

    def __rtruediv__(self, other: float) -> Term:
        return self.meets(dnn.DivOp, other, True)

    def __matmul__(self, other: Term) -> Term:
        return Term(self.node, product(self.node, self.value, other.value))

    def __and__(self, other: Term) -> Term:
        return self.meets(dnn.AndOp, other)

    def __or__(self, other: Term) -> Term:
        return self.meets(dnn.OrOp, other)

    def less(self, other: Term | float) -> Term:
        return self.meets(dnn.LessOp, other)

    def greater(self, other: Term | float) -> Term:
        return self.meets(dnn.GreaterOp, other)

    def equals(self, other: Term | float) -> Term:
        return self.meets(dnn.EqualOp, other)

    def at_least(self, low: Term | float) -> Term:
        return self.meets(dnn.MaxOp, low)

    def at_most(self, high: Term | float) -> Term:
        return self.meets(dnn.MinOp, high)

    def where(self, yes: Term, no: Term | float) -> Term:
        """`yes` where this term holds, else `no`."""
        return Term(self.node, self.node.add(dnn.WhereOp.of(self.value, yes.value, yes.like(no))))

    def apply(self, kind: type[UnaryOp]) -> Term:
        """An element-wise function of the term."""
        return Term(self.node, self.node.add(kind(self.value)))

    def cast(self, element: str) -> Term:
        return Term(self.node, plain_cast(self.node, self.value, element))

    def reshaped(self, *shape: int) -> Term:
        return Term(self.node, reshaped(self.node, self.value, shape))

    def transposed(self, *permutation: int) -> Term:
        return Term(self.node, transposed(self.node, self.value, permutation))

    def expanded(self, *shape: int) -> Term:
        return Term(self.node, expanded(self.node, self.value, shape))

    def part(self, axis: int, part: range) -> Term:
        return Term(self.node, part_of(self.node, self.value, axis, part))

    def at(self, axis: int, place: int) -> Term:
        """One place of an axis, which goes."""
        rest = (*self.shape[:axis], *self.shape[axis + 1 :])
        return self.part(axis, range(place, place + 1)).reshaped(*rest)

    def reduced(self, kind: type[ReductionOp], axes: Sequence[int], keepdims: bool = False) -> Term:
        return Term(self.node, self.node.add(kind.of(self.value, axes=ints(sorted(axes)), keepdims=flag(keepdims))))

    def sum(self, *axes: int) -> Term:
        return self.reduced(ReduceSumOp, axes)

    def mean(self, *axes: int) -> Term:
        return self.reduced(ReduceMeanOp, axes)

    def max(self, *axes: int) -> Term:
        return self.reduced(ReduceMaxOp, axes)

    def gathered(self, indices: Term, axis: int) -> Term:
        """The places of an axis that the indices name."""
        return Term(self.node, self.node.add(GatherOp.of(self.value, indices.value, axis=integer(axis))))

    def picked(self, indices: Term, axis: int) -> Term:
        """For each place of the indices the element that it names along an axis."""
        return Term(self.node, self.node.add(GatherElementsOp.of(self.value, indices.value, axis=integer(axis))))


def joined(terms: Sequence[Term], axis: int) -> Term:
    """Terms side by side along an axis."""
    first = terms[0]
    if len(terms) == 1:
        return first
    return Term(first.node, first.node.add(ConcatOp.of([t.value for t in terms], axis=integer(axis))))


def stacked(terms: Sequence[Term], axis: int = 0) -> Term:
    """Terms side by side along a new axis."""
    return joined([t.reshaped(*t.shape[:axis], 1, *t.shape[axis:]) for t in terms], axis)


def total(terms: Sequence[Term]) -> Term:
    return reduce(lambda a, b: a + b, terms)
