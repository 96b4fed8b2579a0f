"""Stages of passes over kernels one by one: none is run again on a kernel that equals one that it was run on before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

Stage = tuple[ModulePass, ...]


@dataclass
class Memo:
    """What stages made of kernels.

    Variants of a target lower a kernel by passes that differ here and there, and many a kernel comes out of passes that
    differ as if they did not: what follows is then done once. Kernels that are given are not to be changed.
    """

    ctx: Context
    made: dict[tuple[Stage, Operation], Operation] = field(default_factory=dict[tuple[Stage, Operation], Operation])

    def copy(self) -> Memo:
        """A memo that knows the same, and forgets what it makes with itself."""
        return Memo(self.ctx, dict(self.made))

    def lowered(self, kernel: Operation, stages: Iterable[Sequence[ModulePass]]) -> Operation:
        """The kernel after all of these stages; itself it stays as it is. Raises DiagnosticError."""
        for stage in stages:
            kernel = self.after(stage, kernel)
        return kernel

    def after(self, stage: Sequence[ModulePass], kernel: Operation) -> Operation:
        """The kernel after one stage."""
        key = tuple(stage), kernel
        if key not in self.made:
            module = ModuleOp([kernel.clone()])
            for module_pass in stage:
                module_pass.apply(self.ctx, module)
            (result,) = module.body.block.ops
            result.detach()
            equals = (other for other in self.made.values() if other.is_structurally_equivalent(result))
            self.made[key] = next(equals, result)
        return self.made[key]
