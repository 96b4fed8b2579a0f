"""`kernel-expand-stacks`: stacked rows become a carried value, for targets whose buffers are written whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import shape_of, tensor_type
from webdnn.dialects.kernel.access import scalar_type
from webdnn.dialects.kernel.builder import Body, compute
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.structure import ComputeOp, YieldOp
from webdnn.support.index import Index, symbol


def zeros(like: SSAValue) -> ComputeOp:
    """The stack before the first step."""

    def zero(body: Body, *at: Index) -> SSAValue:
        return body.constant(0, scalar_type(like))

    return compute(shape_of(like), [tensor_type(like)], zero)


def with_row(stack: SSAValue, row: SSAValue, counter: SSAValue) -> ComputeOp:
    """y[i, …] = row[…] where i is the step, else stack[i, …]"""

    def element(body: Body, i: Index, *at: Index) -> SSAValue:
        here = body.inside([i - symbol(counter)], [1])
        return body.select(here, body.read(row, at), body.read(stack, [i, *at]))

    return compute(shape_of(stack), [tensor_type(stack)], element)


def expand(op: ScanOp) -> None:
    """scan carried(h) stacked(y) -> scan carried(h, y), whose steps give y with one more row."""
    if not op.stacked:
        return
    made: list[Operation] = [zeros(stacked) for stacked in op.stacked]
    block, end = op.body.block, op.end
    nexts, rows = list(op.nexts), list(op.rows)
    for stacked, row in zip(op.stacked, rows, strict=True):
        old = block.insert_arg(stacked.type, len(block.args))
        old.name_hint = stacked.name_hint
        new = with_row(old, row, op.counter)
        new.location = op.location
        Rewriter.insert_op(new, InsertPoint.before(end))
        nexts.append(new.res[0])
    Rewriter.replace_op(end, YieldOp(nexts), [])
    inits: Sequence[SSAValue] = [*op.inits, *(zero.results[0] for zero in made)]
    whole = ScanOp(op.trip_count, inits, op.detach_region(0), reverse=op.reverse is not None)
    for inner in [*made, whole]:
        inner.location = op.location
    Rewriter.insert_op(made, InsertPoint.before(op))
    Rewriter.replace_op(op, whole)


def expand_block(block: Block) -> None:
    """Inner scans first."""
    for op in list(block.ops):
        if isinstance(op, ScanOp):
            expand_block(op.body.block)
            expand(op)


@dataclass(frozen=True)
class KernelExpandStacksPass(ModulePass):
    """Make every stacked result of a scan a value that its steps carry, and give one more row to.

    Before:

        %last, %y = kernel.scan (%t = 3) carried (%h = %0 : tensor<8xf32>) stacked tensor<3x8xf32> {
          …
          kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
        }

    After:

        %z = kernel.compute (%i = 3, %j = 8) -> tensor<3x8xf32> { 0 }
        %last, %y = kernel.scan (%t = 3) carried (%h = %0 : tensor<8xf32>, %s = %z : tensor<3x8xf32>) {
          …
          %more = kernel.compute (%i = 3, %j = 8) -> tensor<3x8xf32> { %i is %t ? %next[%j] : %s[%i, %j] }
          kernel.yield %next, %more : tensor<8xf32>, tensor<3x8xf32>
        }

    Leaves alone: scans that stack nothing. Run after `convert-tensor-layout-to-kernel` and before
    `kernel-fuse-producers`; not for targets whose kernels can write a part of a buffer.
    """

    name = "kernel-expand-stacks"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            for region in function.regions:
                for block in region.blocks:
                    expand_block(block)
