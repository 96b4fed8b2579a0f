"""What invocations hand to one another in the interpreter of kernels, however a device forms subgroups of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.reference.points import COMBINE, Indices
from webdnn.dialects.kernel.structure import IdOp
from webdnn.dialects.kernel.subgroup import SubgroupOp, SubgroupReduceOp, SubgroupShuffleOp
from webdnn.support.weights import Array


@dataclass(frozen=True)
class Subgroups:
    """For each invocation of a workgroup, which subgroup it belongs to, and its number there."""

    group: Indices
    number: Indices

    @classmethod
    def of(cls, members: Sequence[Sequence[int]]) -> Subgroups:
        """The invocations of each subgroup, in the order of their numbers."""
        group, number = np.zeros((2, sum(map(len, members))), np.int64)
        for i, invocations in enumerate(members):
            group[list(invocations)], number[list(invocations)] = i, np.arange(len(invocations))
        return cls(group, number)


Forming = Callable[[int], Subgroups]
"""The subgroups of a workgroup of so many invocations"""


def neighbours(size: int) -> Forming:
    """So many invocations in a row, as most devices have it; fewer where the workgroup has no more."""
    return lambda count: Subgroups.of([range(i, min(i + size, count)) for i in range(0, count, size)])


def scattered(size: int) -> Forming:
    """As many whose numbers lie far apart."""
    return lambda count: Subgroups.of([range(i, count, -(-count // size)) for i in range(-(-count // size))])


def numbered_from(first: int, size: int) -> Forming:
    """Neighbours that are the last of a subgroup whose other members take no part."""

    def form(count: int) -> Subgroups:
        found = neighbours(size)(count)
        return Subgroups(found.group, found.number + first)

    return form


def shuffled(size: int) -> Forming:
    """As many, in any order."""

    def form(count: int) -> Subgroups:
        order = [int(i) for i in np.random.default_rng(size).permutation(count)]
        return Subgroups.of([order[i : i + size] for i in range(0, count, size)])

    return form


MOST_DEVICES = neighbours(32)


def handed(op: SubgroupOp, value: Array, ids: Sequence[IdOp], form: Forming) -> Array:
    """What each invocation gets of its subgroup. The axes of `ids` are the last ones, the first of them at the end."""
    (place,) = [i for i, found in enumerate(ids) if found.level.data == "local"]
    count, axis = ids[place].count.data, -1 - place - is_vector(op.value.type)
    whole = np.broadcast_to(value, np.broadcast_shapes(value.shape, (count, *[1] * (-1 - axis))))
    rows, subgroups = np.moveaxis(whole, axis, 0), form(count)
    found = np.full_like(rows, 77)
    for group in np.unique(subgroups.group):
        members = np.flatnonzero(subgroups.group == group)
        match op:
            case SubgroupReduceOp():
                found[members] = COMBINE[op.kind.data].reduce(rows[members], axis=0)
            case SubgroupShuffleOp():
                by_number = {subgroups.number[i]: i for i in members}
                for i in members:
                    if (other := by_number.get(subgroups.number[i] ^ op.mask.data)) is not None:
                        found[i] = rows[other]
            case _:
                raise AssertionError(f"{op.name} has no meaning here")
    return as_array(np.moveaxis(found, 0, axis))


def number_in_subgroup(ids: Sequence[IdOp], form: Forming) -> Array:
    """Which invocation of its subgroup each one is."""
    (place,) = [i for i, found in enumerate(ids) if found.level.data == "local"]
    return as_array(form(ids[place].count.data).number.reshape(-1, *[1] * place))
