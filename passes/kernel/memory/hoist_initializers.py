"""`kernel-hoist-initializers`: what runs once stands first, in an order in which memory peaks low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.access import ReadOp, WriteOp, byte_size
from webdnn.passes.kernel.memory.loading import Loading, only_loading_uses
from webdnn.support.planning.order import Tasks, greedy_order
from webdnn.support.planning.storage import align


def buffers_of(op: Operation) -> list[SSAValue]:
    """The buffers that are read or written inside, each once."""
    accesses = [o for o in op.walk() if isinstance(o, ReadOp | WriteOp)]
    return list(dict.fromkeys(o.source if isinstance(o, ReadOp) else o.target for o in accesses))


def targets_of(op: Operation) -> set[SSAValue]:
    """The buffers that are written inside."""
    return {o.target for o in op.walk() if isinstance(o, WriteOp)}


def tasks_of(loading: Loading, alignment: int) -> Tasks:
    """One task for each operation; weights that no run reads are there from the start."""
    number = {weight.result: b for b, group in enumerate(loading.weights) for weight in group}
    buffers = [*(group[0].result for group in loading.weights), *loading.buffers]
    number |= {buffer: b for b, buffer in enumerate(buffers)}
    used = [{number[buffer] for buffer in buffers_of(op) if buffer in number} for op in loading.ops]
    written = [{number[buffer] for buffer in targets_of(op) if buffer in number} for op in loading.ops]
    first = {b: t for t in reversed(range(len(used))) for b in used[t]}
    makes = [{b for b in both if first[b] == t and b >= len(loading.weights)} for t, both in enumerate(used)]
    kept = {b for b, buffer in enumerate(buffers) if b >= len(loading.weights) and not only_loading_uses(buffer)}
    size = [align(byte_size(buffer), alignment) for buffer in buffers]
    return Tasks(
        needs=tuple(
            sum(1 << p for p in range(t) if used[p] & written[t] or written[p] & used[t]) for t in range(len(used))
        ),
        makes=tuple(tuple(sorted(made)) for made in makes),
        reads=tuple(tuple(sorted(both - made)) for both, made in zip(used, makes, strict=True)),
        in_place=((),) * len(used),
        size=tuple(size),
        users=tuple(
            sum(1 << t for t, both in enumerate(used) if b in both) | (b in kept) << len(used)
            for b in range(len(buffers))
        ),
        start=sum(size[: len(loading.weights)]),
    )


def hoist(block: Block, alignment: int) -> None:
    """Move what runs once to the front, and before it the buffers and weights that it uses."""
    loading = Loading.of(block)
    ordered = [loading.ops[t] for t in greedy_order(tasks_of(loading, alignment)).order]
    owners = dict.fromkeys(buffer.owner for op in ordered for buffer in buffers_of(op))
    leading = [*(owner for owner in owners if isinstance(owner, Operation)), *ordered]
    for op in leading:
        op.detach()
    block.insert_ops_before(leading, block.first_op) if block.first_op else block.add_ops(leading)


@dataclass(frozen=True)
class KernelHoistInitializersPass(ModulePass):
    """Let computes that run once come first, in an order in which little memory is alive at a time.

    Weights that no run reads die when they have been read: what frees much and grows little runs early, so that its
    weights make room for the results of others.

    Before:

        kernel.compute (%i = 8) { … kernel.read %x[%i] … kernel.write %v, %a[%i] … }
        kernel.compute once (%i = 16) { … kernel.read %small[%i floordiv 4] … kernel.write %v, %b[%i] … }
        kernel.compute once (%i = 64) { … kernel.read %large[%i floordiv 4] … kernel.write %v, %c[%i] … }

    After:

        kernel.compute once (%i = 64) { … kernel.read %large[%i floordiv 4] … kernel.write %v, %c[%i] … }
        kernel.compute once (%i = 16) { … kernel.read %small[%i floordiv 4] … kernel.write %v, %b[%i] … }
        kernel.compute (%i = 8) { … kernel.read %x[%i] … kernel.write %v, %a[%i] … }

    Leaves alone: the order of computes of which one needs the other. Run after `kernel-form-strips` and before
    `kernel-assign-offsets`.
    """

    name = "kernel-hoist-initializers"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"
    alignment: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                hoist(function.body.block, self.alignment)
