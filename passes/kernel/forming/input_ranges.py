"""How large the integers of inputs may be, so that what is computed from them stays within the integers of a target.

What cannot be proven of every integer that memory holds can be of smaller ones, a mask of zeros and ones among them.
The runner refuses larger ones before it runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.signature import entries, sizes_of, written
from webdnn.support.index import Range

MAGNITUDE = "kernel.magnitude"
"""Of an argument: the greatest magnitude that a run takes of its integers."""

MOST_BITS = 30
"""Of a magnitude worth a try: one bit less than i32 has."""

Magnitudes = Mapping[SSAValue, int]


def magnitude_of(attributes: Mapping[str, Attribute]) -> int | None:
    found = attributes.get(MAGNITUDE)
    return found.value.data if isinstance(found, IntegerAttr) else None


def note_magnitudes(function: FuncOp, magnitudes: Magnitudes) -> None:
    """Say of each input what a run checks of it."""
    arguments = function.body.block.args
    given = entries(function.arg_attrs, len(arguments))
    for value, attributes in zip(arguments, given, strict=True):
        if value in magnitudes:
            attributes[MAGNITUDE] = IntegerAttr(magnitudes[value], i64)
    function.arg_attrs = written(given)


def given_range(attributes: Mapping[str, Attribute], magnitude: int | None) -> Range | None:
    """What a run is known to give for an argument: the sizes of a dimension, or what is checked; None: anything."""
    if sizes := sizes_of(attributes):
        return sizes[1].least, sizes[1].most
    return None if magnitude is None else (-magnitude, magnitude)


def greatest_magnitudes(inputs: Sequence[SSAValue], proves: Callable[[Magnitudes], bool]) -> Magnitudes | None:
    """The greatest 2^n - 1, the same for all inputs, that proves a program; and only for those that need it.

    `proves` says whether magnitudes do; smaller ones prove no less. None where not even 1 does.
    """
    if not inputs:
        return None

    def limited(most: int) -> dict[SSAValue, int]:
        return {value: most for value in inputs}

    widest = [2**bits - 1 for bits in range(MOST_BITS, 0, -1)]
    first = bisect_left(widest, True, key=lambda most: proves(limited(most)))
    if first == len(widest):
        return None
    found = limited(widest[first])
    for value in inputs:
        fewer = {other: most for other, most in found.items() if other is not value}
        found = fewer if proves(fewer) else found
    return found
