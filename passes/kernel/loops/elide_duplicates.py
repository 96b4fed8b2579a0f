"""`kernel-elide-duplicates`: what a kernel has computed already is not computed again."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms.common_subexpression_elimination import cse

from webdnn.dialects.kernel.structure import FuncOp


@dataclass(frozen=True)
class KernelElideDuplicatesPass(ModulePass):
    """Let one operation stand for those after it, in its block or inside, that have the same operands and attributes.

    Before:

        %a = arith.cmpi slt, %i, %n : index
        %x = arith.select %a, %f, %g : f32
        %b = arith.cmpi slt, %i, %n : index
        %y = arith.select %b, %g, %f : f32

    After:

        %a = arith.cmpi slt, %i, %n : index
        %x = arith.select %a, %f, %g : f32
        %y = arith.select %a, %g, %f : f32

    Leaves alone: reads with a write between them, and what has an effect. Run after the legalization of a language
    that is text: what it makes of one operation is often what it makes of another.
    """

    name = "kernel-elide-duplicates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                cse(function)
