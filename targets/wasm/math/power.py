"""powf: |x|^y = 2^(y·log2|x|) with more digits than the result has, then the sign and the special cases.

In f32 each lane is computed in f64. In f64 the logarithm, its product with y and the exponential are sums of two
numbers (Dekker, "A Floating-Point Technique for Extending the Available Precision", 1971), so that the result is
rounded about once, and powers that are representable are exact.
"""

from __future__ import annotations

from math import e, inf, log2, nan
from typing import NamedTuple

from webdnn.targets.wasm.math.builder import DOUBLE, SINGLE, Real, joined
from webdnn.targets.wasm.math.exponential import LN2, REST, magic, power_of_two, twice_exp
from webdnn.targets.wasm.math.logarithm import binary_split, normal_split

LARGEST_SQUARED = 8
"""The largest constant exponent for which products are as good as a logarithm"""

R_OF_SINGLE = (0.66666666675979, 0.39999995520948, 0.28572123012783, 0.22175502184495, 0.19595360282298)
"""R of `logarithm.py` to 3e-14: 2^-45, of which y·log2|x| takes 8 bits away"""

R_AFTER_TWO_TERMS = (
    *(0.599999999999999729, 0.428571428571646584, 0.333333333268301831, 0.272727282589222613),
    *(0.230768375723627755, 0.200044159565225298, 0.175130143692198656, 0.179799067536561798),
)
"""(3·atanh(s) / s - 3 - s²) / s⁴ in s²; what it is off by is less than 1e-22 of the logarithm"""

TWO_OVER_3_LN2 = (0.9617966939259756, 5.0577616648125907e-17)
LN2_LOW = 2.3190468138462996e-17


class Pair(NamedTuple):
    """A number as the sum of two, the second at most half a unit in the last place of the first."""

    high: Real
    low: Real


def halves(a: Real) -> Pair:
    """26 bits each (Veltkamp)."""
    scaled = a * (2.0**27 + 1)
    high = scaled - (scaled - a)
    return Pair(high, a - high)


def product(a: Real, b: Real) -> Pair:
    """a·b exactly (Dekker)."""
    high = a * b
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return Pair(high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2)


def total(large: Real, small: Real) -> Pair:
    """large + small exactly, where |large| >= |small| or large is 0."""
    high = large + small
    return Pair(high, small - (high - large))


def times_constant(pair: Pair, factor: tuple[float, float]) -> Pair:
    high, low = product(pair.high, pair.high.like(factor[0]))
    return Pair(high, low + (pair.high * factor[1] + pair.low * factor[0]))


def exact_log2(x: Real) -> Pair:
    """log2(x) of a positive f64 to about 65 bits: k + 2 / (3·ln 2)·s·(3 + s² + s⁴·Q(s²)) with s = (m - 1) / (m + 1)."""
    exponent, mantissa = normal_split(x)
    below = total(mantissa.like(1.0), mantissa)
    fraction = mantissa - 1.0
    s = fraction / below.high
    back = product(s, below.high)
    s_low = (((fraction - back.high) - back.low) - s * below.low) / below.high
    z = product(s, s)
    tail = z.high * z.high * z.high.polynomial(R_AFTER_TWO_TERMS) + (z.low + s * s_low * 2.0)
    three = total(z.high.like(3.0), z.high)
    series = total(three.high, three.low + tail)
    inner = product(s, series.high)
    scaled = times_constant(Pair(inner.high, inner.low + (s * series.low + s_low * series.high)), TWO_OVER_3_LN2)
    high, low = total(exponent, scaled.high)
    return Pair(high, low + scaled.low)


def exact_magnitude(x: Real, y: Real) -> Real:
    """x^y of a positive f64 that is finite."""
    bounded = y.clamped(-(2.0**70), 2.0**70)
    logarithm = exact_log2(x)
    high, low = product(bounded, logarithm.high)
    low = (low + bounded * logarithm.low).unless(high.absolute() > 1100.0, 0.0)
    high = high.clamped(-1022.0, 1025.0)
    offset = magic(DOUBLE, 1)
    rounded = high + offset
    r, r_low = times_constant(total(high - (rounded - offset), low), (LN2, LN2_LOW))
    tail = r_low + r * r * r.polynomial(REST[DOUBLE])
    one = total(r.like(1.0), r)
    return (one.high + (one.low + tail)) * 2.0 * power_of_two(rounded)


def single_magnitude(x: Real, y: Real) -> Real:
    """x^y of a positive f32 that is finite."""
    exponent, mantissa = binary_split(x.double())
    fraction = mantissa - 1.0
    s = fraction / (fraction + 2.0)
    z = s * s
    logarithm = exponent + s * (z * z.polynomial(R_OF_SINGLE) + 2.0) * log2(e)
    power = (y.double() * logarithm).clamped(-200.0, 200.0)
    offset = magic(DOUBLE, 1)
    rounded = power + offset
    rest = (power - (rounded - offset)) * LN2
    return (twice_exp(rest, SINGLE) * power_of_two(rounded)).single()


def magnitude(x: Real, y: Real) -> Real:
    """x^y of numbers that are positive and finite."""
    if x.format is DOUBLE:
        return exact_magnitude(x, y)
    bounded = y.clamped(-1e38, 1e38)
    pairs = zip(x.scalars(), bounded.scalars(), strict=True)
    return joined(Real, [single_magnitude(Real(x.to, a), Real(x.to, b)) for a, b in pairs])


def power(x: Real, y: Real) -> Real:
    """With the special cases of C's pow (ISO C, annex F.10.4.4)."""
    a = x.absolute()
    vanishes, endless = a.equals(0.0), a.equals(inf)
    grows = endless ^ (y < 0.0)
    edge = x.like(0.0).unless(grows, inf)
    result = magnitude(a, y).unless(vanishes | endless, edge)
    integral = y.truncated().equals(y)
    half = y * 0.5
    odd = integral & half.truncated().differs(half)
    result = result.unless(odd, result.with_sign_of(x))
    fractional = y.truncated().differs(y)
    result = result.unless((x < 0.0) & (a < inf) & fractional, nan)
    result = result.unless(x.differs(x) | y.differs(y), nan)
    return result.unless(y.equals(0.0) | x.equals(1.0), 1.0)


def constant_power(x: Real, exponent: float) -> Real | None:
    """x^c by products and roots; None where c is not so simple."""
    match exponent:
        case 0.0:
            return x.like(1.0)
        case 0.5:
            return (x + 0.0).square_root().unless(x.equals(-inf), inf)  # -0.0 + 0.0 is 0.0
        case -0.5:
            return (1.0 / (x + 0.0).square_root()).unless(x.equals(-inf), 0.0)
        case _ if exponent.is_integer() and abs(exponent) <= LARGEST_SQUARED:
            value = integer_power(x, abs(int(exponent)))
            return value if exponent > 0 else 1.0 / value
        case _:
            return None


def integer_power(x: Real, exponent: int) -> Real:
    """Squares of x multiplied, for an exponent of at least 1."""
    result: Real | None = None
    while exponent:
        if exponent & 1:
            result = x if result is None else result * x
        exponent >>= 1
        x = x * x if exponent else x
    assert result is not None
    return result
