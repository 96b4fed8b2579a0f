"""Floats of 8 and 4 bits as codes: how many bits mean what, and the value of every code."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan


@dataclass(frozen=True)
class FloatFormat:
    """A sign, `exponent` bits and `mantissa` bits, from the highest to the lowest; `power` formats are exponents alone.

    `largest` is the code of the largest finite number, `infinity` that of what comes behind it (None where there is no
    infinity), `not_a_number` the one that NaN is written as, and `spare` are the codes that stand for NaN. Where
    `negative_zero` is false, that code is one of them. `ml_dtypes` is the numpy type of the same numbers.
    """

    name: str
    exponent: int
    mantissa: int
    bias: int
    largest: int
    infinity: int | None
    not_a_number: int
    spare: tuple[int, ...]
    ml_dtypes: str
    negative_zero: bool = True
    power: bool = False

    @property
    def sign(self) -> int:
        """The code's bit that says that the number is negative; 0 where none is."""
        return 0 if self.power else 1 << (self.exponent + self.mantissa)

    @property
    def count(self) -> int:
        """How many codes there are."""
        return 256 if self.power else 2 * self.sign

    def value(self, code: int) -> float:
        """The number that a code stands for."""
        if code in self.spare:
            return nan
        if self.power:
            return 2.0 ** (code - self.bias)
        magnitude, negative = code & (self.sign - 1), bool(code & self.sign)
        field, fraction = magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1)
        if magnitude == self.infinity:
            size = inf
        elif field == 0:
            size = fraction * 2.0 ** (1 - self.bias - self.mantissa)
        else:
            size = (1 + fraction / (1 << self.mantissa)) * 2.0 ** (field - self.bias)
        return -size if negative else size


FLOAT_FORMATS = {
    f.name: f
    for f in (
        FloatFormat("f8e4m3fn", 4, 3, 7, 0x7E, None, 0x7F, (0x7F, 0xFF), "float8_e4m3fn"),
        FloatFormat("f8e4m3fnuz", 4, 3, 8, 0x7F, None, 0x80, (0x80,), "float8_e4m3fnuz", negative_zero=False),
        FloatFormat("f8e5m2", 5, 2, 15, 0x7B, 0x7C, 0x7E, (0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF), "float8_e5m2"),
        FloatFormat("f8e5m2fnuz", 5, 2, 16, 0x7F, None, 0x80, (0x80,), "float8_e5m2fnuz", negative_zero=False),
        FloatFormat("f4e2m1", 2, 1, 1, 0x7, None, 0x8, (), "float4_e2m1fn"),
        FloatFormat("f8e8m0", 8, 0, 127, 0xFE, None, 0xFF, (0xFF,), "float8_e8m0fnu", power=True),
    )
}
"""By the name that `dnn.encode_float` gives it."""
