"""Cube roots, reciprocal square roots, and what rounds or moves signs where no instruction does."""

from __future__ import annotations

from webdnn.targets.wasm.math.builder import SINGLE, Real


def rsqrt(x: Real) -> Real:
    return 1.0 / x.square_root()


def cbrt(x: Real) -> Real:
    """A third of the exponent and fraction as a guess to 4 %, then Halley's t·(t³ + 2a) / (2t³ + a), which cubes it."""
    format = x.format
    a = x.absolute()
    tiny = a < 2.0 ** (1 - format.bias)
    lift = 3 * (format.fraction_bits // 3 + 1)
    a = a.unless(tiny, a * 2.0**lift)
    middle = (2 * format.bias << format.fraction_bits) / 3 - 0.05 * 2.0**format.fraction_bits
    t = (a.bits().converted() * (1 / 3) + middle).whole().as_float()
    for _ in range(2 if format is SINGLE else 3):
        cube = t * t * t
        t = t * ((cube + (a + a)) / (cube + cube + a))
    t = t.unless(tiny, t * 2.0 ** (-lift // 3))
    return x.unless(a > 0.0, t).unless(a > format.largest, x).with_sign_of(x)


def copysign(x: Real, sign: Real) -> Real:
    return x.with_sign_of(sign)


def round_away(x: Real) -> Real:
    """To the nearest integer, halves away from 0."""
    whole = x.truncated()
    return whole.unless((x - whole).absolute() >= 0.5, whole + x.like(1.0).with_sign_of(x))
