"""The choice of layouts as a factor graph: operators over their options, values over where and how they lie.

A value's variable says in which layout it is produced and to which it is converted besides. So a conversion that
several readers share is paid once, exactly, and every factor joins an operator with a value.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

import numpy as np

from webdnn.support.planning.descent import descend
from webdnn.support.planning.elimination import Factor, Table, eliminate

L = TypeVar("L", bound=Hashable)

MOST_CONVERSIONS = 2
"""To how many layouts one value is converted at most, besides the one it is produced in."""


@dataclass(frozen=True)
class Option(Generic[L]):
    """One way to run an operator: the layout of each input and output, and its cost (a time, or bytes)."""

    inputs: tuple[L, ...]
    outputs: tuple[L, ...]
    cost: float


@dataclass(frozen=True)
class LayoutOp(Generic[L]):
    """An operator on values (by position), and the ways to run it."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: tuple[Option[L], ...]


@dataclass(frozen=True)
class LayoutProblem(Generic[L]):
    """Which layout should each value have?

    Constants are not values: they take any layout for free. Operators are in a valid order. Raises a ValueError
    where an option and its operator, or the tables of values, differ in length.
    """

    candidates: tuple[tuple[L, ...], ...]
    """Of each value: the layouts in which it may lie."""
    fixed: Mapping[int, L]
    """Graph inputs and outputs, as the caller holds them."""
    ops: tuple[LayoutOp[L], ...]
    convert: tuple[float, ...]
    """Of each value: the cost of one conversion, in the unit of the options' costs."""

    def __post_init__(self) -> None:
        """Check lengths."""
        if len(self.convert) != len(self.candidates):
            raise ValueError(f"{len(self.candidates)} values have {len(self.convert)} costs of conversion")
        for t, op in enumerate(self.ops):
            lengths = {(len(option.inputs), len(option.outputs)) for option in op.options}
            if lengths != {(len(op.inputs), len(op.outputs))}:
                raise ValueError(f"operator {t} has no options, or one without a layout for each operand and result")


@dataclass(frozen=True)
class ValueLayouts(Generic[L]):
    """The layout in which a value is produced, and those to which it is converted, in the order of its candidates."""

    produced: L
    conversions: tuple[L, ...]


@dataclass(frozen=True)
class LayoutChoice(Generic[L]):
    """The total cost, the option (by position) of each operator, each value's layouts, and whether none is cheaper."""

    cost: float
    options: tuple[int, ...]
    values: tuple[ValueLayouts[L], ...]
    proven: bool


def solve(problem: LayoutProblem[L], max_table: int = 1 << 20) -> LayoutChoice[L]:
    """The cheapest choice: exact while no joint table exceeds `max_table` entries.

    Beyond that, some operators and values keep what the greedy choice with coordinate descent gives them: never worse
    than that choice. Raises a ValueError where no choice of options fits the candidates and the fixed layouts.
    """
    count = len(problem.ops)
    demands = _demands(problem)
    domains = {demand: _states(demand) for demand in dict.fromkeys(demands)}
    homeless = [v for v, demand in enumerate(demands) if not domains[demand]]
    if homeless:
        raise ValueError(f"value {homeless[0]} has no candidate that is as the caller holds it")
    sizes = [len(op.options) for op in problem.ops] + [len(domains[demand]) for demand in demands]
    factors = _factors(problem, demands, domains)
    best = eliminate(sizes, factors, lambda: descend(sizes, factors, count), max_table)
    if not np.isfinite(best.cost):
        raise ValueError("no choice of options fits the candidates and the fixed layouts")
    values = tuple(domains[demand][i] for demand, i in zip(demands, best.choice[count:], strict=True))
    return LayoutChoice(best.cost, best.choice[:count], values, best.proven)


@dataclass(frozen=True)
class _Demand(Generic[L]):
    """What decides in which ways a value may lie."""

    candidates: tuple[L, ...]
    fixed: tuple[L, ...]  # one layout at most
    made: bool  # by an operator: the caller's inputs are produced as the caller holds them
    reads: int  # so many further layouts could be of use


_Domains = Mapping[_Demand[L], list[ValueLayouts[L]]]


def _demands(problem: LayoutProblem[L]) -> list[_Demand[L]]:
    made = {v for op in problem.ops for v in op.outputs}
    reads = [0] * len(problem.candidates)
    for v in (v for op in problem.ops for v in op.inputs):
        reads[v] += 1
    demands: list[_Demand[L]] = []
    for v, candidates in enumerate(problem.candidates):
        fixed = (problem.fixed[v],) if v in problem.fixed else ()
        wanted = reads[v] + (len(fixed) if v in made else 0)
        demands.append(_Demand(candidates, fixed, v in made, min(wanted, MOST_CONVERSIONS)))
    return demands


def _states(demand: _Demand[L]) -> list[ValueLayouts[L]]:
    """The ways in which a value may lie; one that the caller wants must be among its layouts."""
    starts = demand.candidates if demand.made or not demand.fixed else demand.fixed
    return [
        ValueLayouts(start, extra)
        for start in starts
        for k in range(demand.reads + 1)
        for extra in combinations([layout for layout in demand.candidates if layout != start], k)
        if {start, *extra}.issuperset(demand.fixed)
    ]


def _factors(problem: LayoutProblem[L], demands: list[_Demand[L]], domains: _Domains[L]) -> list[Factor]:
    """The operators are the first variables, the values follow."""
    count = len(problem.ops)
    known: dict[tuple[_Demand[L], tuple[L, ...], bool], Table] = {}

    def agreement(demand: _Demand[L], layouts: tuple[L, ...], read: bool) -> Table:
        """Zero where the value has the layout of the option (is produced in it, if not read), else infinite."""
        key = (demand, layouts, read)
        if key not in known:
            rows = {
                layout: [
                    0.0 if layout == s.produced or (read and layout in s.conversions) else np.inf
                    for s in domains[demand]
                ]
                for layout in dict.fromkeys(layouts)
            }
            known[key] = np.array([rows[layout] for layout in layouts])
        return known[key]

    found: list[Factor] = []
    for v, demand in enumerate(demands):
        cost = [problem.convert[v] * len(s.conversions) for s in domains[demand]]
        found.append(Factor((count + v,), np.array(cost)))
    for t, op in enumerate(problem.ops):
        found.append(Factor((t,), np.array([option.cost for option in op.options])))
        for i, v in enumerate(op.inputs):
            layouts = tuple(option.inputs[i] for option in op.options)
            found.append(Factor((t, count + v), agreement(demands[v], layouts, True)))
        for i, v in enumerate(op.outputs):
            layouts = tuple(option.outputs[i] for option in op.options)
            found.append(Factor((t, count + v), agreement(demands[v], layouts, False)))
    return found
