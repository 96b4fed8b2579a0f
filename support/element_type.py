"""The element types of tensors: their names, sizes and numpy spellings, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    FLOAT = "float"
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    BOOL = "bool"


@dataclass(frozen=True)
class ElementType:
    """`name` is the manifest's and the user's word; `numpy` is the dtype string of the stored element."""

    name: str
    kind: Kind
    bits: int
    numpy: str

    @property
    def bytes(self) -> int:
        """Bytes of one stored element; a bool takes one."""
        return max(1, self.bits // 8)

    @property
    def is_float(self) -> bool:
        return self.kind is Kind.FLOAT

    @property
    def is_integer(self) -> bool:
        return self.kind in (Kind.SIGNED, Kind.UNSIGNED)


def integer_limits(element: ElementType) -> tuple[int, int]:
    """The least and the greatest value of an integer or bool type."""
    if element.kind is Kind.BOOL:
        return 0, 1
    half = 1 << (element.bits - 1)
    return (0, 2 * half - 1) if element.kind is Kind.UNSIGNED else (-half, half - 1)


ELEMENT_TYPES = {
    t.name: t
    for t in (
        ElementType("f32", Kind.FLOAT, 32, "<f4"),
        ElementType("f64", Kind.FLOAT, 64, "<f8"),
        ElementType("f16", Kind.FLOAT, 16, "<f2"),
        ElementType("bf16", Kind.FLOAT, 16, "bfloat16"),
        ElementType("i8", Kind.SIGNED, 8, "<i1"),
        ElementType("i16", Kind.SIGNED, 16, "<i2"),
        ElementType("i32", Kind.SIGNED, 32, "<i4"),
        ElementType("i64", Kind.SIGNED, 64, "<i8"),
        ElementType("u8", Kind.UNSIGNED, 8, "<u1"),
        ElementType("u16", Kind.UNSIGNED, 16, "<u2"),
        ElementType("u32", Kind.UNSIGNED, 32, "<u4"),
        ElementType("u64", Kind.UNSIGNED, 64, "<u8"),
        ElementType("bool", Kind.BOOL, 1, "?"),
    )
}
