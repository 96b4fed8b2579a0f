"""Passes over one kernel for several variants of a target: none is run again on kernels that are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

Stage = Sequence[ModulePass]
Kernel = TypeVar("Kernel", bound=Operation)


def lower_together(
    ctx: Context, stages: Sequence[Stage], kernels: Sequence[Operation], *, keep: bool
) -> list[Operation]:
    """Each kernel after its stage.

    Variants lower a kernel by passes that differ here and there, and many a kernel comes out of passes that differ as
    if they did not: it is one operation then, so that what follows is done once. Kernels that are given are used up
    unless they are to be kept. Raises DiagnosticError.
    """
    wanted = list(dict.fromkeys(zip(map(tuple, stages), kernels, strict=True)))
    last = {kernel: stage for stage, kernel in wanted}
    made: dict[tuple[Stage, Operation], Operation] = {}
    for stage, kernel in wanted:
        used_up = not keep and last[kernel] is stage
        result = after(ctx, stage, kernel if used_up else kernel.clone())
        made[stage, kernel] = one_of(made.values(), result)
    return [made[tuple(stage), kernel] for stage, kernel in zip(stages, kernels, strict=True)]


def after(ctx: Context, stage: Stage, kernel: Operation) -> Operation:
    """What a stage makes of a kernel."""
    module = ModuleOp([kernel])
    for module_pass in stage:
        module_pass.apply(ctx, module)
    (result,) = module.body.block.ops
    result.detach()
    return result


def one_of(known: Iterable[Kernel], kernel: Kernel) -> Kernel:
    """The known kernel that equals this one, or else this one."""
    return next((other for other in known if other.is_structurally_equivalent(kernel)), kernel)
