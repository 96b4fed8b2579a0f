"""Types of tensors, memrefs and their elements: between IR and the table of `support/element_type.py`."""

from typing import TypeGuard

from xdsl.dialects.builtin import (
    AnyFloat,
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    MemRefType,
    Signedness,
    TensorType,
    VectorType,
    f32,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from webdnn.support.element_type import ELEMENT_TYPES, ElementType, Kind

Dense = DenseIntOrFPElementsAttr[AnyFloat | IntegerType]
"""Elements of a tensor inside of IR"""

ATTRIBUTES: dict[str, Attribute] = {
    "f32": Float32Type(),
    "f64": Float64Type(),
    "f16": Float16Type(),
    "bf16": BFloat16Type(),
    "i8": IntegerType(8),
    "i16": IntegerType(16),
    "i32": IntegerType(32),
    "i64": IntegerType(64),
    "u8": IntegerType(8, Signedness.UNSIGNED),
    "u16": IntegerType(16, Signedness.UNSIGNED),
    "u32": IntegerType(32, Signedness.UNSIGNED),
    "u64": IntegerType(64, Signedness.UNSIGNED),
    "bool": IntegerType(1),
}
NAMES = {attribute: name for name, attribute in ATTRIBUTES.items()}


def element_attribute(name: str) -> Attribute:
    """The IR type of an element type's name."""
    return ATTRIBUTES[name]


def is_dense(value: Attribute) -> TypeGuard[Dense]:
    return isinstance(value, DenseIntOrFPElementsAttr)


def is_vector(type: Attribute) -> TypeGuard[VectorType[Attribute]]:
    return isinstance(type, VectorType)


def is_tensor(type: Attribute) -> TypeGuard[TensorType[Attribute]]:
    return isinstance(type, TensorType)


def is_memref(type: Attribute) -> TypeGuard[MemRefType[Attribute]]:
    return isinstance(type, MemRefType)


def element_of(type: Attribute) -> Attribute:
    """The element of a tensor, memref or vector type; any other type is its own element."""
    if is_tensor(type) or is_memref(type) or is_vector(type):
        return type.element_type
    return type


def element_type(type: Attribute) -> ElementType:
    """The table entry of an element's IR type, or of the elements of a tensor, memref or vector."""
    return ELEMENT_TYPES[NAMES[element_of(type)]]


def tensor_type(value: SSAValue | Attribute) -> TensorType[Attribute]:
    """The type of a value that is known to be a tensor."""
    type = value.type if isinstance(value, SSAValue) else value
    assert is_tensor(type), f"{type} is no tensor"
    return type


def shape_of(value: SSAValue | Attribute) -> tuple[int, ...]:
    """The extents of a tensor, outermost first."""
    return tensor_type(value).get_shape()


def compute_type(element: Attribute) -> Attribute:
    """The scalar type in which kernels compute on stored elements.

    Half floats are computed in f32 and integers of less than 32 bits in i32; a bool is i1.
    Reading widens (by signedness), writing narrows (wrapping).
    """
    if element == IndexType():
        return element
    known = ELEMENT_TYPES[NAMES[element]]
    match known.kind:
        case Kind.FLOAT:
            return f64 if known.bits == 64 else f32
        case Kind.BOOL:
            return i1
        case _:
            return i64 if known.bits == 64 else i32
