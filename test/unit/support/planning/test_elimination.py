"""Elimination and descent: the least sum of factors, against every joint choice."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.descent import descend
from webdnn.support.planning.elimination import Factor, eliminate


def total(factors: list[Factor], choice: tuple[int, ...]) -> float:
    return sum(float(table[tuple(choice[v] for v in scope)]) for scope, table in factors)


@st.composite
def factor_graphs(draw: st.DrawFn) -> tuple[list[int], list[Factor]]:
    """Up to eight variables of one to three choices, factors of one or two variables, some choices forbidden."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=8))
    pairs = [*combinations(range(len(sizes)), 2), *((v,) for v in range(len(sizes)))]
    scopes = draw(st.lists(st.sampled_from(pairs), max_size=12))
    cost = st.one_of(st.integers(0, 9), st.just(np.inf))
    factors: list[Factor] = []
    for drawn in scopes:
        scope = drawn if draw(st.booleans()) else drawn[::-1]
        shape = [sizes[v] for v in scope]
        count = int(np.prod(shape))
        table = draw(st.lists(cost, min_size=count, max_size=count))
        factors.append(Factor(scope, np.array(table, float).reshape(shape)))
    return sizes, factors


@settings(derandomize=True, deadline=None, max_examples=150)
@given(factor_graphs())
def test_no_joint_choice_is_cheaper(graph: tuple[list[int], list[Factor]]) -> None:
    sizes, factors = graph
    found = eliminate(sizes, factors, lambda: pytest.fail("no incumbent is needed"))
    assert found.proven
    assert found.cost == min(total(factors, choice) for choice in product(*map(range, sizes)))
    assert total(factors, found.choice) == found.cost


@settings(derandomize=True, deadline=None, max_examples=150)
@given(factor_graphs(), st.integers(0, 30))
def test_with_small_tables_the_incumbent_is_never_better(graph: tuple[list[int], list[Factor]], max_table: int) -> None:
    sizes, factors = graph
    incumbent = tuple(size - 1 for size in sizes)
    found = eliminate(sizes, factors, lambda: incumbent, max_table)
    best = min(total(factors, choice) for choice in product(*map(range, sizes)))
    assert best <= found.cost <= total(factors, incumbent)
    assert total(factors, found.choice) == found.cost
    assert not found.proven or found.cost == best


def test_variables_without_a_choice_need_no_axis() -> None:
    """numpy's arrays have 64 axes at most."""
    neighbours = range(1, 81)
    factors = [Factor((0, n), np.array([[2.0], [1.0]])) for n in neighbours]
    found = eliminate([2, *[1] * 80], factors, lambda: pytest.fail("no incumbent is needed"))
    assert (found.cost, found.choice[0], found.proven) == (80.0, 1, True)


def test_descent_takes_another_choice_where_followers_answer_better() -> None:
    """Both leaders alone prefer 0, but the follower makes that dear."""
    follower = np.array([[0.0, 5.0], [5.0, 0.0]])
    factors = [
        Factor((0,), np.array([0.0, 1.0])),
        Factor((1,), np.array([9.0, 0.0])),
        Factor((2, 0), follower),
        Factor((1, 2), follower),
    ]
    assert descend([2, 2, 2], factors, leaders=2) == [1, 1, 1]


def test_descent_avoids_what_is_forbidden() -> None:
    forbid = np.array([[np.inf, 3.0], [np.inf, 2.0]])
    assert descend([2, 2], [Factor((0, 1), forbid)], leaders=1) == [1, 1]
