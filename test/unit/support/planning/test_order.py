"""Order: the least peak of live bytes, against every order of small graphs and against the measured models."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.fusion import contract, fuse
from webdnn.support.planning.graph import Graph
from webdnn.support.planning.order import Tasks, best_order, greedy_order, lower_bound, peak_of
from webdnn.support.planning.tasks import reordered, tasks


@st.composite
def random_tasks(draw: st.DrawFn, most: int = 8) -> Tasks:
    """Each task makes one or two buffers and reads some earlier ones; buffer 0 is the caller's."""
    count = draw(st.integers(1, most))
    maker: list[int] = [-1]
    reads: list[list[int]] = []
    makes: list[list[int]] = []
    for t in range(count):
        reads.append(draw(st.lists(st.integers(0, len(maker) - 1), min_size=1, max_size=3, unique=True)))
        makes.append(list(range(len(maker), len(maker) + draw(st.integers(1, 2)))))
        maker += [t] * len(makes[-1])
    size = draw(st.lists(st.integers(0, 9), min_size=len(maker), max_size=len(maker)))
    in_place = [
        [b for b in read if maker[b] >= 0 and size[b] == size[made[0]] and draw(st.booleans())]
        for read, made in zip(reads, makes, strict=True)
    ]
    kept = draw(st.sets(st.integers(1, len(maker) - 1), max_size=2))
    users = [
        sum(1 << t for t in range(count) if b in reads[t]) | (1 << count if b in kept else 0) for b in range(len(maker))
    ]
    return Tasks(
        needs=tuple(sum({1 << maker[b] for b in read if maker[b] >= 0}) for read in reads),
        makes=tuple(map(tuple, makes)),
        reads=tuple(map(tuple, reads)),
        in_place=tuple(map(tuple, in_place)),
        size=tuple(size),
        users=tuple(users),
        start=size[0],
    )


