"""How the invocations of a workgroup share long sums: who takes which part, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from webdnn.support.device import BUSY, STREAMING

SIZES = (64, 256)
"""Invocations of a workgroup: whole SIMD groups of every device, and what all of them allow."""

LONG = 64
"""Steps of a sum that is worth sharing."""

RADIX = 8
"""Partial sums that one invocation adds up: few barriers count for more than few reads."""

BARRIER = 16
"""Operations in the time of a barrier, and of the branch behind it."""

SIDE_BY_SIDE = 4
"""Columns that a workgroup has at least where each has a sum of its own: memory is read in lines."""

GAIN = 1.25
"""How much faster a kernel must become: the estimate is rough."""


@dataclass(frozen=True)
class Sum:
    """A sum of an invocation: its steps, the operations of each, and whether all columns of a row have the same."""

    steps: int
    work: int
    common: bool

    @property
    def is_long(self) -> bool:
        return self.steps >= LONG


@dataclass(frozen=True)
class Workgroup:
    """Invocations that compute `columns` neighbours of one row; where there are more of them, each takes a part.

    All of them share a sum that the columns have in common. Both numbers are powers of two.
    """

    invocations: int
    columns: int

    @property
    def parts(self) -> int:
        """In how many parts a sum of one column comes."""
        return self.invocations // self.columns

    def parts_of(self, sum: Sum) -> int:
        if not sum.is_long:
            return 1
        return self.invocations if sum.common else self.parts

    def operations(self, sums: Sequence[Sum]) -> float:
        """What one invocation does."""
        return sum(ceil(s.steps / (parts := self.parts_of(s))) * s.work + meeting(parts) for s in sums)


def meetings(parts: int) -> Iterator[int]:
    """How many partial sums are left after each barrier but the last, behind which everybody adds up the rest."""
    while parts > RADIX:
        parts //= RADIX
        yield parts


def meeting(parts: int) -> int:
    """The operations of an invocation until partial sums are one."""
    return 0 if parts == 1 else (1 + sum(1 for _ in meetings(parts))) * (BARRIER + RADIX)


def best_workgroup(sums: Sequence[Sum], rows: int, columns: int) -> Workgroup | None:
    """The workgroup that computes rows of so many columns fastest; None where invocations had better work alone."""

    def time(operations: float, invocations: int) -> float:
        return operations * max(invocations, STREAMING)

    def time_of(workgroup: Workgroup) -> float:
        groups = rows * -(-columns // workgroup.columns)
        return time(workgroup.operations(sums), groups * workgroup.invocations)

    apart = any(s.is_long and not s.common for s in sums)
    least = min(SIDE_BY_SIDE, columns) if apart else 1
    widths = [1 << i for i in range((columns - 1).bit_length() + 1) if 1 << i >= least]
    found = [Workgroup(size, width) for size in SIZES for width in widths if width <= size]
    if apart and rows * columns >= BUSY:
        found = [workgroup for workgroup in found if workgroup.parts == 1]
    alone = time(sum(s.steps * s.work for s in sums), rows * columns)
    return next((w for w in sorted(found, key=time_of) if time_of(w) * GAIN < alone), None)
