"""How long a kernel of blocks and loops runs on one core, roughly: what decides whether threads are worth waking."""

from __future__ import annotations

from math import prod

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation

from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import ComputeOp, IdOp, ReduceOp, YieldOp

NANOSECONDS = 0.05
"""Of one scalar or vector instruction; a sum of products, two reads and a product, has three."""

ACCESS = 6
"""Instructions that a read or write of each point is worth: it may miss the caches."""

FUNCTION = 20
"""Instructions of an exponential and its like."""


def block_nanoseconds(block: Block) -> float:
    """The time of everything in a block, once."""
    return sum(nanoseconds(op) for op in block.ops)


def nanoseconds(op: Operation) -> float:
    """The time of an operation of a kernel and all that it holds."""
    match op:
        case scf.ForOp():
            return (constant_of(op.ub) or 1) * block_nanoseconds(op.body.block)
        case ComputeOp():
            lanes = op.schedule.vector[1] if op.schedule and op.schedule.vector else 1
            return prod(op.shape) / lanes * block_nanoseconds(op.body.block)
        case FoldOp():
            return prod(op.shape) * block_nanoseconds(op.body.block)
        case ReduceOp():
            lanes = op.unroll.lanes.data if op.unroll else 1
            return prod(op.shape) / lanes * block_nanoseconds(op.body.block)
        case arith.ConstantOp() | IndexOp() | PrefetchOp() | IdOp() | YieldOp() | scf.YieldOp():
            return 0
        case ReadOp() | WriteOp():
            return NANOSECONDS * (1 if isinstance(op.parent_op(), ReduceOp) else ACCESS)
        case _:
            return NANOSECONDS * (FUNCTION if op.dialect_name() == "math" else 1)
