"""Atoms of reshapes: shared where both shapes are made of them, absent where not."""

from itertools import pairwise
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.atoms import Refinement, common_refinement


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ((128, 384), (128, 12, 32), Refinement((128, 12, 32), ((0,), (1, 2)), ((0,), (1,), (2,)))),
        ((4, 6), (24,), Refinement((4, 6), ((0,), (1,)), ((0, 1),))),
        ((2, 12), (8, 3), Refinement((2, 4, 3), ((0,), (1, 2)), ((0, 1), (2,)))),
        ((6, 4), (4, 6), None),
        ((1, 5, 1), (5,), Refinement((5,), ((), (0,), ()), ((0,),))),
        ((1, 1), (), Refinement((), ((), ()), ())),
        ((7,), (7,), Refinement((7,), ((0,),), ((0,),))),
        ((0, 4), (2, 0), None),
    ],
)
def test_common_refinement(before: tuple[int, ...], after: tuple[int, ...], found: Refinement | None) -> None:
    assert common_refinement(before, after) == found


def test_a_reshape_keeps_the_number_of_elements() -> None:
    with pytest.raises(ValueError, match="number of elements"):
        common_refinement((2, 3), (5,))


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.integers(1, 6), max_size=5), st.data())
def test_any_two_groupings_of_atoms_are_refined(atoms: list[int], data: st.DataObject) -> None:
    """Whatever two shapes are grouped from the same atoms, their refinement explains both."""

    def grouped() -> tuple[int, ...]:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(atoms)), max_size=4)))
        return tuple(prod(atoms[low:high]) for low, high in pairwise([0, *cuts, len(atoms)]))

    before, after = grouped(), grouped()
    found = common_refinement(before, after)
    assert found is not None
    for shape, axes in ((before, found.before), (after, found.after)):
        assert tuple(prod(found.extents[i] for i in axis) for axis in axes) == shape
        assert [i for axis in axes for i in axis] == list(range(len(found.extents)))
    assert 1 not in found.extents
