"""The least sum of factors over discrete variables: bucket elimination, exact while its tables stay small.

Dechter, Bucket elimination: a unifying framework for reasoning (Artificial Intelligence 113, 1999). It contains the
reductions R0, RI and RII of partitioned boolean quadratic problems as its first cases.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]


class Factor(NamedTuple):
    """The cost of each joint choice of its variables, one axis of the table a variable; infinite where forbidden."""

    scope: tuple[int, ...]
    table: Table


@dataclass(frozen=True)
class Minimum:
    """The least sum found, a choice (by position) for each variable that has it, and whether none is less."""

    cost: float
    choice: tuple[int, ...]
    proven: bool


def eliminate(
    sizes: Sequence[int], factors: Sequence[Factor], incumbent: Callable[[], Sequence[int]], max_table: int = 1 << 20
) -> Minimum:
    """Minimise the sum of the factors, eliminating the variable with the smallest joint table first.

    Where every joint table would exceed `max_table` entries, the variable with most neighbours keeps its value of the
    incumbent (a choice for each variable), and elimination goes on: the result is never worse than the incumbent.
    """
    buckets = _Buckets(sizes, factors)
    proven, choice = True, [0] * len(sizes)
    kept: Sequence[int] = ()
    for v in [v for v, size in enumerate(sizes) if size == 1]:
        buckets.condition(v, 0)  # nothing to choose: joint tables need no axis for it
    while buckets.touching:
        v = buckets.smallest()
        if buckets.entries(v) > max_table:
            proven, kept = False, kept or incumbent()
            v = max(buckets.touching, key=lambda x: (len(buckets.near(x)), -x))
            choice[v] = kept[v]
            buckets.condition(v, kept[v])
        else:
            buckets.minimise(v)
    for v, rest, best in reversed(buckets.trail):
        choice[v] = int(best[tuple(choice[x] for x in rest)])
    return Minimum(buckets.cost, tuple(choice), proven)


class _Buckets:
    """The factors that are left, by the variables that they touch."""

    def __init__(self, sizes: Sequence[int], factors: Sequence[Factor]) -> None:
        self.sizes, self.cost = sizes, 0.0
        self.alive: dict[int, Factor] = {}
        self.touching: dict[int, dict[int, None]] = {v: {} for v in range(len(sizes))}  # variables to be eliminated
        self.trail: list[tuple[int, tuple[int, ...], NDArray[np.intp]]] = []  # (variable, its neighbours, best choice)
        self.added = 0
        for factor in factors:
            self.add(factor)
        self.heap = [(self.entries(v), v) for v in self.touching]
        heapq.heapify(self.heap)

    def add(self, factor: Factor) -> None:
        if not factor.scope:
            self.cost += float(factor.table)
            return
        self.alive[self.added] = factor
        for v in factor.scope:
            self.touching[v][self.added] = None
        self.added += 1

    def near(self, v: int) -> set[int]:
        return {x for f in self.touching[v] for x in self.alive[f].scope} - {v}

    def entries(self, v: int) -> int:
        """The size of the joint table of v and its neighbours."""
        return self.sizes[v] * prod(self.sizes[x] for x in self.near(v))

    def smallest(self) -> int:
        """The variable with the smallest joint table; entries of the heap that are out of date are dropped."""
        while True:
            entries, v = self.heap[0]
            if v in self.touching and entries == self.entries(v):
                return v
            heapq.heappop(self.heap)

    def take(self, v: int) -> list[Factor]:
        """Remove the variable with its factors."""
        taken = [self.alive.pop(f) for f in self.touching[v]]
        for f in self.touching.pop(v):
            for x in {x for factor in taken for x in factor.scope} - {v}:
                self.touching[x].pop(f, None)
        return taken

    def refresh(self, variables: Sequence[int]) -> None:
        for x in variables:
            heapq.heappush(self.heap, (self.entries(x), x))

    def minimise(self, v: int) -> None:
        """Replace the variable's factors by the least of their sum over its choices."""
        rest = tuple(sorted(self.near(v)))
        total = _sum(self.take(v), (*rest, v), self.sizes)
        self.trail.append((v, rest, total.argmin(axis=-1)))
        self.add(Factor(rest, total.min(axis=-1)))
        self.refresh(rest)

    def condition(self, v: int, choice: int) -> None:
        """Settle the variable."""
        rest = sorted(self.near(v))
        for scope, table in self.take(v):
            axis = scope.index(v)
            self.add(Factor(scope[:axis] + scope[axis + 1 :], np.asarray(table.take(choice, axis=axis))))
        self.refresh(rest)


def _sum(factors: Sequence[Factor], scope: tuple[int, ...], sizes: Sequence[int]) -> Table:
    """The sum of the factors over their joint scope."""
    total = np.zeros([sizes[x] for x in scope])
    for own, table in factors:
        axes = sorted(range(len(own)), key=lambda i, own=own: scope.index(own[i]))
        total += table.transpose(axes).reshape([sizes[x] if x in own else 1 for x in scope])
    return total
