"""Half floats as arithmetic: `f16` and `bf16` bits to and from f32, exactly or rounded to nearest even.

Both ways rest on the formats being short f32s: fields are shifted into place, and one floating-point operation
rescales the exponent, which also makes normal numbers of subnormal ones (IEEE 754-2019, 3.4).
"""

from __future__ import annotations

from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.element import element_of
from webdnn.targets.wasm.math.builder import Real, Recorder, Whole

Made = tuple[list[Operation], SSAValue]
"""Operations, and the value that they end in"""

INFINITY = 0x7F800000
SIGN = -(1 << 31)
FIELDS = 0x7FFF << 13
"""Where exponent and fraction of an f16 lie in an f32"""

F16_INFINITY, F16_NAN = 0x7C00, 0x7E00
BF16_NAN = 0x7FC0


def finished(value: Real | Whole) -> Made:
    return [*value.to.constants, *value.to.ops], value.value


def half_to_float(bits: SSAValue) -> Made:
    """The f32 of the f16 in the low 16 bits of an i32, the upper bits of which are copies of its sign; or four.

    Infinities and NaN, whose exponent is the largest, would become large numbers.
    """
    assert element_of(bits.type) == i32
    half = Whole(Recorder(), bits)
    scaled = (((half << 13) & (SIGN | FIELDS)).as_float() * 2.0**112).bits()
    endless = (half & F16_INFINITY).equals(F16_INFINITY)
    return finished(scaled.unless(endless, scaled | INFINITY).as_float())


def float_to_half(value: SSAValue) -> Made:
    """The bits of the f16 nearest to an f32, in an i32.

    A subnormal f16 is a whole number of 2^-24: adding ½ to a number below 2^-14 rounds it to one, in the low bits.
    For the others half a unit is added to the bits, less the tie that would round to odd; a carry into the exponent
    is right, up to infinity.
    """
    x = Real(Recorder(), value)
    sign = x.sign_bit().shifted_down(16)
    a = x.absolute()
    bits = a.bits()
    normal = (bits + (((15 - 127) << 23) + 0xFFF) + (bits.shifted_down(13) & 1)).shifted_down(13)
    normal = normal.unless(a >= 65520.0, F16_INFINITY)
    small = (a + 0.5).bits() - 0x3F000000
    result = normal.unless(a < 2.0**-14, small).unless(a.differs(a), F16_NAN)
    return finished(result | sign)


def bfloat_to_float(bits: SSAValue) -> Made:
    """The f32 of the bf16 in the low 16 bits of an i32, or of four: those are its upper half."""
    assert element_of(bits.type) == i32
    return finished((Whole(Recorder(), bits) << 16).as_float())


def float_to_bfloat(value: SSAValue) -> Made:
    """The bits of the bf16 nearest to an f32, in an i32. Overflow rounds to infinity by a carry."""
    x = Real(Recorder(), value)
    bits = x.bits()
    rounded = (bits + 0x7FFF + (bits.shifted_down(16) & 1)).shifted_down(16)
    nan = x.sign_bit().shifted_down(16) | BF16_NAN
    return finished(rounded.unless(x.differs(x), nan))
