"""Pairs of vectors of four bytes that lie side by side: one instruction loads and widens all eight."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from xdsl.ir import Operation

from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.support.element_type import ElementType

Place = tuple[Hashable, int]
"""What an address is measured from, and how many bytes lie between"""

LOADS = {
    "i8": ("v128.load8x8_s", "i32x4.extend_low_i16x8_s", "i32x4.extend_high_i16x8_s"),
    "u8": ("v128.load8x8_u", "i32x4.extend_low_i16x8_u", "i32x4.extend_high_i16x8_u"),
}
"""Eight bytes as numbers of two bytes, the halves of which are widened to four."""

BYTES = 4


def eight_bytes(element: ElementType) -> tuple[str, str, str]:
    return LOADS[element.name]


def pairs_of(places: Mapping[Operation, Place]) -> dict[ReadOp, ReadOp]:
    """Reads of a function, and for each the one of the four bytes behind its own, in the same block."""
    written = {op.target for op in places if isinstance(op, WriteOp)}
    at: dict[Hashable, ReadOp] = {}
    for op, place in places.items():
        if isinstance(op, ReadOp) and is_byte_vector(op) and op.source not in written:
            at.setdefault((op.parent, op.source, place), op)
    found: dict[ReadOp, ReadOp] = {}
    taken: set[ReadOp] = set()
    for op in in_order(at.values(), places):
        base, offset = places[op]
        other = at.get((op.parent, op.source, (base, offset + BYTES)))
        if other is not None and op not in taken and op.is_before_in_block(other):
            found[op] = other
            taken |= {op, other}
    return found


def is_byte_vector(op: ReadOp) -> bool:
    return is_vector(op.result.type) and element_type(op.source.type).name in LOADS


def in_order(reads: Iterable[ReadOp], places: Mapping[Operation, Place]) -> list[ReadOp]:
    """By their offsets, so that a run of vectors is paired from its first one on."""
    return sorted(reads, key=lambda op: places[op][1])
