"""Between arrays and `dnn.constant`: bytes go to the weight store, few finite elements inline; and folding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np
from xdsl.dialects.builtin import AnyFloat, BytesAttr, DenseIntOrFPElementsAttr, IntegerType, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.traits import Pure

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import INLINE_LIMIT, ConstantOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import MEANINGS, evaluate
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import Dense, element_attribute, element_type, is_dense, shape_of, tensor_type
from webdnn.support.element_type import ELEMENT_TYPES, ElementType, Kind
from webdnn.support.weights import STORE, numpy_dtype

FOLD_LIMIT = 1 << 22
"""Bytes that folding may add: results larger than this and than their operands are left to be computed."""

SMALL = 1 << 12
"""Bytes of integers that are not worth a conversion when they are loaded"""

ELEMENTS = {numpy_dtype(element): element for element in ELEMENT_TYPES.values()}
"""The element type of each dtype that there is one for."""

INLINE = ("f32", "f64", "i8", "i16", "i32", "i64", "bool")
"""Element types whose elements print and parse unchanged inside `dense<…>`."""


def element_of_array(array: Array) -> ElementType | None:
    """The element type of an array; None for a dtype that tensors do not have."""
    return ELEMENTS.get(array.dtype)


def constant_of(array: Array) -> ConstantOp:
    """The constant that holds these elements. Large arrays are kept, not copied: they must not change later."""
    element = ELEMENTS[array.dtype]
    if 0 < array.size <= INLINE_LIMIT and element.name in INLINE and bool(np.isfinite(array).all()):
        inline = inline_elements(array, element)
        if "0x" not in str(inline):  # how some floats print, and parse as an integer
            return ConstantOp(inline)
    return ConstantOp.weight(STORE.put(array), element, array.shape)


def inline_elements(array: Array, element: ElementType) -> Dense:
    type = element_attribute(element.name)
    assert is_number(type)
    # As the parser has them: a true bool is all ones.
    data = np.negative(array.view(np.int8)).tobytes() if element.kind is Kind.BOOL else array.tobytes()
    return DenseIntOrFPElementsAttr(TensorType(type, array.shape), BytesAttr(data))


def array_of(op: ConstantOp) -> Array:
    """The elements of a constant; not to be written to."""
    type = tensor_type(op.output)
    element = element_type(type)
    if isinstance(op.value, WeightAttr):
        return as_array(STORE.get(op.value.key.data, element, shape_of(type)))
    assert is_dense(op.value)
    if element.kind is Kind.BOOL:
        return as_array(np.frombuffer(op.value.data.data, np.int8).astype(np.bool_).reshape(shape_of(type)))
    return as_array(np.frombuffer(op.value.data.data, numpy_dtype(element)).reshape(shape_of(type)))


def is_number(type: Attribute) -> TypeGuard[AnyFloat | IntegerType]:
    return isinstance(type, AnyFloat | IntegerType)


def known(value: SSAValue) -> Array | None:
    """The elements of a value that is a constant; a tensor without elements is known by its type alone."""
    if isinstance(value.owner, ConstantOp):
        return array_of(value.owner)
    shape = shape_of(value)
    return as_array(np.zeros(shape, numpy_dtype(element_type(value.type)))) if 0 in shape else None


def grouped_operands(op: DnnOp) -> list[SSAValue | None]:
    """The operands as `evaluate` takes them: one for each definition, None where an optional one is absent."""
    grouped: list[SSAValue | None] = []
    for name, _ in op.get_irdl_definition().operands:
        operand: SSAValue | Sequence[SSAValue] | None = getattr(op, name)
        grouped.extend([operand] if operand is None or isinstance(operand, SSAValue) else operand)
    return grouped


def decodes_weight(op: DnnOp) -> bool:
    """Does an operator widen integers that products may take as they are? They are smaller than what it gives."""
    if isinstance(op, DequantizeLinearOp):
        return element_type(op.input.type).bits == 8 and len(shape_of(op.input)) >= 2
    if not isinstance(op, CastOp) or byte_size(op.output) <= SMALL:
        return False
    before, after = element_type(op.input.type), element_type(op.to)
    return before.is_integer and after.is_integer and before.bits < after.bits


def folded(op: DnnOp) -> list[Array] | None:
    """The results of a pure operator on constants; None where an operand is not known or the results are too large."""
    if not op.operands or type(op) not in MEANINGS or not op.has_trait(Pure) or decodes_weight(op):
        return None
    operands = grouped_operands(op)
    arrays = [None if o is None else known(o) for o in operands]
    if any(a is None and o is not None for a, o in zip(arrays, operands, strict=True)):
        return None
    given = sum(a.nbytes for a in arrays if a is not None)
    if sum(byte_size(r) for r in op.results) > max(FOLD_LIMIT, given):
        return None
    return evaluate(op, arrays)


def byte_size(value: SSAValue) -> int:
    return element_type(value.type).bytes * int(np.prod(shape_of(value), dtype=np.int64))
