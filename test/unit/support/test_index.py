"""Index expressions: one normal form, which means what the arithmetic of integers means."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import product
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from webdnn.support.index import (
    FloorDiv,
    Index,
    constant,
    delinearize,
    floordiv,
    linearize,
    mod,
    stays_inside,
    substitute,
    symbol,
)

Point = dict[Hashable, int]

RANGES: dict[Hashable, tuple[int, int]] = {"a": (0, 3), "b": (0, 5), "c": (-2, 2)}
SPANS = [range(low, high + 1) for low, high in RANGES.values()]
POINTS: list[Point] = [dict(zip(RANGES, values, strict=True)) for values in product(*SPANS)]
A, B, C = map(symbol, RANGES)
range_of = RANGES.get


@dataclass(frozen=True)
class Case:
    """An index, and the function that it should be."""

    index: Index
    meaning: Callable[[Point], int]


def named(name: str) -> Case:
    return Case(symbol(name), lambda point: point[name])


def number(value: int) -> Case:
    return Case(constant(value), lambda _: value)


def plus(x: Case, y: Case) -> Case:
    return Case(x.index + y.index, lambda p: x.meaning(p) + y.meaning(p))


def minus(x: Case, y: Case) -> Case:
    return Case(x.index - y.index, lambda p: x.meaning(p) - y.meaning(p))


def times(x: Case, factor: int) -> Case:
    return Case(x.index * factor, lambda p: x.meaning(p) * factor)


def divided(x: Case, divisor: int) -> Case:
    return Case(floordiv(x.index, divisor, range_of), lambda p: x.meaning(p) // divisor)


def remainder(x: Case, divisor: int) -> Case:
    return Case(mod(x.index, divisor, range_of), lambda p: x.meaning(p) % divisor)


def larger(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return st.one_of(
        st.builds(plus, inner, inner),
        st.builds(minus, inner, inner),
        st.builds(times, inner, st.integers(-8, 8)),
        st.builds(divided, inner, st.integers(1, 8)),
        st.builds(remainder, inner, st.integers(1, 8)),
    )


LEAVES = st.sampled_from(list("abc")).map(named) | st.integers(-20, 20).map(number)
CASES = st.recursive(LEAVES, larger, max_leaves=6)


@given(CASES)
def test_normal_form_means_the_same(case: Case) -> None:
    assert all(case.index.evaluate(point) == case.meaning(point) for point in POINTS)


@given(CASES)
def test_bounds_hold_at_every_point(case: Case) -> None:
    span = case.index.bounds(range_of)
    assert span is not None
    assert all(span[0] <= case.meaning(point) <= span[1] for point in POINTS)


@given(CASES, CASES)
def test_substitution_is_composition(case: Case, other: Case) -> None:
    by = remainder(other, 4)  # what takes the place of a symbol stays in its range
    found = substitute(case.index, {"a": by.index}, range_of)
    assert all(found.evaluate(point) == case.meaning({**point, "a": by.meaning(point)}) for point in POINTS)


@given(CASES)
def test_terms_cancel(case: Case) -> None:
    assert case.index - case.index == constant(0)
    assert (case.index + case.index) == case.index * 2
    assert hash(case.index + case.index) == hash(case.index * 2)


@given(CASES)
def test_coefficient_is_how_much_the_value_grows(case: Case) -> None:
    step = case.index.coefficient("a")
    if step is not None:
        inner = [p for p in POINTS if p["a"] < RANGES["a"][1]]
        grown = [case.meaning({**p, "a": p["a"] + 1}) - case.meaning(p) for p in inner]
        assert set(grown) == {step}


@given(st.lists(st.integers(1, 5), max_size=4))
def test_linearize_and_delinearize_are_inverse(shape: list[int]) -> None:
    ranges: dict[Hashable, tuple[int, int]] = {i: (0, extent - 1) for i, extent in enumerate(shape)}
    ranges["t"] = (0, prod(shape) - 1)
    axes = [symbol(i) for i in range(len(shape))]
    found = delinearize(linearize(axes, shape), shape, ranges.get)
    for at in product(*map(range, shape)):
        assert [index.evaluate(dict[Hashable, int](enumerate(at))) for index in found] == list(at)
    if 1 not in shape:
        assert found == axes
    if shape:
        assert linearize(delinearize(symbol("t"), shape, ranges.get), shape) == symbol("t")


def test_split_axis_that_is_put_together_cancels() -> None:
    t = symbol("t")
    assert floordiv(t, 64, range_of) * 64 + mod(t, 64, range_of) == t


def test_division_folds_given_ranges() -> None:
    assert floordiv(A * 8 + B, 8, range_of) == A  # 0 <= b < 8
    assert floordiv(A + B + 16, 16, range_of) == constant(1)
    assert floordiv(A * 8 + C, 8, range_of) != A  # c may be negative
    assert floordiv(floordiv(symbol("t"), 4, range_of), 8, range_of) == floordiv(symbol("t"), 32, range_of)
    assert floordiv(A * 12 + B, 24, range_of) == floordiv(A, 2, range_of)


def test_a_digit_of_a_quotient_has_the_bounds_of_a_remainder() -> None:
    t = symbol("t")
    assert (floordiv(t, 4, range_of) - floordiv(t, 32, range_of) * 8).bounds(range_of) == (0, 7)
    assert (floordiv(t, 32, range_of) * 4 - floordiv(t, 4, range_of) * 1 + A).bounds(range_of) is None
    assert (floordiv(t, 32, range_of) * 24 - floordiv(t, 4, range_of) * 3).bounds(range_of) == (-21, 0)
    fine = floordiv(t, 4, range_of) - floordiv(t, 32, range_of) * 8
    coarse = floordiv(t, 64, range_of) - floordiv(t, 128, range_of) * 2
    assert (fine + coarse).bounds(range_of) == (0, 8)


def test_unknown_symbols_have_no_bounds() -> None:
    assert symbol("t").bounds(range_of) is None
    assert floordiv(symbol("t"), 4, range_of).bounds(range_of) is None


def test_symbols_and_divided_symbols() -> None:
    index = A + floordiv(B * 3 + C, 7, range_of)
    assert index.symbols == {"a", "b", "c"}
    assert index.divided == {"b", "c"}
    assert index.coefficient("a") == 1
    assert index.coefficient("b") is None
    assert any(isinstance(atom, FloorDiv) for atom in index.terms)


def test_stays_inside() -> None:
    assert stays_inside([A, B], [4, 6], range_of)
    assert not stays_inside([A + 1, B], [4, 6], range_of)
    assert not stays_inside([C], [9], range_of)
    assert not stays_inside([symbol("t")], [9], range_of)
