"""Reshapes of axes of which only the first places are filled: what is filled stays first, or is gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import mul

from webdnn.frontends.onnx.filled import number, numbers, refuse_counted
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.term import Term
from webdnn.support.polynomial import Polynomial


@dataclass(frozen=True)
class Extent:
    """The most places of an axis, and how many of them are filled where that varies."""

    most: int
    count: Term | None = None

    @property
    def size(self) -> Polynomial:
        """How many places are filled."""
        if self.count is None:
            return Polynomial.of(self.most)
        return self.count.node.emitter.counting.numbers.element(self.count.value)

    def filled(self, node: Node) -> Term:
        return number(node, self.most) if self.count is None else self.count


@dataclass(frozen=True)
class Group:
    """Axes of an operand, and those of the result that hold the same elements."""

    old: Sequence[Extent]
    new: Sequence[Extent]

    @property
    def is_kept(self) -> bool:
        """Does what is filled lie where it lay? It does where on both sides the outermost axis alone is counted."""
        same = prod(extent.most for extent in self.old) == prod(extent.most for extent in self.new)
        return same and all(extent.count is None for side in (self.old, self.new) for extent in outermost_gone(side))


def outermost_gone(extents: Sequence[Extent]) -> Sequence[Extent]:
    """All axes of a group but the outermost that has more than one place."""
    first = next((i for i, extent in enumerate(extents) if extent.most != 1), 0)
    return extents[first + 1 :]


def completed(node: Node, old: Sequence[Extent], wanted: Sequence[Extent | None]) -> list[Extent]:
    """The wanted extents, with what is left over in place of None."""
    if None not in wanted:
        return [extent for extent in wanted if extent is not None]
    given = [extent for extent in wanted if extent is not None]
    whole, part = (reduce(mul, (e.size for e in side), Polynomial.of(1)) for side in (old, given))
    size = whole.divided_by(part)
    if size is None:
        refuse_counted(node, "has an axis of what is left over, which is no product", hint="give its size")
    rest = Extent(int(size.simplest)) if isinstance(size.simplest, int) else left_over(node, old, given)
    return [rest if extent is None else extent for extent in wanted]


def left_over(node: Node, old: Sequence[Extent], given: Sequence[Extent]) -> Extent:
    """The extents of an operand, without those that are given."""
    counting = node.emitter.counting
    rest = [extent for extent in old if extent.count is not None]
    for extent in given:
        match = next((e for e in rest if extent.count is not None and e.size == extent.size), None)
        rest = [e for e in rest if e is not match]
    factor = prod(e.most for e in old if e.count is None), prod(e.most for e in given if e.count is None)
    count = reduce(mul, (e.filled(node) for e in rest), number(node, factor[0])) / factor[1]
    whole, part = (reduce(mul, (e.size for e in side), Polynomial.of(1)) for side in (old, given))
    expected = whole.divided_by(part)
    if factor[0] % factor[1] == 0:
        count = reduce(mul, (e.filled(node) for e in rest), number(node, 1)) * (factor[0] // factor[1])
    bounds = counting.integers(count.value)
    if bounds is None or counting.numbers.element(count.value) != expected:
        refuse_counted(node, "has an axis of what is left over, whose greatest size is not known", hint="give its size")
    ((_, most, _),) = bounds
    return Extent(most, count)


def groups(node: Node, old: Sequence[Extent], new: Sequence[Extent]) -> list[Group]:
    """The axes in groups as small as can be that have as many filled elements in the operand as in the result."""
    ends = [(ahead(old, i), i) for i in range(len(old) + 1)], [(ahead(new, j), j) for j in range(len(new) + 1)]
    if ends[0][-1][0] != ends[1][-1][0]:
        spelled = f"{[e.most for e in old]} as {[e.most for e in new]}"
        refuse_counted(node, f"takes {spelled}, which may differ in size", hint="check the shape that is given")
    found, i, j = list[Group](), 0, 0
    for size, at in ends[0][1:]:
        upto = next((to for other, to in ends[1] if to > j and other == size), None)
        last = at == len(old)
        if upto is not None or last:
            to = len(new) if last else upto
            assert to is not None
            found.append(Group(old[i:at], new[j:to]))
            i, j = at, to
    return found


def ahead(extents: Sequence[Extent], end: int) -> Polynomial:
    """How many elements the first axes have."""
    return reduce(mul, (extent.size for extent in extents[:end]), Polynomial.of(1))


def counted_reshape(
    node: Node, x: Term, old: Sequence[Extent], wanted: Sequence[Extent | None]
) -> tuple[Term, list[Extent]]:
    """The elements of an operand in another shape, in which None stands for what is left over, and that shape."""
    new = completed(node, old, wanted)
    before, behind = 1, prod(x.shape)
    for group in groups(node, old, new):
        extent, length = prod(e.most for e in group.old), prod(e.most for e in group.new)
        behind //= extent
        if not group.is_kept:
            x = x.reshaped(before, extent, behind).gathered(places(node, group), 1)
        before *= length
    return x.reshaped(*(extent.most for extent in new)), new


def places(node: Node, group: Group) -> Term:
    """For each place of the result's axes as one, that of the operand's: its number among filled ones is the same."""
    rest, at = numbers(node, prod(extent.most for extent in group.new)), number(node, 0)
    stride = number(node, 1)
    for extent in reversed(group.new):
        at, rest = at + (rest - rest / extent.most * extent.most) * stride, rest / extent.most
        stride = stride * extent.filled(node)
    found, stride_there = number(node, 0), 1
    for extent in reversed(group.old):
        filled = extent.filled(node).at_least(1)
        found, at = found + (at - at / filled * filled) * stride_there, at / filled
        stride_there *= extent.most
    return found.at_most(stride_there - 1)
