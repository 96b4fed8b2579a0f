"""`kernel-order-computes`: what a run computes stands in an order in which little memory is alive at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.program import AllocOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.assign_offsets import aligned_size
from webdnn.passes.kernel.memory.hoist_initializers import buffers_of, targets_of
from webdnn.passes.kernel.memory.loading import Loading, runs_once
from webdnn.passes.kernel.memory.places import users
from webdnn.support.planning.order import Tasks, best_order, peak_of

EFFORT = 1_000_000
"""Sets of tasks to look at, for each of which all tasks are tried."""


def tasks_of(ops: Sequence[Operation], block: Block, alignment: int) -> Tasks:
    """One task for each operation; arguments are there from the start, results stay to the end."""
    kept = Loading.of(block).buffers
    allocs = [op.result for op in block.ops if isinstance(op, AllocOp) and op.result not in kept]
    buffers: list[SSAValue] = [*block.args, *allocs]
    number = {buffer: b for b, buffer in enumerate(buffers)}
    used = [{number[buffer] for buffer in buffers_of(op) if buffer in number} for op in ops]
    written = [{number[buffer] for buffer in targets_of(op) if buffer in number} for op in ops]
    first = {b: t for t in reversed(range(len(used))) for b in used[t] if b >= len(block.args)}
    size = [aligned_size(buffer, alignment) for buffer in buffers]
    returned = {b for b, value in enumerate(buffers) if any(isinstance(op, func.ReturnOp) for op in users(value))}
    return Tasks(
        needs=tuple(
            sum(1 << p for p in range(t) if used[p] & written[t] or written[p] & used[t]) for t in range(len(used))
        ),
        makes=tuple(tuple(sorted(b for b in both if first.get(b) == t)) for t, both in enumerate(used)),
        reads=tuple(tuple(sorted(b for b in both if first.get(b) != t)) for t, both in enumerate(used)),
        in_place=((),) * len(used),
        size=tuple(size),
        users=tuple(
            sum(1 << t for t, both in enumerate(used) if b in both) | (b in returned) << len(used)
            for b in range(len(buffers))
        ),
        start=sum(size[: len(block.args)]),
    )


def order(block: Block, alignment: int) -> None:
    """Move what runs, where that lowers the peak; buffers, constants and counters then stand before all of it."""
    ops = [op for op in block.ops if isinstance(op, ComputeOp | scf.ForOp) and not runs_once(op)]
    if not ops:
        return
    tasks = tasks_of(ops, block, alignment)
    best = best_order(tasks, max_states=EFFORT // len(ops))
    if best.peak >= peak_of(tasks, range(len(ops))):
        return
    for t in best.order:
        ops[t].detach()
    end = block.last_op
    assert end is not None
    block.insert_ops_before([ops[t] for t in best.order], end)


@dataclass(frozen=True)
class KernelOrderComputesPass(ModulePass):
    """Run computes in the order in which the least memory is alive at the worst time, if it is not the given one.

    Before:

        kernel.compute … { … kernel.write %v, %large[%i] … }
        kernel.compute … { … kernel.write %v, %other[%i] … }
        kernel.compute … { … kernel.read %large[%i] … kernel.write %v, %small[%i] … }

    After:

        kernel.compute … { … kernel.write %v, %large[%i] … }
        kernel.compute … { … kernel.read %large[%i] … kernel.write %v, %small[%i] … }
        kernel.compute … { … kernel.write %v, %other[%i] … }

    Leaves alone: programs of which no order is found that needs less. Run after `kernel-hoist-initializers` and before
    `kernel-assign-offsets`.
    """

    name = "kernel-order-computes"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"
    alignment: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                order(function.body.block, self.alignment)
