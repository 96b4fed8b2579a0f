"""The instructions that load and store one element of each type, and that load four neighbours."""

from __future__ import annotations

from webdnn.support.element_type import ElementType

LOADS = {
    "i8": "i32.load8_s",
    "u8": "i32.load8_u",
    "bool": "i32.load8_u",
    "i16": "i32.load16_s",
    "u16": "i32.load16_u",
    "f16": "i32.load16_s",
    "bf16": "i32.load16_u",
    "i32": "i32.load",
    "u32": "i32.load",
    "i64": "i64.load",
    "u64": "i64.load",
    "f32": "f32.load",
    "f64": "f64.load",
}
VECTOR_LOADS = {
    "i8": ("v128.load32_zero", "i16x8.extend_low_i8x16_s", "i32x4.extend_low_i16x8_s"),
    "u8": ("v128.load32_zero", "i16x8.extend_low_i8x16_u", "i32x4.extend_low_i16x8_u"),
    "i16": ("v128.load16x4_s",),
    "u16": ("v128.load16x4_u",),
    "f16": ("v128.load16x4_s",),
    "bf16": ("v128.load16x4_u",),
    "i32": ("v128.load",),
    "u32": ("v128.load",),
    "f32": ("v128.load",),
}
"""A load, and what widens its elements to four bytes."""

LOW_BYTES = f"i8x16.shuffle {' '.join(['0 4 8 12'] * 4)}"
LOW_HALVES = f"i8x16.shuffle {' '.join(['0 1 4 5 8 9 12 13'] * 2)}"
"""What brings the low bits of four lanes together, from two times the same vector."""

NARROW_STORES = {
    8: (LOW_BYTES, "v128.store32_lane 0"),
    16: (LOW_HALVES, "v128.store64_lane 0"),
}
"""What narrows four lanes, and stores them."""

SPREAD_LOAD = "v128.load8x8_s"
"""Eight bytes as four pairs"""

STORE_BITS = {8: "i32.store8", 16: "i32.store16", 1: "i32.store8"}


def load_instruction(element: ElementType) -> str:
    return LOADS[element.name]


def vector_load(element: ElementType) -> tuple[str, ...]:
    return VECTOR_LOADS[element.name]


def vector_store(element: ElementType) -> tuple[str, ...]:
    """What stores a vector, after what narrows it, which takes it twice."""
    return NARROW_STORES.get(element.bits, ("v128.store",))


def store_instruction(element: ElementType) -> str:
    if element.is_float and element.bits >= 32:
        return f"{element.name}.store"
    return STORE_BITS.get(element.bits) or f"i{element.bits}.store"
