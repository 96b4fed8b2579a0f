"""Kernels as functions of instructions, for several variants at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.work import kernel_nanoseconds
from webdnn.targets.together import Stage, after, lower_together, one_of
from webdnn.targets.wasm.emit import Function
from webdnn.targets.wasm.pieces import called_in_pieces
from webdnn.targets.wasm.variants import Variant


def kernels_in(module: ModuleOp) -> list[FuncOp]:
    """The module's kernels."""
    return [op for op in module.body.block.ops if isinstance(op, FuncOp)]


@dataclass
class Lowering:
    """A kernel on the way to instructions: what variants have in common is done once.

    `tiled` are its blocks, and the loops around them, by the passes that made them.
    """

    kernel: FuncOp
    ctx: Context
    tiled: dict[Stage, FuncOp] = field(default_factory=dict[Stage, FuncOp])

    def blocks(self, variant: Variant) -> FuncOp:
        """The kernel as blocks and the loops around them, before loops are shared."""
        stage = tuple(variant.tiling()[0])
        if stage not in self.tiled:
            blocks = after(self.ctx, stage, self.kernel.clone())
            assert isinstance(blocks, FuncOp), "kernels with loops are kernels"
            self.tiled[stage] = one_of(self.tiled.values(), blocks)
        return self.tiled[stage]

    def nanoseconds(self, variant: Variant) -> float:
        """How long a call takes that threads may share; nothing where they may not."""
        _, sharing = variant.tiling()
        blocks = self.blocks(variant)
        return kernel_nanoseconds(blocks) if sharing and sharing.chunks_of(blocks) > 1 else 0

    def code(self, variants: Sequence[Variant]) -> list[Sequence[Function]]:
        """The functions of each variant."""
        kernels: list[Operation] = [self.blocks(variant) for variant in variants]
        _, *following = zip(*(variant.stages() for variant in variants), strict=True)
        for number, stages in enumerate(following):
            kernels = lower_together(self.ctx, stages, kernels, keep=number == 0)
        spellings = dict[tuple[Operation, bool], Sequence[Function]]()
        for pieces in (False, True):  # making pieces uses a kernel up
            for kernel, variant in zip(kernels, variants, strict=True):
                if variant.threads != pieces and (kernel, pieces) not in spellings:
                    spellings[kernel, pieces] = spelled(kernel, pieces=pieces)
        return [spellings[kernel, not variant.threads] for kernel, variant in zip(kernels, variants, strict=True)]


def spelled(kernel: Operation, *, pieces: bool) -> Sequence[Function]:
    """A kernel of instructions as functions, called whole or in pieces."""
    assert isinstance(kernel, func.FuncOp), "the last pass makes functions of kernels"
    return list(map(Function.of, called_in_pieces(kernel) if pieces else [kernel]))


def functions(module: ModuleOp, variant: Variant, ctx: Context) -> Sequence[Function]:
    """The module's kernels as functions of one variant."""
    return [f for kernel in kernels_in(module) for own in Lowering(kernel, ctx).code([variant]) for f in own]
