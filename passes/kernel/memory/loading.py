"""What runs once, when a model is loaded: the operations, the buffers that they fill, the weights nobody else reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.places import users


def runs_once(op: Operation) -> bool:
    return isinstance(op, ComputeOp | CallOp) and op.once is not None


@dataclass(frozen=True)
class Loading:
    """The operations that run once, in order, and what of their memory the program knows under a name.

    `weights` are those that no run reads, equal ones together: they have one place.
    """

    ops: Sequence[Operation]
    buffers: Sequence[SSAValue]
    weights: Sequence[Sequence[WeightOp]]

    @classmethod
    def of(cls, block: Block) -> Loading:
        """Of the block of a program on buffers."""
        ops = [op for op in block.ops if runs_once(op)]
        allocs = [op.result for op in block.ops if isinstance(op, AllocOp)]
        equal: dict[tuple[str, str], list[WeightOp]] = {}
        for op in block.ops:
            if isinstance(op, WeightOp):
                equal.setdefault(op.content, []).append(op)
        weights = [group for group in equal.values() if only_loading_uses(*(weight.result for weight in group))]
        return cls(ops, [buffer for buffer in allocs if any(map(runs_once, users(buffer)))], weights)


def only_loading_uses(*values: SSAValue) -> bool:
    """Are these values used, and by nothing but what runs once?"""
    found = [op for value in values for op in users(value)]
    return bool(found) and all(map(runs_once, found))
