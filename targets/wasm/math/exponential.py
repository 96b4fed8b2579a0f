"""exp, exp2, and the quarter of expm1 from which hyperbolic functions are made.

x = n·ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite, "Software Manual for the Elementary Functions", 1980: n·ln 2 is
subtracted in two parts, the first of them exact), then exp(x) = 2ⁿ·exp(r). Adding 1.5·2^p (p: the fraction's bits)
rounds to an integer and leaves it in the low bits of the sum, from where one shift makes it the exponent of 2ⁿ.
Polynomials are minimax fits by Remez' exchange.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

from webdnn.targets.wasm.math.builder import DOUBLE, SINGLE, Coefficients, Format, Real

LN2 = log(2)

LN2_PARTS = {SINGLE: (0.693145751953125, 1.4286068203094173e-06), DOUBLE: (0.693147180559663, 2.8235290563031577e-13)}
"""ln 2 as a sum of which the first part has zeros at its end: 9 bits in f32, 12 in f64"""

REST: Coefficients = {
    SINGLE: (0.4999999348, 0.1666652028, 0.04166838621, 0.008368781461, 0.001381475105),
    DOUBLE: (
        *(0.500000000000001006, 0.16666666666666413, 0.0416666666665334908, 0.00833333333349553003),
        *(0.00138888889430147258, 0.000198412695028712788, 2.4801493533067433e-05, 2.75575901454995189e-06),
        *(2.76301516070655589e-07, 2.4998878482130194e-08),
    ),
}
"""(exp(r) - 1 - r) / r² for |r| <= ln 2 / 2, to 3e-9 and 4e-18 of exp(r)"""


class Reduced(NamedTuple):
    """What is left of an argument, and a power of two."""

    rest: Real
    scale: Real


def magic(format: Format, shift: int) -> float:
    """What rounds to an integer n, and puts the exponent field of 2^(n - shift) into the low bits."""
    return 1.5 * 2.0**format.fraction_bits + format.bias - shift


def power_of_two(rounded: Real) -> Real:
    return (rounded.bits() << rounded.format.fraction_bits).as_float()


def reduced(x: Real, shift: int) -> Reduced:
    """x = n·ln 2 + rest, and 2^(n - shift)."""
    offset = magic(x.format, shift)
    high, low = LN2_PARTS[x.format]
    rounded = x.times_plus(1 / LN2, offset)
    n = rounded - offset
    return Reduced(n.times_plus(-low, n.times_plus(-high, x)), power_of_two(rounded))


def twice_exp(rest: Real, format: Format) -> Real:
    """2·exp(r): the scale that goes with it is half as large, and so never overflows before the result does."""
    return rest.polynomial((2.0, 2.0, *(2 * c for c in REST[format])))


def exp(x: Real) -> Real:
    """e^x to 1 ulp; 0 where it is below 1.42 times the smallest normal number."""
    rest, scale = reduced(x.clamped(*((-87.3, 89.0) if x.format is SINGLE else (-708.4, 710.0))), 1)
    return twice_exp(rest, x.format) * scale


def exp2(x: Real) -> Real:
    """2^x; 0 where it is below 1.42 times the smallest normal number."""
    offset = magic(x.format, 1)
    bounded = x.clamped(1.0 - x.format.bias, x.format.bias + 1.2)
    rounded = bounded + offset
    rest = (bounded - (rounded - offset)) * LN2
    return twice_exp(rest, x.format) * power_of_two(rounded)


def quarter_expm1(x: Real) -> Real:
    """(e^x - 1) / 4, of the same relative accuracy for every x; finite as long as e^x / 2 is.

    2^(n-2)·(exp(r) - 1) + (2^(n-2) - 1/4).
    """
    low = LN2 * -(x.format.fraction_bits + 2)
    high = LN2 * (x.format.bias + 2.3)
    rest, scale = reduced(x.clamped(low, high), 2)
    inner = (rest * rest).times_plus(rest.polynomial(REST[x.format]), rest)
    return scale.times_plus(inner, scale - 0.25)


def expm1(x: Real) -> Real:
    return quarter_expm1(x) * 4.0
