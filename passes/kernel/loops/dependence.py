"""Which axes each value of a body depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.ir import Block, SSAValue

from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.structure import ReduceOp

Axes = Mapping[SSAValue, None]
"""The axes that a value depends on, in the order in which they are met"""


@dataclass
class Dependence:
    """The axes of values, each found when it is first asked for."""

    known: dict[SSAValue, Axes] = field(default_factory=dict[SSAValue, Axes])

    def of(self, value: SSAValue) -> Axes:
        if (axes := self.known.get(value)) is None:
            axes = self.known[value] = self.find(value)
        return axes

    def find(self, value: SSAValue) -> Axes:
        owner = value.owner
        if isinstance(owner, Block):
            if is_carried(value):
                self.solve(owner.parent_op())
                return self.known[value]
            return {value: None} if isinstance(owner.parent_op(), AxesOp) else {}
        if isinstance(owner, FoldOp):
            return without(self.of(owner.carried[owner.res.index(value)]), owner)
        found: dict[SSAValue, None] = {}
        for operand in owner.operands:
            found |= self.of(operand)
        if isinstance(owner, ReduceOp):
            return without({**found, **self.of(owner.yielded)}, owner)
        return found

    def solve(self, fold: object) -> None:
        """Carried values depend on the axis of their steps, on what they begin as, and on what steps make of them."""
        assert isinstance(fold, FoldOp)
        axes: dict[SSAValue, Axes] = {
            value: {fold.axes[0]: None} | dict(self.of(init))
            for value, init in zip(fold.carried, fold.inits, strict=True)
        }
        size = 0
        while size != (size := sum(map(len, axes.values()))):
            trial = Dependence({**self.known, **axes})
            for value, following in zip(fold.carried, fold.nexts, strict=True):
                axes[value] = {**axes[value], **trial.of(following)}
        self.known.update(axes)


def without(axes: Axes, op: ReduceOp | FoldOp) -> Axes:
    """Those that the steps of an operation do not move."""
    return {axis: None for axis in axes if axis not in op.axes}


def is_carried(value: SSAValue) -> bool:
    """Does one step of a fold hand it on to the next?"""
    owner = value.owner
    return isinstance(owner, Block) and isinstance(fold := owner.parent_op(), FoldOp) and value in fold.carried
