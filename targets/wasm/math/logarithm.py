"""log, log2, log10 and log1p.

x = 2ᵏ·m with √½ <= m < √2. With f = m - 1, s = f / (2 + f) and z = s²: log(m) = 2·atanh(s) = s·(2 + R(z)), written as
f - (f²/2 - s·(f²/2 + R)) so that the largest term is exact (fdlibm, e_log.c, has the identity). R is a minimax fit.
"""

from __future__ import annotations

from math import e, inf, log, log2, nan
from typing import NamedTuple

from webdnn.targets.wasm.math.builder import DOUBLE, SINGLE, Coefficients, Real
from webdnn.targets.wasm.math.exponential import LN2_PARTS

R: Coefficients = {
    SINGLE: (0.6666677862, 0.3997718991, 0.2988270194),
    DOUBLE: (
        *(0.666666666666673492, 0.39999999999401366, 0.285714287469020894, 0.222221979839661084),
        *(0.181836004532621371, 0.153130032320142144, 0.148075310966952317),
    ),
}
"""(2·atanh(s) - 2s) / s³ in z = s², |s| <= (√2 - 1) / (√2 + 1), to 9e-10 and 2e-18 of the logarithm"""

LOG10_2_PARTS = {
    SINGLE: (0.301025390625, 4.605038981195214e-06),
    DOUBLE: (0.30102999566383914, 1.42050232272661e-13),
}
SQRT_HALF_BITS = {SINGLE: 0x3F3504F3, DOUBLE: 0x3FE6A09E667F3BCD}


class Split(NamedTuple):
    """x = 2^exponent · mantissa, and log(mantissa) = fraction - correction with fraction = mantissa - 1."""

    exponent: Real
    fraction: Real
    correction: Real


def binary_split(x: Real) -> tuple[Real, Real]:
    """k and m of a positive normal number."""
    format, bits = x.format, x.bits()
    exponent = (bits - SQRT_HALF_BITS[format]) >> format.fraction_bits
    return exponent.converted(), (bits - (exponent << format.fraction_bits)).as_float()


def normal_split(x: Real) -> tuple[Real, Real]:
    """k and m of a positive number, also of one below the normal range."""
    lift = x.format.fraction_bits + 1
    tiny = x < 2.0 ** (1 - x.format.bias)
    exponent, mantissa = binary_split(x.unless(tiny, x * 2.0**lift))
    return exponent - x.like(0.0).unless(tiny, float(lift)), mantissa


def mantissa_log(exponent: Real, mantissa: Real) -> Split:
    fraction = mantissa - 1.0
    half_square = fraction * fraction * 0.5
    s = fraction / (fraction + 2.0)
    z = s * s
    rest = z.times_plus(z.polynomial(R[z.format]), half_square)
    return Split(exponent, fraction, half_square - s * rest)


def natural(split: Split) -> Real:
    """k·ln 2 + log(m), the large term last."""
    high, low = LN2_PARTS[split.fraction.format]
    rest = split.fraction - (split.correction - split.exponent * low)
    return split.exponent.times_plus(high, rest)


def completed(result: Real, x: Real, pole: float) -> Real:
    """The result, but inf and NaN for themselves, -inf at the pole and NaN below it."""
    finite = x.unless(x < inf, result)
    return finite.unless(x < pole, nan).unless(x.equals(pole), -inf)


def log_(x: Real) -> Real:
    return completed(natural(mantissa_log(*normal_split(x))), x, 0.0)


def log2_(x: Real) -> Real:
    """Exact for powers of two."""
    k, fraction, correction = mantissa_log(*normal_split(x))
    return completed((fraction - correction).times_plus(log2(e), k), x, 0.0)


def log10_(x: Real) -> Real:
    k, fraction, correction = mantissa_log(*normal_split(x))
    high, low = LOG10_2_PARTS[x.format]
    return completed(k.times_plus(high, k.times_plus(low, (fraction - correction) * (1 / log(10)))), x, 0.0)


def log1p(x: Real) -> Real:
    """log(u) + c / u, where u is 1 + x as rounded and c what the rounding took: accurate near 0."""
    u = x + 1.0
    lost = (x - (u - 1.0)) / u
    k, fraction, correction = mantissa_log(*binary_split(u))
    return completed(natural(Split(k, fraction, correction - lost)), x, -1.0)
