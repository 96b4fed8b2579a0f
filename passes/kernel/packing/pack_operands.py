"""`kernel-pack-operands`: what a kernel computes for matrix products alone is computed in the panels that they read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.packing.pack_weights import Packer, pack_computed, packing_of


def row_bytes(read: ReadOp) -> int:
    """How far apart the elements are that one step of the innermost reduction moves a read by."""
    parent = read.parent_op()
    type = buffer_type(read.source)
    steps = set[object](parent.axes) if isinstance(parent, ReduceOp) else set[object]()
    moved = [d for d, e in enumerate(read.exprs) if not steps.isdisjoint(e.symbols)]
    return prod(type.get_shape()[moved[-1] + 1 :]) * element_type(type).bytes if moved else 0


def wants_panels(op: ComputeOp, packer: Packer, stride: int) -> bool:
    """Is the result read by products alone, column by column, each a `stride` or more from the one before?"""
    if len(op.res) != 1 or isinstance(op.res[0].owner, ConstantOp):
        return False
    reads = [use.operation for use in op.res[0].uses]
    for read in reads:
        if not isinstance(read, ReadOp) or row_bytes(read) < stride:
            return False
        packing = packing_of(read, packer)
        if packing is None or packing.panel == 1:
            return False
    return bool(reads)


@dataclass(frozen=True)
class KernelPackOperandsPass(ModulePass):
    """Compute the second factor of a matrix product in panels of columns, as constants are packed.

    Before (panel=8):

        %k = kernel.compute (%h = 4, %d = 64, %s = 1024) -> tensor<4x64x1024xf32> { … }
        … kernel.reduce add (%d = 64) … { … kernel.read %k[%h, %d, %s] … }

    After:

        %k = kernel.compute (%h = 4, %p = 128, %d = 64, %l = 8) -> tensor<4x128x64x8xf32> { … }
        … kernel.reduce add (%d = 64) … { … kernel.read %k[%h, %s floordiv 8, %d, %s mod 8] … }

    Leaves alone: results that anything but products reads, whose rows lie less than `stride` bytes apart, or whose
    columns fill no whole panels. Run after fusion, before `kernel-assign-buffers`.
    """

    name = "kernel-pack-operands"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    panel: int = 8
    stride: int = 512

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                self.pack(function.body.block)

    def pack(self, block: Block) -> None:
        packer = Packer(self.panel, 1)
        for compute in reversed([o for o in block.ops if isinstance(o, ComputeOp)]):
            if wants_panels(compute, packer, self.stride):
                pack_computed(compute, packer)
