"""sinh, cosh, tanh and their inverses.

With g = (e^a - 1) / 4 and a = |x|, sinh = 2·(g + g / (4g + 1)) and cosh = 2·((g + ¼) + 1 / (16·(g + ¼))): nothing is
cancelled, and nothing overflows before the result does. The inverses are logarithms of 1 + t with t written without
cancellation (Abramowitz and Stegun, 4.6.20-22).
"""

from __future__ import annotations

from math import log, nan

from webdnn.targets.wasm.math.builder import SINGLE, Real
from webdnn.targets.wasm.math.exponential import quarter_expm1
from webdnn.targets.wasm.math.logarithm import log1p

TANH_ABOVE = (0.9999999787, 0.1337968173, 0.00349399235, 2.058282247e-05, 1.331823146e-08)
TANH_BELOW = (1.0, 0.4671299693, 0.02587091049, 0.0003283025314, 7.761659918e-07)
"""tanh(x) = x·P(x²) / Q(x²) for |x| <= 9.02 to 2.1e-8: a fit with Lawson's weights, all of whose terms add up.

Rounding makes it 6 units in the last place (4e-7).
"""

LN2 = log(2)


def sinh(x: Real) -> Real:
    g = quarter_expm1(x.absolute())
    return ((g + g / g.times_plus(4.0, 1.0)) * 2.0).with_sign_of(x)


def cosh(x: Real) -> Real:
    h = quarter_expm1(x.absolute()) + 0.25
    return (h + 0.0625 / h) * 2.0


def tanh(x: Real) -> Real:
    """In f32 a quotient of polynomials that exceeds 1 where it is clamped to it; in f64 g / (g + ½) of 2|x|."""
    if x.format is SINGLE:
        bounded = x.clamped(-9.6, 9.6)
        z = bounded * bounded
        return (bounded * z.polynomial(TANH_ABOVE) / z.polynomial(TANH_BELOW)).clamped(-1.0, 1.0)
    g = quarter_expm1((x.absolute() * 2.0).at_most(60.0))
    return (g / (g + 0.5)).with_sign_of(x)


def asinh(x: Real) -> Real:
    """log1p(a + a² / (1 + √(1 + a²))); log(a) + log(2) where a² is large."""
    a = x.absolute()
    square = a * a
    large = a > large_bound(x)
    inner = a + square / ((square + 1.0).square_root() + 1.0)
    return (log1p(inner.unless(large, a)) + x.like(0.0).unless(large, LN2)).with_sign_of(x)


def acosh(x: Real) -> Real:
    """log1p(t + √(2t + t²)) of t = x - 1; log(x) + log(2) where x² is large."""
    t = x - 1.0
    large = x > large_bound(x)
    inner = t + t.times_plus(t, t + t).square_root()
    result = log1p(inner.unless(large, x)) + x.like(0.0).unless(large, LN2)
    return result.unless(x < 1.0, nan)


def large_bound(x: Real) -> float:
    """Above it 1 + x² is x² in this format, and x² still far from overflow."""
    return 2.0 ** (x.format.fraction_bits + 5)


def atanh(x: Real) -> Real:
    """log1p(2a / (1 - a)) / 2"""
    a = x.absolute()
    return (log1p((a + a) / (1.0 - a)) * 0.5).with_sign_of(x)
