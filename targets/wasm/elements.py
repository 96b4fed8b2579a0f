"""The instructions that load and store one element of each type."""

from __future__ import annotations

from webdnn.support.element_type import ElementType

LOADS = {
    "i8": "i32.load8_s",
    "u8": "i32.load8_u",
    "bool": "i32.load8_u",
    "i16": "i32.load16_s",
    "u16": "i32.load16_u",
    "f16": "i32.load16_u",
    "bf16": "i32.load16_u",
    "i32": "i32.load",
    "u32": "i32.load",
    "i64": "i64.load",
    "u64": "i64.load",
    "f32": "f32.load",
    "f64": "f64.load",
}
STORE_BITS = {8: "i32.store8", 16: "i32.store16", 1: "i32.store8"}


def load_instruction(element: ElementType) -> str:
    return LOADS[element.name]


def store_instruction(element: ElementType) -> str:
    if element.is_float and element.bits >= 32:
        return f"{element.name}.store"
    return STORE_BITS.get(element.bits) or f"i{element.bits}.store"
