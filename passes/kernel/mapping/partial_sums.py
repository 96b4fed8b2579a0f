"""Results of parts of a reduction that invocations have left in memory, to be put together."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Block, Region, SSAValue

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import UnrollAttr
from webdnn.dialects.kernel.builder import Body, identity
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.structure import ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import Index, symbol


@dataclass(frozen=True)
class Partial:
    """Where the last partial results of a reduction are: those of a column lie `stride` apart."""

    memory: SSAValue
    count: int
    stride: int
    first: Index
    has_lanes: bool


def identity_of(op: ReduceOp, cloner: Cloner) -> SSAValue:
    """What a reduction that adds nothing starts from."""
    body = Body()
    value = body.constant(identity(op.kind.data, op.init.type), op.init.type)
    cloner.ops += body.ops
    return value


def total_of(op: ReduceOp, partial: Partial, init: SSAValue, lanes: int, lane: Index) -> ReduceOp:
    """The partial results of a reduction as one."""
    block = Block(arg_types=[INDEX])
    total = ReduceOp(op.kind.data, [partial.count], init, Region(block), UnrollAttr.of([partial.count]))
    place = partial.first + symbol(block.args[0]) * partial.stride
    read = ReadOp(partial.memory, [place * lanes + (lane if lanes > 1 else 0)])
    block.add_ops([read, YieldOp([read.result])])
    block.args[0].name_hint = "part"
    return total
