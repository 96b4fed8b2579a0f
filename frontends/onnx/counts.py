"""Counted axes: a tensor is as long as it can become, and a number that is computed says how many places are filled.

ONNX has operators whose results are as long as what they find. Here every shape is known when a model is compiled: the
axis has the most places that there can be, the found ones lie first, and what lies behind them means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import grouped_operands, known
from webdnn.dialects.dnn.reference.registry import MEANINGS, evaluate
from webdnn.frontends.onnx.value_numbers import ValueNumbers

Counts: TypeAlias = Mapping[int, SSAValue]
"""Axis → how many of its places are filled (i32, no axes)"""

WORLDS: Sequence[Callable[[int], int]] = (lambda most: most, lambda most: 0, lambda most: 1, lambda most: most // 2)
"""How many places may be found, given the most that can be: what is the same in all of these is taken as constant."""


@dataclass
class Counting:
    """What an import knows of counted axes.

    `most` holds the counts that are found rather than computed from others, with the most that each can be. Operators
    that are added while `aware` is not set must not take counted values: their meaning would be another one.
    """

    counts: dict[SSAValue, Counts] = field(default_factory=dict[SSAValue, Counts])
    most: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    aware: bool = False
    numbers: ValueNumbers = field(default_factory=ValueNumbers)

    def of(self, value: SSAValue | None) -> Counts:
        """The counted axes of a value."""
        return {} if value is None else self.counts.get(value, {})

    def clashes(self, operands: Iterable[SSAValue]) -> bool:
        """Would an operator that knows nothing of counts take a counted value?"""
        return not self.aware and any(operand in self.counts for operand in operands)

    def possible(self, value: SSAValue) -> list[Array] | None:
        """What a value that depends on counts and constants alone is in each world; None for any other."""
        found = [self.evaluated(value, {count: world(most) for count, most in self.most.items()}) for world in WORLDS]
        arrays = [array for array in found if array is not None]
        return arrays if len(arrays) == len(found) else None

    def evaluated(self, value: SSAValue, world: Mapping[SSAValue, int]) -> Array | None:
        """A value, given how much is found."""
        done: dict[SSAValue, Array | None] = {c: as_array(np.array(n, np.int32)) for c, n in world.items()}

        def look_up(value: SSAValue) -> Array | None:
            if value not in done:
                done[value] = known(value)
                op = value.owner
                if done[value] is None and isinstance(op, DnnOp) and type(op) in MEANINGS:
                    operands = grouped_operands(op)
                    arrays = [None if o is None else look_up(o) for o in operands]
                    if all(a is not None or o is None for a, o in zip(arrays, operands, strict=True)) and operands:
                        done.update(zip(op.results, evaluate(op, arrays), strict=True))
            return done[value]

        return look_up(value)
