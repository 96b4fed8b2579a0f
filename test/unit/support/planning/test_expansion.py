"""Expansion in place: first fit in the order of lives reaches the bound, whatever the sizes are."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.expansion import expansion_order
from webdnn.support.planning.offsets import assign, verify
from webdnn.support.planning.packing import lower_bound
from webdnn.support.planning.storage import Block, Part

SIZES = st.integers(0, 40)


def expansion(read: Sequence[int], made: Sequence[int], rest: int) -> list[Block]:
    """Task t reads what has been there from the start and makes what stays; `rest` is needed after the last task."""
    end = len(read) + 1
    before = [Block((Part(0, t + 1, 0, 64 * size),)) for t, size in enumerate(read)]
    after = [Block((Part(t, end, 0, 64 * size),)) for t, size in enumerate(made)]
    return [*before, *after, Block((Part(end - 1, end, 0, 64 * rest),))]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.tuples(SIZES, SIZES), max_size=9), SIZES, st.randoms(use_true_random=False))
def test_expanding_in_place_wastes_nothing(tasks: list[tuple[int, int]], rest: int, random: Random) -> None:
    blocks = expansion([read for read, _ in tasks], [made for _, made in tasks], rest)
    random.shuffle(blocks)
    order = expansion_order(blocks)
    assert sorted(order) == list(range(len(blocks)))
    found = assign(blocks, 64, steps=1, hint=order)
    verify(blocks, found.offsets)
    assert found.arena == lower_bound(blocks)
    assert found.proven


def test_other_orders_do_not_find_it() -> None:
    blocks = expansion([5, 1], [1, 1], 5)
    assert assign(blocks, 64, steps=1).arena == 512
    assert assign(blocks, 64, steps=1, hint=expansion_order(blocks)).arena == lower_bound(blocks) == 448


def test_what_comes_and_goes_meanwhile_is_placed_too() -> None:
    passing = Block((Part(1, 2, 0, 128),))
    blocks = [*expansion([2, 1], [4, 3], 1), passing]
    found = assign(blocks, 64, hint=expansion_order(blocks))
    verify(blocks, found.offsets)
    assert found.arena == lower_bound(blocks) == 640
