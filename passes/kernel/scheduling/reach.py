"""What a compute is made of, in an order that its own structure gives: from its writes back to what it reads."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.kernel.access import WriteOp
from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp


def operations(compute: ComputeOp) -> list[Operation]:
    """Every operation that a result depends on, each before those that it depends on itself.

    The order in which the body happens to list them does not matter.
    """
    found: dict[Operation, None] = {}
    for op in compute.body.block.ops:
        if isinstance(op, WriteOp):
            found |= dict.fromkeys([op])
            for value in op.operands:
                reach(value, found)
    return list(found)


def reach(value: SSAValue, found: dict[Operation, None]) -> None:
    op = value.owner
    if isinstance(op, Block) or op in found or not isinstance(op.parent_op(), AxesOp):
        return
    found[op] = None
    for operand in inputs(op):
        reach(operand, found)


def inputs(op: Operation) -> Iterator[SSAValue]:
    """What an operation depends on directly; a reduction also on what its body yields."""
    yield from op.operands
    if isinstance(op, ReduceOp):
        yield op.yielded


def reductions(compute: ComputeOp) -> list[ReduceOp]:
    """The reductions of a compute, outer ones before those inside them."""
    return [op for op in operations(compute) if isinstance(op, ReduceOp)]
