"""The intervals of integers in kernel bodies: what shifts by unknown numbers give, and chains of conditions."""

from __future__ import annotations

import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, Block, SSAValue

from webdnn.dialects.kernel.builder import Body
from webdnn.passes.kernel.forming.integer_ranges import FLOAT, INT32, WORD, Machine, OverflowRisk, Ranges


def shifted(kind: type[arith.ShLIOp | arith.ShRUIOp | arith.ShRSIOp], bits: int, element: Attribute) -> SSAValue:
    """1000 shifted by an unknown number below `bits`."""
    body, count = Body(), Block(arg_types=[element]).args[0]
    limit, zero, number = (body.constant(n, element) for n in (bits, 0, 1000))
    below = body.add(arith.CmpiOp(count, limit, "ult"))
    return body.add(kind(number, body.select(below, count, zero)))


def test_shifts_by_a_number_below_a_limit() -> None:
    assert Ranges(WORD).of(shifted(arith.ShRUIOp, 8, i32)) == (1000 >> 7, 1000)
    assert Ranges(WORD).of(shifted(arith.ShRSIOp, 32, i32)) == (0, 1000)
    assert Ranges(WORD).of(shifted(arith.ShLIOp, 8, i64)) == (1000, 1000 << 7)
    assert Ranges(WORD).of(shifted(arith.ShLIOp, 32, i32)) == INT32


@pytest.mark.parametrize(("bits", "machine"), [(64, WORD), (8, FLOAT)])
def test_shifts_that_the_machine_does_not_make(bits: int, machine: Machine) -> None:
    with pytest.raises(OverflowRisk):
        Ranges(machine).of(shifted(arith.ShRUIOp, bits, i32))


def test_a_remainder_is_no_larger_than_the_dividend() -> None:
    body, (a, b) = Body(), Block(arg_types=[i64, i64]).args
    assert Ranges(WORD).of(body.add(arith.RemSIOp(a, b))) == (-(2**31) + 1, 2**31 - 1)


def test_a_chain_of_selects_takes_no_longer_than_it_is() -> None:
    """Powers of integers have such chains: judged under all conditions on the way, this one would take 2^60 steps."""
    body, exponent = Body(), Block(arg_types=[i32]).args[0]
    value = one = body.constant(1, i32)
    for bit in range(60):
        chosen = body.add(arith.CmpiOp(body.add(arith.DivSIOp(exponent, body.constant(bit + 2, i32))), one, "eq"))
        value = body.select(chosen, body.plus(value, one), value)
    assert Ranges(WORD).of(value) == (1, 61)
