"""Vectors in kernel bodies: which elements they move, their types, single lanes, constants in all lanes."""

from __future__ import annotations

from functools import cache

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    VectorType,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from webdnn.dialects.element import element_of, element_type
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type


def vector_access(op: ReadOp | WriteOp) -> bool:
    """Do vectors move these elements? Those of four bytes as they are; reads widen smaller ones, but for bools.

    Writes narrow integers; bools and half floats go one by one.
    """
    if isinstance(op, WriteOp):
        element = element_type(buffer_type(op.target))
        return element.bits == 32 or (element.is_integer and element.bits in (8, 16))
    element = element_type(buffer_type(op.source))
    return element.bits in (8, 16, 32)


def extract(value: SSAValue, lane: int) -> Operation:
    """One lane of a vector."""
    position = {"static_position": DenseArrayBase.from_list(i64, [lane])}
    return vector.ExtractOp.create(operands=[value], result_types=[element_of(value.type)], properties=position)


@cache
def vector_of(scalar: Attribute, lanes: int) -> VectorType[Attribute]:
    """The type of so many lanes."""
    return VectorType(scalar, [lanes])


def dense(op: arith.ConstantOp, lanes: int) -> DenseIntOrFPElementsAttr:
    """A scalar constant in every lane."""
    match op.value:
        case FloatAttr(type=type, value=value):
            return DenseIntOrFPElementsAttr.from_list(VectorType(type, [lanes]), [value.data])
        case IntegerAttr(type=type, value=value):
            return DenseIntOrFPElementsAttr.from_list(VectorType(type, [lanes]), [value.data])
        case _:
            raise AssertionError(f"{op} is no scalar")
