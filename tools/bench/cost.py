"""What a kernel computes and moves, counted on its points; nothing is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type, byte_size
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp

CONVERSIONS = (
    *(arith.IndexCastOp, arith.ExtFOp, arith.TruncFOp, arith.ExtSIOp, arith.ExtUIOp, arith.TruncIOp),
    *(arith.SIToFPOp, arith.UIToFPOp, arith.FPToSIOp, arith.FPToUIOp, arith.BitcastOp),
)
"""Scalars under another type, which counts as no arithmetic."""


@dataclass(frozen=True)
class Cost:
    """One launch: operations (a multiply-add is two), and the distinct bytes that it reads and writes.

    Operations are those of the kernel as it is written; a schedule that saves some of them computes faster than it can.
    `shape` is that of the points, and what each reduction within them runs over.
    """

    operations: int
    bytes: int
    shape: str


@dataclass
class Count:
    """Operations so far, and how often each buffer is read and written."""

    operations: int = 0
    reads: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    writes: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def block(self, block: Block, times: int) -> None:
        """Count what a block does if it runs so many times."""
        for op in block.ops:
            match op:
                case ComputeOp():
                    self.block(op.body.block, times * prod(op.shape))
                case FoldOp():
                    self.block(op.body.block, times * prod(op.shape))
                case ReduceOp():
                    points = times * prod(op.shape)
                    self.operations += points
                    self.block(op.body.block, points)
                case ReadOp():
                    self.reads[op.source] = self.reads.get(op.source, 0) + times
                case WriteOp():
                    self.writes[op.target] = self.writes.get(op.target, 0) + times
                case _:
                    self.operations += times * is_arithmetic(op)

    @property
    def bytes(self) -> int:
        """No buffer is moved more than once in each direction: caches are taken to keep it."""
        accesses = (*self.reads.items(), *self.writes.items())
        return sum(min(byte_size(buffer), count * element_bytes(buffer)) for buffer, count in accesses)


def cost_of(function: FuncOp) -> Cost:
    """The cost of one launch of a kernel on flat buffers."""
    count = Count()
    count.block(function.body.block, 1)
    return Cost(count.operations, count.bytes, spell_shape(function))


def is_arithmetic(op: Operation) -> bool:
    """Does it compute a number that is no index?"""
    if not op.name.startswith(("arith.", "math.")) or isinstance(op, (arith.ConstantOp, *CONVERSIONS)):
        return False
    return not any(isinstance(value.type, IndexType) for value in (*op.operands, *op.results))


def element_bytes(buffer: SSAValue) -> int:
    return byte_size(buffer) // max(1, prod(buffer_type(buffer).get_shape()))


def spell_shape(function: FuncOp) -> str:
    """`112x112x64 over 3x3x3`."""
    parts: list[str] = []
    for op in function.walk():
        if isinstance(op, ComputeOp | ReduceOp | FoldOp):
            extents = "x".join(map(str, op.shape)) or "1"
            parts.append(extents if isinstance(op, ComputeOp) else f"over {extents}")
    return " ".join(parts)
