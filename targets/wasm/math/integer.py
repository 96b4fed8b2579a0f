"""Functions of integers: absolute values, bit counts and powers."""

from __future__ import annotations

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, f64, i32
from xdsl.ir import Block, Region

from webdnn.dialects.element import element_of, is_vector
from webdnn.targets.wasm.math.builder import DOUBLE, Real, Recorder, Whole
from webdnn.targets.wasm.math.power import power


def absolute(x: Whole) -> Whole:
    if is_vector(x.value.type):
        return Whole(x.to, x.instruction("i32x4.abs", type=x.value.type))
    return x.unless(x < 0, Whole(x.to, x.number(0)) - x)


def bit_count(x: Whole) -> Whole | None:
    """Of a vector: the bytes' counts, added in pairs twice. Scalars have an instruction."""
    if not is_vector(x.value.type):
        return None
    for name in ("i8x16.popcnt", "i16x8.extadd_pairwise_i8x16_u", "i32x4.extadd_pairwise_i16x8_u"):
        x = Whole(x.to, x.instruction(name, type=x.value.type))
    return x


def float_to_integer_power(x: Real, exponent: Whole) -> Real:
    """fpowi: the exponent is an i32, which is exact in an f64; in f32 one of more than 24 bits is rounded."""
    if x.format is DOUBLE:
        return power(x, Real(x.to, exponent.apply(arith.SIToFPOp, type=f64)))
    return power(x, exponent.converted())


def integer_power(base: Whole, exponent: Whole) -> Whole:
    """base^exponent wrapped, by a loop over the exponent's bits; a negative one gives 0, but a power of ±1."""
    to, one = base.to, Whole(base.to, base.number(1))
    bits = 32 if element_of(base.value.type) == i32 else 64
    block = Block(arg_types=[IndexType(), *[base.value.type] * 3])
    inner = Recorder(constants=to.constants, known=to.known)
    result, square, rest = (Whole(inner, a) for a in block.args[1:])
    odd = (rest & 1).differs(0)
    steps = [result.unless(odd, result * square), square * square, rest.shifted_down(1)]
    block.add_ops([*inner.ops, scf.YieldOp(*(s.value for s in steps))])
    low, high, step = (to.add(index_constant(n)) for n in (0, bits, 1))
    loop = scf.ForOp(low, high, step, [one.value, base.value, exponent.value], Region(block))
    to.ops.append(loop)
    value = Whole(to, loop.results[0])
    vanishes = (exponent < 0) & base.differs(1) & base.differs(-1)
    return value.unless(vanishes, 0)


def index_constant(value: int) -> arith.ConstantOp:
    return arith.ConstantOp(IntegerAttr(value, IndexType()))
