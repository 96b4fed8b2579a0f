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
        made = self.made_of_counts(value)
        if made is None:
            return None
        return [evaluated(value, made, {c: world(most) for c, most in self.most.items()}) for world in WORLDS]

    def made_of_counts(self, value: SSAValue) -> list[DnnOp] | None:
        """The operators that make a value of counts and constants, in order; None where it depends on more."""
        order, pending, met = list[DnnOp](), [(value, False)], set[SSAValue]()
        while pending:
            top, operands_done = pending.pop()
            op = top.owner
            if operands_done and isinstance(op, DnnOp):
                order.append(op)
            if top in met or top in self.most or known(top) is not None:
                continue
            met.add(top)
            if not isinstance(op, DnnOp) or type(op) not in MEANINGS or not op.operands:
                return None
            pending += [(top, True), *((operand, False) for operand in op.operands)]
        return order


def evaluated(value: SSAValue, made: Sequence[DnnOp], world: Mapping[SSAValue, int]) -> Array:
    """A value that these operators make, given how much is found."""
    done: dict[SSAValue, Array] = {count: as_array(np.array(n, np.int32)) for count, n in world.items()}

    def look_up(operand: SSAValue | None) -> Array | None:
        return None if operand is None else done[operand] if operand in done else known(operand)

    for op in made:
        done.update(zip(op.results, evaluate(op, [look_up(o) for o in grouped_operands(op)]), strict=True))
    found = look_up(value)
    assert found is not None, "what it is made of was evaluated before"
    return found
