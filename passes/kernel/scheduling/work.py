"""How long a kernel of blocks and loops runs on one core, roughly: what decides whether threads are worth waking."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp, buffer_type, byte_size
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp, ReduceOp, YieldOp

NANOSECONDS = 0.05
"""Of one scalar or vector instruction; a sum of products, two reads and a product, has three."""

ACCESS = 6
"""Instructions that a read or write of each point is worth: it may miss the caches."""

FUNCTION = 20
"""Instructions of an exponential and its like."""

FAR = 1 << 17
"""Bytes of a buffer that the caches near a core don't keep from run to run, beside all others"""

STREAM = 0.08
"""Nanoseconds of a byte that comes from farther away, to one core"""


def kernel_nanoseconds(kernel: FuncOp) -> float:
    """The time of a call: of what is computed, or of what is read from far away, whichever takes longer."""
    computed = block_nanoseconds(kernel.body.block)
    if kernel.counters:  # other steps of a loop have left in the caches what is read
        return computed
    read = dict[SSAValue, int]()
    for source, size in read_bytes(kernel.body.block, 1):
        read[source] = max(read.get(source, 0), min(size, byte_size(source)))
    return max(computed, STREAM * sum(size for size in read.values() if size >= FAR))


def read_bytes(block: Block, times: int) -> Iterator[tuple[SSAValue, int]]:
    """Each buffer that is read, and the bytes by which a read may move through it while the block runs so often."""
    for op in block.ops:
        if isinstance(op, ReadOp):
            yield op.source, times * element_type(buffer_type(op.source)).bytes
        match op:
            case scf.ForOp():
                inside = constant_of(op.ub) or 1
            case ComputeOp() | FoldOp() | ReduceOp():
                inside = prod(op.shape)
            case _:
                inside = 1
        for region in op.regions:
            for inner in region.blocks:
                yield from read_bytes(inner, times * inside)


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
