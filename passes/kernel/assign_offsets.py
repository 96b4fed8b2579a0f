"""`kernel-assign-offsets`: every buffer gets its place in the arena."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import WriteOp, buffer_type
from webdnn.dialects.kernel.program import AllocOp, CallOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.dialects.signature import entries, written
from webdnn.passes.kernel.places import users
from webdnn.support.planning.offsets import assign, verify
from webdnn.support.planning.storage import Block as StorageBlock
from webdnn.support.planning.storage import Part, align

ARGUMENT_OFFSET = "kernel.at"
ARENA_BYTES = "kernel.arena"
ARENA_BOUND = "kernel.arena_bound"


def byte_size(value: SSAValue) -> int:
    """Bytes of a buffer, without padding."""
    type = buffer_type(value)
    return prod(type.get_shape()) * element_type(type).bytes


@dataclass(frozen=True)
class Arena:
    """Where each buffer of a function lies: byte offsets in the order of `buffers`.

    `size` is that of the arena, without what is kept behind it, and `bound` the least that any plan needs.
    """

    buffers: Sequence[SSAValue]
    offsets: Sequence[int]
    size: int
    bound: int


def plan(block: Block, alignment: int) -> Arena:
    """Arguments live from the start, results to the end, all else from its first use to its last.

    What is written once, when the model is loaded, lives for ever, behind all that comes and goes.
    """
    time = {op: t for t, op in enumerate(block.ops)}
    end = len(time)
    allocs: list[SSAValue] = [op.result for op in block.ops if isinstance(op, AllocOp)]
    kept = [buffer for buffer in allocs if any(writes_once(op, buffer) for op in users(buffer))]
    buffers = [*block.args, *(buffer for buffer in allocs if buffer not in kept)]
    blocks: list[StorageBlock] = []
    for buffer in buffers:
        used = [op for op in users(buffer)]
        times = [time[op] for op in used]
        start = 0 if not isinstance(buffer.owner, AllocOp) else min(times, default=0)
        stop = end if any(isinstance(op, func.ReturnOp) for op in used) else max(times, default=start) + 1
        blocks.append(StorageBlock((Part(start, stop, 0, align(byte_size(buffer), alignment)),)))
    found = assign(blocks, alignment)
    verify(blocks, found.offsets)
    offsets, behind = list(found.offsets), found.arena
    for buffer in kept:
        offsets.append(behind)
        behind += align(byte_size(buffer), alignment)
    return Arena([*buffers, *kept], offsets, found.arena, found.bound)


def writes_once(op: Operation, buffer: SSAValue) -> bool:
    """Does the operation write to the buffer when the model is loaded?"""
    if not isinstance(op, ComputeOp | CallOp) or not op.once:
        return False
    if isinstance(op, CallOp):
        kernel = SymbolTable.lookup_symbol(op, op.callee)
        assert isinstance(kernel, FuncOp)
        targets = targets_of(kernel)
        return any(b is buffer and a in targets for a, b in zip(kernel.buffers, op.buffers, strict=True))
    return buffer in targets_of(op)


def targets_of(op: Operation) -> set[SSAValue]:
    """The buffers that are written inside."""
    return {o.target for o in op.walk() if isinstance(o, WriteOp)}


@dataclass(frozen=True)
class KernelAssignOffsetsPass(ModulePass):
    """Place the buffers of a function in one arena, those that live at one time side by side.

    The function then says how large the arena is, and the least that any plan needs (`kernel.arena_bound`, the
    largest sum of bytes alive at once).

    Before:

        %a = kernel.alloc : memref<8xf32>

    After:

        %a = kernel.alloc at 64 : memref<8xf32>

    What is computed once lies behind the arena, and is never overwritten.

    Leaves alone: weights, which lie outside the arena. Run after `kernel-assign-buffers`, once the order of kernels
    is final.
    """

    name = "kernel-assign-offsets"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"
    alignment: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            arena = plan(function.body.block, self.alignment)
            places = dict(zip(arena.buffers, arena.offsets, strict=True))
            arguments = function.body.block.args
            function.arg_attrs = written(
                {**attributes, ARGUMENT_OFFSET: IntegerAttr(places[argument], i64)}
                for attributes, argument in zip(entries(function.arg_attrs, len(arguments)), arguments, strict=True)
            )
            for alloc in function.body.block.ops:
                if isinstance(alloc, AllocOp):
                    alloc.at = IntegerAttr(places[alloc.result], i64)
            function.attributes[ARENA_BYTES] = IntegerAttr(arena.size, i64)
            function.attributes[ARENA_BOUND] = IntegerAttr(arena.bound, i64)