def valid_orders(problem: Tasks, done: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if len(done) == len(problem.needs):
        yield done
    for t in range(len(problem.needs)):
        if t not in done and all(p in done for p in range(t) if problem.needs[t] >> p & 1):
            yield from valid_orders(problem, (*done, t))


def peak_by_sets(problem: Tasks, order: tuple[int, ...]) -> int:
    """The peak, told with sets of buffers instead of bits."""
    live, peak = {b for b in range(len(problem.size)) if not any(b in made for made in problem.makes)}, problem.start
    for position, t in enumerate(order):
        later = order[position + 1 :]
        needed = {b for b in range(len(problem.size)) if problem.users[b] >> len(order) & 1}
        needed |= {b for r in later for b in problem.reads[r]}
        dying = set(problem.reads[t]) - needed
        reused = max((problem.size[b] for b in dying.intersection(problem.in_place[t])), default=0)
        live |= set(problem.makes[t])
        peak = max(peak, sum(problem.size[b] for b in live) - reused)
        live = {b for b in live if b in needed or (b not in problem.reads[t] and b not in problem.makes[t])}
    return peak


@settings(derandomize=True, deadline=None, max_examples=80)
@given(random_tasks(most=7))
def test_no_order_has_a_lower_peak(problem: Tasks) -> None:
    best = min(peak_by_sets(problem, order) for order in valid_orders(problem))
    found = best_order(problem)
    assert found.proven
    assert found.order in set(valid_orders(problem))
    assert lower_bound(problem) <= best == found.peak == peak_by_sets(problem, found.order)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(random_tasks(), st.integers(0, 3))
def test_beyond_the_limit_the_peak_is_never_above_the_given_orders(problem: Tasks, max_states: int) -> None:
    given_peak, best = peak_of(problem, range(len(problem.needs))), best_order(problem).peak
    found = best_order(problem, max_states=max_states, beam=2)
    assert best <= found.peak <= given_peak
    assert found.peak == peak_of(problem, found.order)
    assert not found.proven or found.peak == best
    assert found == best_order(problem, max_states=max_states, beam=2)


def two_branches(in_place: bool = False) -> Tasks:
    """0 -> a large value -> 1 -> a small one; the same in 2 and 3; 4 joins both. The given order makes both large."""
    small, large = 1, 10
    return Tasks(
        needs=(0, 0, 0b1, 0b10, 0b1100),
        makes=((1,), (2,), (3,), (4,), (5,)),
        reads=((0,), (0,), (1,), (2,), (3, 4)),
        in_place=((), (), (), (), (3,) if in_place else ()),
        size=(small, large, large, small, small, small),
        users=(0b11, 0b100, 0b1000, 0b10000, 0b10000, 0b100000),
        start=small,
    )


def test_one_branch_runs_to_its_end_before_the_other_begins() -> None:
    found = best_order(two_branches())
    assert (peak_of(two_branches(), range(5)), found.peak, found.proven) == (21, 12, True)
    assert found.order in {(0, 2, 1, 3, 4), (1, 3, 0, 2, 4)}


def test_the_given_order_stays_where_nothing_is_gained() -> None:
    chain = Tasks((0, 1, 3), ((1,), (2,), (3,)), ((0,), (1,), (2,)), ((), (), ()), (4, 8, 8, 1), (1, 2, 4, 8), 4)
    assert best_order(chain).order == (0, 1, 2)
    assert best_order(chain).peak == lower_bound(chain) == 16


def test_an_overwritten_operand_is_not_counted_twice() -> None:
    chain = Tasks((0, 1), ((1,), (2,)), ((0,), (1,)), ((), (1,)), (1, 8, 8), (1, 2, 4), 1)
    assert best_order(chain).peak == 9


def test_a_result_that_nobody_reads_dies_at_once() -> None:
    dead = Tasks((0, 0), ((1,), (2,)), ((0,), (0,)), ((), ()), (1, 8, 8), (3, 0, 4), 1)
    assert peak_of(dead, (0, 1)) == 9


def test_nothing_to_order() -> None:
    assert best_order(Tasks((), (), (), (), (), (), 5)).peak == 5


def test_an_invalid_order_is_refused() -> None:
    with pytest.raises(ValueError, match="task 0 needs itself or a later task"):
        Tasks((2, 0), ((), ()), ((), ()), ((), ()), (), (), 0)


def test_measured_orders(
    models: dict[str, Graph], synthetic: dict[str, Graph], known_orders: dict[str, tuple[int, int, bool]]
) -> None:
    kernels = {name: contract(graph, fuse(graph)) for name, graph in models.items()} | synthetic
    for name, graph in kernels.items():
        problem, (given_peak, best, proven) = tasks(graph), known_orders[name]
        found = best_order(problem)
        assert peak_of(problem, range(len(problem.needs))) == given_peak, name
        assert (found.peak, found.proven) == (best, proven), name
        again = tasks(reordered(graph, found.order))
        assert peak_of(again, range(len(again.needs))) == found.peak, name


@st.composite
def independent_tasks(draw: st.DrawFn, most: int = 6) -> Tasks:
    """Each task reads a buffer that is there from the start and makes one that stays, or that nobody wants."""
    count = draw(st.integers(1, most))
    size = draw(st.lists(st.integers(0, 9), min_size=2 * count, max_size=2 * count))
    kept = draw(st.sets(st.integers(0, count - 1)))
    return Tasks(
        needs=(0,) * count,
        makes=tuple((count + t,) for t in range(count)),
        reads=tuple((t,) for t in range(count)),
        in_place=((),) * count,
        size=tuple(size),
        users=(*(1 << t for t in range(count)), *(1 << count if t in kept else 0 for t in range(count))),
        start=sum(size[:count]),
    )


@settings(derandomize=True, deadline=None, max_examples=80)
@given(independent_tasks())
def test_greedy_order_of_independent_tasks_is_the_best(problem: Tasks) -> None:
    found = greedy_order(problem)
    assert found.peak == peak_of(problem, found.order) == best_order(problem).peak


@settings(derandomize=True, deadline=None, max_examples=80)
@given(random_tasks())
def test_greedy_order_is_valid_and_never_worse_than_the_given_one(problem: Tasks) -> None:
    found = greedy_order(problem)
    position = {t: i for i, t in enumerate(found.order)}
    assert sorted(found.order) == list(range(len(problem.needs)))
    assert all(position[p] < position[t] for t in position for p in position if problem.needs[t] >> p & 1)
    assert found.peak == peak_of(problem, found.order) <= peak_of(problem, range(len(problem.needs)))
