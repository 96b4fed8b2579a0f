"""Kernels as functions of instructions, for several variants at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.work import kernel_nanoseconds
from webdnn.targets.memo import Memo
from webdnn.targets.wasm.emit import Function
from webdnn.targets.wasm.pieces import called_in_pieces
from webdnn.targets.wasm.variants import Variant


def kernels_in(module: ModuleOp) -> list[FuncOp]:
    """The module's kernels."""
    return [op for op in module.body.block.ops if isinstance(op, FuncOp)]


@dataclass
class Lowering:
    """A kernel on the way to instructions: what variants have in common is done once, and blocks are remembered."""

    kernel: FuncOp
    tiled: Memo

    @classmethod
    def of(cls, kernel: FuncOp, ctx: Context) -> Lowering:
        """Of a kernel that stays as it is."""
        return cls(kernel, Memo(ctx))

    def blocks(self, variant: Variant) -> FuncOp:
        """The kernel as blocks and the loops around them, before loops are shared."""
        tiling, _ = variant.tiling()
        blocks = self.tiled.after(tiling, self.kernel)
        assert isinstance(blocks, FuncOp), "kernels with loops are kernels"
        return blocks

    def nanoseconds(self, variant: Variant) -> float:
        """How long a call takes that threads may share; nothing where they may not."""
        _, sharing = variant.tiling()
        blocks = self.blocks(variant)
        return kernel_nanoseconds(blocks) if sharing and sharing.chunks_of(blocks) > 1 else 0

    def code(self, variants: Iterable[Variant]) -> Iterator[Sequence[Function]]:
        """The functions of each variant."""
        memo, spellings = self.tiled.copy(), dict[tuple[Operation, bool], Sequence[Function]]()
        for variant in variants:
            lowered = memo.lowered(self.kernel, variant.stages())
            key = lowered, variant.threads
            if key not in spellings:
                spellings[key] = spelled(lowered, variant)
            yield spellings[key]


def spelled(lowered: Operation, variant: Variant) -> Sequence[Function]:
    """A kernel of instructions as functions."""
    assert isinstance(lowered, func.FuncOp), "the last pass makes functions of kernels"
    functions = [lowered] if variant.threads else called_in_pieces(lowered.clone())
    return list(map(Function.of, functions))


def functions(module: ModuleOp, variant: Variant, ctx: Context) -> Sequence[Function]:
    """The module's kernels as functions of one variant."""
    return [f for kernel in kernels_in(module) for own in Lowering.of(kernel, ctx).code([variant]) for f in own]
