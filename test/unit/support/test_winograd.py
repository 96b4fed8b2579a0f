"""Winograd's matrices give exactly what the definition of a convolution gives."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.winograd import POINTS, Matrix, evaluations, from_points, transposed, winograd

SIZES = [
    (outputs, taps, stride)
    for outputs in range(1, 6)
    for taps in range(1, 8)
    for stride in (1, 2, 3)
    if evaluations(outputs, taps, stride) in (1, *POINTS)
]
numbers = st.fractions(min_value=-8, max_value=8, max_denominator=8)


def product(matrix: Matrix, vector: Sequence[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), start=Fraction(0)) for row in matrix]


@pytest.mark.parametrize(("outputs", "taps", "stride"), SIZES)
@given(data=st.data())
def test_exact(outputs: int, taps: int, stride: int, data: st.DataObject) -> None:
    matrices = winograd(outputs, taps, stride)
    window = (outputs - 1) * stride + taps
    d = data.draw(st.lists(numbers, min_size=window, max_size=window))
    g = data.draw(st.lists(numbers, min_size=taps, max_size=taps))
    products = [a * b for a, b in zip(product(matrices.weight, g), product(matrices.input, d), strict=True)]
    expected = [sum((d[i * stride + k] * g[k] for k in range(taps)), start=Fraction(0)) for i in range(outputs)]
    assert product(matrices.output, products) == expected


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize(("outputs", "taps", "stride"), SIZES)
@settings(max_examples=20)
@given(data=st.data())
def test_exact_transposed(outputs: int, taps: int, stride: int, shift: int, data: st.DataObject) -> None:
    """Each element of the window adds its multiple of the taps, `stride` behind that of the one before."""
    shift = min(shift, stride - 1)
    matrices, most = transposed(outputs, taps, stride, shift), -(-taps // stride)
    window = len(matrices.input[0])
    d = data.draw(st.lists(numbers, min_size=window, max_size=window))
    g = data.draw(st.lists(numbers, min_size=taps, max_size=taps))
    products = [a * b for a, b in zip(product(matrices.weight, g), product(matrices.input, d), strict=True)]
    spread = [Fraction(0)] * ((window + most + 1) * stride)
    for i, element in enumerate(d):
        for k, tap in enumerate(g):
            spread[i * stride + k] += element * tap
    whole = (most - 1) * stride + shift
    assert product(matrices.output, products) == spread[whole : whole + outputs * stride]


@pytest.mark.parametrize(
    ("outputs", "taps", "stride", "products"), [(4, 3, 1, 6), (2, 3, 2, 5), (4, 3, 2, 9), (2, 7, 2, 9), (3, 1, 2, 3)]
)
def test_fewer_products(outputs: int, taps: int, stride: int, products: int) -> None:
    assert winograd(outputs, taps, stride).products == products


@pytest.mark.parametrize(("outputs", "taps", "stride", "products"), [(2, 4, 2, 6), (2, 3, 2, 5), (4, 4, 2, 10)])
def test_fewer_products_transposed(outputs: int, taps: int, stride: int, products: int) -> None:
    assert transposed(outputs, taps, stride).products == products


def test_usual_matrices() -> None:
    """The ones of Lavin and Gray's F(4, 3)."""
    matrices = from_points(4, 3, [Fraction(p) for p in (0, 1, -1, 2, -2)])
    assert matrices.input[:2] == ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0))
    assert matrices.weight[1] == (Fraction(-1, 6), Fraction(-1, 6), Fraction(-1, 6))
    assert matrices.output[3] == (0, 1, -1, 8, -8, 1)
