"""What the steps of a loop compute of numbers alone, such as counters that are carried: known at every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from xdsl.ir import Block, BlockArgument, OpResult, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.reference.control import evaluate_all, value_of
from webdnn.dialects.element import shape_of

FEW_ELEMENTS = 16
"""A carried value of more elements is no number."""

MOST_STEPS = 1 << 16
"""Loops of more steps are refused, like those that nothing seems to end."""


@dataclass(frozen=True)
class Body:
    """The block of a loop whose arguments are the number of the step and the states."""

    block: Block

    @property
    def step(self) -> BlockArgument:
        return self.block.args[0]

    def state(self, i: int) -> BlockArgument:
        return self.block.args[1 + i]

    def gives(self, value: SSAValue) -> TypeGuard[OpResult]:
        """Does an operator of the body give it?"""
        return isinstance(value, OpResult) and value.op.parent is self.block

    def needs(self, values: Iterable[SSAValue]) -> set[SSAValue]:
        """All that values are computed from: arguments of the body, constants, and values around the loop."""
        pending, met = list(values), set[SSAValue]()
        while pending:
            value = pending.pop()
            if value not in met:
                met.add(value)
                pending += value.op.operands if self.gives(value) else ()
        return met

    def computes(self, values: Iterable[SSAValue], numbers: Iterable[int]) -> bool:
        """Do values depend on the step, on these states and on constants alone?"""
        given = {self.step, *map(self.state, numbers)}
        return all(v in given or self.gives(v) or known(v) is not None for v in self.needs(values))

    def numbers(self, inits: Sequence[SSAValue], nexts: Sequence[SSAValue]) -> list[int]:
        """The states that begin as numbers that are known, and go on so."""
        found = [i for i, s in enumerate(inits) if known(s) is not None and np.prod(shape_of(s)) <= FEW_ELEMENTS]
        while wrong := [i for i in found if not self.computes([nexts[i]], found)]:
            found = [i for i in found if i not in wrong]
        return found

    def evaluated(
        self, inits: Mapping[int, Array], nexts: Sequence[SSAValue], condition: SSAValue | None, most: int | None
    ) -> list[Mapping[int, Array]] | None:
        """The numbers before each step and behind the last, which is the first whose condition does not hold.

        None where there are more than MOST_STEPS.
        """
        needed = self.needs([*(nexts[i] for i in inits), *([condition] if condition else [])])
        order = [op for op in self.block.ops if isinstance(op, DnnOp) and not needed.isdisjoint(op.results)]
        found = [inits]
        while most is None or len(found) <= most:
            if len(found) > MOST_STEPS:
                return None
            values: dict[SSAValue, Array] = {self.state(i): array for i, array in found[-1].items()}
            values[self.step] = as_array(np.array(len(found) - 1, np.int64))
            evaluate_all(order, values)
            found.append({i: value_of(nexts[i], values) for i in inits})
            if condition is not None and not value_of(condition, values).all():
                break
        return found
