"""Layouts map logical places to stored ones and back."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from webdnn.support.axis_layout import AxisLayout, Storage, channels_last, row_major
from webdnn.support.index import constant
from webdnn.support.planning.atoms import common_refinement
from webdnn.support.reshaped_layout import reshaped

Stored = NDArray[np.int64]


def shapes(least: int = 0) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, 6), min_size=least, max_size=4).map(tuple)


@st.composite
def layouts(draw: st.DrawFn, rank: int, *, blocks: bool = True) -> AxisLayout:
    order = tuple(draw(st.permutations(range(rank))))
    block = draw(st.none() | st.tuples(st.sampled_from(order), st.sampled_from([2, 4]))) if rank and blocks else None
    return AxisLayout(order, block, draw(st.sampled_from([1, 2, 4])))


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[tuple[int, ...], AxisLayout]:
    shape = draw(shapes())
    return shape, draw(layouts(len(shape)))


def store(array: Stored, layout: AxisLayout) -> Stored:
    """The stored array, with -1 as padding."""
    stored = np.full(layout.stored_shape(array.shape), -1, np.int64)
    for at in np.ndindex(array.shape):
        place = layout.stored_indices([constant(i) for i in at], lambda _: None)
        stored[tuple(i.constant for i in place)] = array[at]
    return stored


def counting(shape: tuple[int, ...]) -> Stored:
    return np.arange(prod(shape)).reshape(shape)


@given(laid_out())
def test_each_element_has_a_place_of_its_own(case: tuple[tuple[int, ...], AxisLayout]) -> None:
    shape, layout = case
    stored = store(counting(shape), layout)
    assert sorted(stored[stored >= 0]) == list(range(prod(shape)))


@given(laid_out())
def test_logical_indices_invert_stored_ones(case: tuple[tuple[int, ...], AxisLayout]) -> None:
    shape, layout = case
    for at in product(*map(range, shape)):
        stored = layout.stored_indices([constant(i) for i in at], lambda _: None)
        assert [i.constant for i in layout.logical_indices(stored)] == list(at)


@given(st.data())
def test_essence_tells_whether_two_layouts_store_alike(data: st.DataObject) -> None:
    """Two spellings with blocks or padding may also agree by chance of extents, which essence need not see."""
    shape = data.draw(shapes())
    one, other = data.draw(layouts(len(shape))), data.draw(layouts(len(shape)))
    same = one.essence(shape) == other.essence(shape)
    alike = np.array_equal(store(counting(shape), one).reshape(-1), store(counting(shape), other).reshape(-1))
    by_chance = one.block or other.block or one.align > 1
    assert alike if same else (not alike or by_chance)


@given(st.data())
def test_permuted_layout_makes_a_transpose_move_nothing(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    layout, permutation = data.draw(layouts(len(shape))), data.draw(st.permutations(range(len(shape))))
    array = counting(shape)
    result = store(array.transpose(permutation), layout.permuted(permutation))
    assert np.array_equal(store(array, layout), result)


@given(st.data())
def test_reshaped_layout_makes_a_reshape_move_nothing(data: st.DataObject) -> None:
    before = data.draw(shapes())
    cuts = data.draw(st.permutations(before))
    after = data.draw(st.sampled_from([tuple(cuts), (prod(before),), (*before, 1), (1, *before)]))
    layout = data.draw(layouts(len(before), blocks=False))
    found = reshaped(layout, before, after)
    if found is not None:
        array = counting(before)
        stored, expected = store(array.reshape(after), found), store(array, layout)
        assert np.array_equal(stored.reshape(-1), expected.reshape(-1))


@given(shapes(), shapes())
def test_unpadded_row_major_reshapes_to_row_major(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    after = (*after, *([prod(before) // prod(after)] if prod(before) % prod(after) == 0 else ()))
    if prod(before) != prod(after):
        return
    found = reshaped(row_major(len(before)), before, after)
    assert found is not None
    assert found.essence(after) == row_major(len(after)).essence(after)


@pytest.mark.parametrize(
    ("layout", "before", "after", "order"),
    [
        (channels_last(4), (1, 192, 14, 14), (1, 192, 196), (0, 2, 1)),  # H and W stay together
        (channels_last(4), (1, 192, 1, 1), (1, 192), (0, 1)),
        (channels_last(4), (1, 192, 14, 14), (1, 192 * 196), None),  # C is inside H and W
        (AxisLayout((0, 2, 1, 3)), (2, 12, 128, 32), (2, 384, 128), None),
        (AxisLayout((0, 1)), (6, 4), (4, 6), (0, 1)),  # no common atoms
        (AxisLayout((1, 0)), (6, 4), (4, 6), None),
        (row_major(2, 4), (2, 6), (3, 4), None),  # rows are padded
        (row_major(3, 4), (2, 3, 6), (6, 6), (0, 1)),  # the rows stay rows
        (row_major(4, 4), (1, 8, 1, 1), (1, 8), None),  # each element is padded
        (AxisLayout((0, 1), (1, 4)), (2, 8), (16,), None),
    ],
)
def test_reshaped(
    layout: AxisLayout, before: tuple[int, ...], after: tuple[int, ...], order: tuple[int, ...] | None
) -> None:
    found = reshaped(layout, before, after)
    assert (found and found.order) == order


def test_atoms_of_a_reshape_are_shared() -> None:
    refinement = common_refinement((128, 384), (128, 12, 32))
    assert refinement is not None
    assert refinement.extents == (128, 12, 32)


def test_stored_shape() -> None:
    assert channels_last(4, 4).stored_shape((1, 3, 8, 8)) == (1, 8, 8, 4)
    assert AxisLayout((0, 1, 2, 3), (1, 4)).stored_shape((1, 10, 8, 8)) == (1, 3, 8, 8, 4)
    assert row_major(0, 4).stored_shape(()) == ()


def test_storage_is_of_the_essence() -> None:
    assert row_major(1).essence((4,)) != row_major(1, storage=Storage.TEXTURE).essence((4,))


@pytest.mark.parametrize(
    ("order", "block", "align", "message"),
    [
        ((0, 0), None, 1, "does not name each of 2 axes once"),
        ((0, 1), (2, 4), 1, "cannot cut axis 2 in blocks of 4"),
        ((0, 1), (1, 1), 1, "cannot cut axis 1 in blocks of 1"),
        ((0, 1), None, 0, "an alignment of 0 elements"),
    ],
)
def test_nonsense_is_refused(order: tuple[int, ...], block: tuple[int, int] | None, align: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AxisLayout(order, block, align)
