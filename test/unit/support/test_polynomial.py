"""Polynomials of sizes: equal where their terms are, divided where that leaves nothing, within their bounds."""

from __future__ import annotations

from webdnn.support.polynomial import Polynomial

B, S, P = (Polynomial.of(name) for name in "bsp")
TWO = Polynomial.of(2)


def test_equal_sums_are_the_same() -> None:
    assert (P + S) - P == S
    assert B * S * TWO == TWO * S * B
    assert (B + S) * (B - S) == B * B - S * S
    assert (S - S).simplest == 0
    assert (S * Polynomial.of(1)).simplest == "s"
    assert (TWO * TWO).simplest == 4
    assert (S + TWO).simplest == S + TWO


def test_a_quotient_is_whole_or_none() -> None:
    assert (B * S * TWO).divided_by(S * TWO) == B
    assert (B * S + B).divided_by(B) == S + Polynomial.of(1)
    assert (S * TWO).divided_by(TWO * TWO) is None
    assert (S + TWO).divided_by(S) is None
    assert S.divided_by(S + TWO) is None


def test_bounds_hold_at_the_ends_of_all_ranges() -> None:
    ranges = {"b": (1, 3), "s": (0, 5), "p": (2, 4)}
    assert (B * S + TWO).bounds(lambda unknown: ranges[str(unknown)]) == (2, 17)
    assert (P - S).bounds(lambda unknown: ranges[str(unknown)]) == (-3, 4)
