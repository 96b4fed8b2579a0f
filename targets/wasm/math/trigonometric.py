"""sin, cos and tan: x = n·π/2 + r with |r| <= π/4, a polynomial in r, and the quadrant from the low bits of n.

π/2 is subtracted in f64 in parts whose products with n are exact up to |n| = 2²⁰ (Cody and Waite): two for f32, whose
lanes are reduced one by one, and three for f64. Beyond, accuracy decreases with |x|. Polynomials are minimax fits.
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

from webdnn.targets.wasm.math.builder import DOUBLE, SINGLE, Coefficients, Real, Whole, joined

HALF_PI_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""π/2: 33 bits, 33 bits and the rest"""

SIN: Coefficients = {
    SINGLE: (-0.1666665486, 0.008332171581, -0.0001951629853),
    DOUBLE: (
        *(-0.16666666666666632, 0.0083333333333223478, -0.000198412698297255793),
        *(2.7557313656037637e-06, -2.50507515997456346e-08, 1.5896375209542418e-10),
    ),
}
"""(sin(r) - r) / r³ in r², to 4e-9 and 4e-18 of the sine"""

COS: Coefficients = {
    SINGLE: (0.04166664688, -0.00138873658, 2.443803978e-05),
    DOUBLE: (
        *(0.0416666666666666118, -0.00138888888888758502, 2.48015872903868147e-05),
        *(-2.75573145764546921e-07, 2.08757497996056703e-09, -1.13608568432377972e-11),
    ),
}
"""(cos(r) - 1 + r²/2) / r⁴ in r², to 1e-10 and 1e-19"""

ROUNDING = 1.5 * 2.0**52


class Angle(NamedTuple):
    """n·π/2 + rest; of n the low bits are right."""

    rest: Real
    quadrant: Whole


def reduced(x: Real, parts: tuple[float, ...]) -> Angle:
    """The angle of an f64."""
    rounded = x.times_plus(2 / pi, ROUNDING)
    n = rounded - ROUNDING
    for part in parts:
        x = x - n * part
    return Angle(x, rounded.bits())


def angle(x: Real) -> Angle:
    if x.format is DOUBLE:
        rest, quadrant = reduced(x, HALF_PI_PARTS)
    else:
        found = [reduced(Real(x.to, lane).double(), HALF_PI_PARTS[:2]) for lane in x.scalars()]
        rest = joined(Real, [r.single() for r, _ in found])
        quadrant = joined(Whole, [q.low_half() for _, q in found])
    return Angle(rest.clamped(-0.8, 0.8), quadrant)  # clamped for |x| of 2⁵⁰ and more only


def sine_polynomial(r: Real) -> Real:
    z = r * r
    return (z * r).times_plus(z.polynomial(SIN[r.format]), r)


def cosine_polynomial(r: Real) -> Real:
    z = r * r
    half = z * 0.5
    whole = 1.0 - half
    return whole + (z * z).times_plus(z.polynomial(COS[r.format]), (1.0 - whole) - half)


def sine_in(quadrant: Whole, rest: Real) -> Real:
    """Even quadrants take the sine and odd ones the cosine; the second two are negative."""
    odd = (quadrant & 1).differs(0)
    value = sine_polynomial(rest).unless(odd, cosine_polynomial(rest))
    return value.flipped_where((quadrant & 2) << (rest.format.bits - 2))


def sin(x: Real) -> Real:
    rest, quadrant = angle(x)
    return sine_in(quadrant, rest)


def cos(x: Real) -> Real:
    """sin(x + π/2)"""
    rest, quadrant = angle(x)
    return sine_in(quadrant + 1, rest)


def tan(x: Real) -> Real:
    """sin / cos, in odd quadrants -cos / sin."""
    rest, quadrant = angle(x)
    sine, cosine = sine_polynomial(rest), cosine_polynomial(rest)
    odd = (quadrant & 1).differs(0)
    return sine.unless(odd, -cosine) / cosine.unless(odd, sine)
