"""asin, acos, atan and atan2: arguments brought near 0 by identities, then a minimax polynomial (as Cephes does)."""

from __future__ import annotations

from math import inf, pi, sqrt

from webdnn.targets.wasm.math.builder import DOUBLE, SINGLE, Coefficients, Real

TAN_EIGHTH_PI = sqrt(2) - 1

ATAN: Coefficients = {
    SINGLE: (-0.3333331637, 0.1999852866, -0.142444399, 0.1059962884, -0.06091269676),
    DOUBLE: (
        *(-0.333333333333332319, 0.199999999999613266, -0.142857142808435417, 0.111111108113542906),
        *(-0.090908984667097625, 0.0769207155473608221, -0.0666322141691436582, 0.0584867436601332782),
        *(-0.0504258117207757873, 0.0381421407608638139, -0.0179867893870465269),
    ),
}
"""(atan(t) - t) / t³ in t² for |t| <= tan(π/8), to 7e-10 and 2e-18 of the result"""

ASIN: Coefficients = {
    SINGLE: (0.1666675132, 0.07495317045, 0.04546992876, 0.02417517502, 0.04218180892),
    DOUBLE: (
        *(0.166666666666656353, 0.075000000002993059, 0.044642856851916914, 0.0303819583684343472),
        *(0.0223717729940917971, 0.0173595188707518658, 0.0138867672208450702, 0.0121607619018620628),
        *(0.0065587960289200481, 0.0194570635098629793, -0.0161301090200853019, 0.0318581574581094406),
    ),
}
"""(asin(t) - t) / t³ in t² for |t| <= 1/2, to 5e-9 and 2e-17 of the result"""


def slope_angle(rise: Real, run: Real) -> Real:
    """atan(rise / run) of numbers that are not negative.

    atan(q) = π/2 - atan(1/q), and = π/4 + atan((q - 1) / (q + 1)) above tan(π/8): one division in all.
    """
    steep = rise > run
    large = run.unless(steep, rise)
    small = rise.unless(steep, run)
    middle = small > large * TAN_EIGHTH_PI
    above = small.unless(middle, small - large)
    below = large.unless(middle, small + large)
    t = above / below.unless(below.equals(0.0), 1.0)
    z = t * t
    inner = (z * t).times_plus(z.polynomial(ATAN[z.format]), t)
    inner = inner + t.like(0.0).unless(middle, pi / 4)
    return inner.unless(steep, pi / 2 - inner)


def atan(x: Real) -> Real:
    return slope_angle(x.absolute(), x.like(1.0)).with_sign_of(x)


def atan2(y: Real, x: Real) -> Real:
    """Of two infinities as of (±1, ±1). Magnitudes are halved, so that their sum does not overflow."""
    rise, run = (v.absolute() * 0.5 for v in (y, x))
    endless = rise.at_most(run).equals(inf)
    first = slope_angle(rise.unless(endless, 1.0), run.unless(endless, 1.0))
    return first.unless(x.bits() < 0, pi - first).with_sign_of(y)


def asin_parts(x: Real) -> tuple[Real, Real]:
    """a = |x|, and asin(a) where a <= 1/2, asin(√((1 - a) / 2)) above."""
    a = x.absolute()
    outer = a > 0.5
    z = (a * a).unless(outer, (1.0 - a) * 0.5)
    s = a.unless(outer, z.square_root())
    return a, (s * z).times_plus(z.polynomial(ASIN[z.format]), s)


def asin(x: Real) -> Real:
    """π/2 - 2·asin(√((1 - a) / 2)) above 1/2"""
    a, inner = asin_parts(x)
    return inner.unless(a > 0.5, inner.times_plus(-2.0, pi / 2)).with_sign_of(x)


def acos(x: Real) -> Real:
    """2·asin(√((1 - a) / 2)) above 1/2, π less that below -1/2, π/2 - asin(x) between."""
    a, inner = asin_parts(x)
    twice = inner + inner
    outer = twice.unless(x < 0.0, pi - twice)
    return (pi / 2 - inner.with_sign_of(x)).unless(a > 0.5, outer)
