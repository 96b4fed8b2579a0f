"""Small elements of constants in words of four bytes: which buffers hold them so, and how an element is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import f32, i32
from xdsl.ir import SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.program import CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import floordiv, mod
from webdnn.support.weights import STORE, Array

PACKED = ("i8", "u8", "i16", "u16", "f16")
"""Elements of which a word holds several."""

WORD_BITS = 32
FRACTION = 10
"""Bits of the fraction of an f16"""


@dataclass(frozen=True)
class PackedBuffers:
    """The constants of a program that are stored in words, and the arguments of kernels that are always one of them."""

    weights: frozenset[SSAValue]
    arguments: frozenset[SSAValue]

    @classmethod
    def find(cls, programs: Iterable[func.FuncOp], kernels: dict[str, FuncOp]) -> PackedBuffers:
        """As many as there are: an argument that is anything else too leaves its constants as they were."""
        calls = [op for program in programs for op in program.walk() if isinstance(op, CallOp)]
        given: dict[SSAValue, set[SSAValue]] = {}
        for call in calls:
            kernel = kernels[call.callee.root_reference.data]
            for argument, value in zip(kernel.buffers, call.buffers, strict=True):
                given.setdefault(argument, set()).add(value)
        weights = {v for values in given.values() for v in values if is_packable(v)}
        while lost := {v for values in given.values() if not values <= weights for v in values & weights}:
            weights -= lost
        return cls(frozenset(weights), frozenset(a for a, values in given.items() if values <= weights))


def is_packable(value: SSAValue) -> bool:
    """Is this a constant of small elements, all of them finite?"""
    owner = value.owner
    if not isinstance(owner, WeightOp) or element_type(value.type).name not in PACKED:
        return False
    return not element_type(value.type).is_float or bool(np.isfinite(elements(owner)).all())


def elements(op: WeightOp) -> Array:
    return STORE.get(op.value.key.data, element_type(op.value.type), op.value.type.get_shape())


def words(op: WeightOp) -> Array:
    """The bytes of a constant as words, the last one filled with zeros."""
    content = np.ascontiguousarray(elements(op)).tobytes()
    return np.frombuffer(content + bytes(-len(content) % 4), np.uint32)


def word_count(value: SSAValue) -> int:
    return -(-prod(buffer_type(value).get_shape()) * element_type(value.type).bits // WORD_BITS)


def unpacked(body: Body, op: ReadOp, element: ElementType) -> SSAValue:
    """The scalar that an element of a word stands for: its bits moved down, with copies of the sign above them."""
    (index,) = op.exprs
    each = WORD_BITS // element.bits
    word = body.add(ReadOp(op.source, [floordiv(index, each, range_of)]))
    last, up = mod(index, each, range_of), WORD_BITS - element.bits
    raised = body.add(arith.ShLIOp(word, body.index(last * -element.bits + up, i32)))
    back = arith.ShRUIOp if element.kind is Kind.UNSIGNED else arith.ShRSIOp
    bits = body.add(back(raised, body.constant(up, i32)))
    return half(body, bits) if element.is_float else bits


def half(body: Body, bits: SSAValue) -> SSAValue:
    """The f32 of a finite f16, whose sign is copied upwards, without subnormal f32s, which may be flushed to zero."""
    magnitude = body.add(arith.AndIOp(bits, body.constant(0x7FFF, i32)))
    raised = body.add(arith.ShLIOp(magnitude, body.constant(23 - FRACTION, i32)))
    rebiased = body.plus(raised, body.constant((127 - 15) << 23, i32))
    normal = body.add(arith.BitcastOp(rebiased, f32))
    small = body.times(body.add(arith.SIToFPOp(magnitude, f32)), body.constant(2.0**-24, f32))
    subnormal = body.add(arith.CmpiOp(magnitude, body.constant(1 << FRACTION, i32), "slt"))
    size = body.select(subnormal, small, normal)
    negative = body.add(arith.CmpiOp(bits, body.constant(0, i32), "slt"))
    return body.select(negative, body.minus(body.constant(0, f32), size), size)
