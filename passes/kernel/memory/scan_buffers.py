"""How loops get buffers: what each step reads and writes is a value of its own before, and a loop of buffers after.

A carried value lives in the buffer of the scan's result. A step that reads it only where it writes its next value
writes there too; else there is a second buffer, and the two change places from step to step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_tensor
from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.builder import Body, compute
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.structure import ComputeOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.support.index import Index, constant, symbol

# Before: on tensors.


def copy_of(value: SSAValue) -> ComputeOp:
    """y[i] = x[i], a kernel of its own."""
    type = buffer_type(value)
    assert is_tensor(type)

    def element(body: Body, *at: Index) -> SSAValue:
        return body.read(value, at)

    return compute(type.get_shape(), [type], element)


def copied(op: Operation, i: int) -> None:
    """Let an operand be read by a copy in front of the operation."""
    copy = copy_of(op.operands[i])
    copy.location = op.location
    Rewriter.insert_op(copy, InsertPoint.before(op))
    op.operands[i] = copy.res[0]


def is_made_in(value: SSAValue, block: Block | None) -> bool:
    """Is it the result of a compute of this block, without a halo?"""
    owner = value.owner
    return isinstance(owner, ComputeOp) and owner.parent is block and owner.inset is None


def prepare_scans(block: Block) -> None:
    """Give every scan initial values of its own, and a result of a compute for each of its next values and rows."""
    for op in block.ops:
        if not isinstance(op, ScanOp):
            continue
        for i, init in enumerate(op.inits):
            if not is_made_in(init, block) or init.get_user_of_unique_use() is not op:
                copied(op, i)
        inside = op.body.block
        for i, value in enumerate(op.nexts):
            if not is_made_in(value, inside) or value in list(op.nexts)[:i]:
                copied(op.end, i)
        for i, value in enumerate(op.end.values):
            if i >= len(op.inits) and is_made_in(value, inside) and value in list(op.end.values)[:i]:
                op.end.operands[i] = given_twice(value)
        prepare_scans(inside)


def given_twice(value: SSAValue) -> SSAValue:
    """A further result of a compute that is the same as one of its results: it writes both."""
    assert isinstance(value, OpResult)
    op = value.op
    assert isinstance(op, ComputeOp)
    end = op.body.block.last_op
    assert end is not None
    Rewriter.replace_op(end, YieldOp([*op.yielded, op.yielded[value.index]]))
    types = [*op.res.types, value.type]
    new = ComputeOp(op.shape, op.detach_region(0), types, schedule=op.schedule)
    new.location = op.location
    Rewriter.replace_op(op, new, new.res[:-1])
    return new.res[-1]


# After: on buffers.


@dataclass(frozen=True)
class Run:
    """Trips of a loop, each of some steps: step `scale * trip + offset` on buffers as they are, or exchanged."""

    trips: int
    scale: int
    steps: Sequence[tuple[int, bool]]
    """(offset, exchanged)"""


def runs(trips: int, exchanging: bool) -> list[Run]:
    """All steps in order. Where buffers change places, the last step leaves its values in the scan's results."""
    if not exchanging:
        return [Run(trips, 1, [(0, False)])]
    pairs, odd = divmod(trips, 2)
    found = [Run(pairs, 2, [(0, bool(odd)), (1, not odd)])] if pairs else []
    return [*found, Run(1, 0, [(trips - 1, True)])] if odd else found


def loops_of(op: ScanOp, exchanged: Mapping[SSAValue, SSAValue]) -> list[Operation]:
    """The scan's body, on buffers already, as loops; `exchanged` maps each of two buffers to the other."""
    ops: list[Operation] = []
    for run in runs(op.trip_count, bool(exchanged)):
        if run.trips == 1:
            ops += trip(op, run, constant(0), exchanged)
            continue
        low, high, step = (index_constant(v) for v in (0, run.trips, 1))
        block = Block(arg_types=[INDEX])
        loop = scf.ForOp(low, high, step, [], Region(block))
        loop.location = op.location
        block.add_ops([*trip(op, run, symbol(block.args[0]), exchanged), scf.YieldOp()])
        ops += [low, high, step, loop]
    return ops


def trip(op: ScanOp, run: Run, number: Index, exchanged: Mapping[SSAValue, SSAValue]) -> list[Operation]:
    """The steps of one trip."""
    ops: list[Operation] = []
    for offset, exchange in run.steps:
        step = number * run.scale + offset
        at = step if op.reverse is None else constant(op.trip_count - 1) - step
        counter = IndexOp(at, op.trip_count)
        counter.result.name_hint = op.counter.name_hint
        values = {**(exchanged if exchange else {}), op.counter: counter.result}
        ops += [counter, *(inner.clone(values) for inner in op.body.block.ops if inner is not op.end)]
    return ops
