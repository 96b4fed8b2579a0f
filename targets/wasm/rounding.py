"""Floats that were rounded and clamped, as integers: one sum does both, where several instructions would convert."""

from __future__ import annotations

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import SSAValue

from webdnn.dialects.element import is_vector
from webdnn.targets.wasm.dialect import InstructionOp

MAGIC = 1.5 * 2**23
"""What is added to it is rounded to an integer, ties to even, that its low bits hold."""

MAGIC_BITS = 0x4B400000
LARGEST = 2**22
"""Integers whose sum with MAGIC keeps its exponent"""


def number_in(value: SSAValue) -> float | None:
    """The float that every lane of a constant is."""
    owner = value.owner
    if not isinstance(owner, arith.ConstantOp) or not isinstance(owner.value, DenseIntOrFPElementsAttr):
        return None
    first = owner.value.get_values()[0]
    return None if isinstance(first, tuple) else float(first)


def bounded(value: SSAValue, name: str) -> SSAValue | None:
    """The vector that an instruction bounds by a small integer."""
    op = value.owner
    if not isinstance(op, InstructionOp) or op.instruction.data != name:
        return None
    bound = number_in(op.inputs[1])
    if bound is None or abs(bound) >= LARGEST or bound != int(bound):
        return None
    return op.inputs[0]


def rounded_and_clamped(op: arith.FPToSIOp) -> SSAValue | None:
    """The x of a conversion of min(max(round(x), low), high) with small constants; None where it is none."""
    if not is_vector(op.input.type) or (lower := bounded(op.input, "f32x4.pmin")) is None:
        return None
    rounded = bounded(lower, "f32x4.pmax")
    return rounded.owner.operand if rounded and isinstance(rounded.owner, math.RoundEvenOp) else None
