"""`kernel-lower-blocks`: register-sized computes become straight-line vector code around their reduction loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.passes.kernel.loops.block_lowering import BlockLowering, Point, Scope
from webdnn.passes.kernel.loops.fold_lowering import lower_fold
from webdnn.passes.kernel.loops.reduction_lowering import lower_reduction


@dataclass(frozen=True)
class KernelLowerBlocksPass(ModulePass):
    """Unroll and vectorise every compute of every kernel as its schedule says; reductions become loops.

    Before:

        kernel.compute (%m = 1, %n = 4) schedule #kernel.schedule<tile [1, 4], order [0, 1], vector 1 by 4> {
          %v = kernel.read %x[%mo * 4 + %n] : memref<64xf32>
          kernel.write %v, %y[%mo * 4 + %n] : memref<64xf32>
        }

    After:

        %v = kernel.read %x[%mo * 4] : memref<64xf32>, vector<4xf32>
        kernel.write %v, %y[%mo * 4] : memref<64xf32>, vector<4xf32>

    Leaves alone: operations outside computes. Run after `kernel-tile` or `kernel-map-points`.
    """

    name = "kernel-lower-blocks"
    stage_before: ClassVar = "blocks"
    stage_after: ClassVar = "loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                lower_blocks(function)


def lower_steps(block: BlockLowering, op: ReduceOp | FoldOp, point: Point) -> None:
    """Make known what the steps inside a block give."""
    if isinstance(op, FoldOp):
        lower_fold(block, op, point)
    else:
        lower_reduction(block, op, point)


def lower_blocks(function: FuncOp) -> None:
    constants = Scope()
    for op in [o for o in function.walk() if is_outermost(o)]:
        if isinstance(op, ComputeOp):
            Rewriter.replace_op(op, BlockLowering(op, constants, lower_steps).lower(), [])
        elif isinstance(op, ReduceOp | FoldOp):
            block = BlockLowering(None, constants, lower_steps)
            lower_steps(block, op, {})
            results = [block.scopes[1].values[block.key(result, {})] for result in op.results]
            Rewriter.replace_op(op, block.scopes[1].ops, results)
    if constants.ops:
        Rewriter.insert_op(constants.ops, InsertPoint.at_start(function.body.block))


def is_outermost(op: Operation) -> bool:
    return isinstance(op, AxesOp) and not isinstance(op.parent_op(), AxesOp)
