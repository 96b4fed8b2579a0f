"""Cube roots, reciprocal square roots, and what rounds or moves signs where no instruction does."""

from __future__ import annotations

from math import inf

from webdnn.targets.wasm.math.builder import SINGLE, Real


def rsqrt(x: Real) -> Real:
    return 1.0 / x.square_root()


def cbrt(x: Real) -> Real:
    """A third of the exponent and fraction as a guess to 4 %, then Halley's t - t·(t³ - a) / (2t³ + a), which cubes it.

    Numbers are brought towards 1 by a power of 8: none is subnormal then, and 3a does not overflow.
    """
    format = x.format
    third = format.fraction_bits // 3 + 1
    small = x.absolute() < 1.0
    a = x.absolute() * x.like(8.0**-third).unless(small, 8.0**third)
    middle = (2 * format.bias << format.fraction_bits) / 3 - 0.05 * 2.0**format.fraction_bits
    t = (a.bits().converted() * (1 / 3) + middle).whole().as_float()
    for _ in range(2 if format is SINGLE else 3):
        cube = t * t * t
        t = t - t * ((cube - a) / (cube + cube + a))
    t = t * x.like(2.0**third).unless(small, 2.0**-third)
    return t.unless(a.equals(0.0), 0.0).unless(a.equals(inf), inf).unless(a.differs(a), x).with_sign_of(x)


def copysign(x: Real, sign: Real) -> Real:
    return x.with_sign_of(sign)


def round_away(x: Real) -> Real:
    """To the nearest integer, halves away from 0."""
    whole = x.truncated()
    return whole.unless((x - whole).absolute() >= 0.5, whole + x.like(1.0).with_sign_of(x))
