"""`kernel-flatten-buffers`: buffers of kernels have one dimension, and accesses one index."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.index import linearize


def flatten(function: FuncOp) -> None:
    """A[i, j] -> A[i * stride + j]"""
    shapes: dict[SSAValue, tuple[int, ...]] = {}
    for argument in function.buffers:
        type = buffer_type(argument)
        new = Rewriter.replace_value_with_new_type(argument, MemRefType(type.element_type, [prod(type.get_shape())]))
        shapes[new] = type.get_shape()
    for op in list(function.walk()):
        if isinstance(op, ReadOp):
            assert not op.outside, "what lies outside is spelled out before (kernel-expand-outside)"
            index = linearize(op.exprs, shapes[op.source])
            Rewriter.replace_op(op, ReadOp(op.source, [index], None, op.result.type))
        elif isinstance(op, WriteOp):
            Rewriter.replace_op(op, WriteOp(op.value, op.target, [linearize(op.exprs, shapes[op.target])]))


@dataclass(frozen=True)
class KernelFlattenBuffersPass(ModulePass):
    """Address every buffer of a kernel by its row-major position.

    Before:

        kernel.func @k(%x: memref<4x8xf32>, …) { … kernel.read %x[%i, %j] : memref<4x8xf32> … }

    After:

        kernel.func @k(%x: memref<32xf32>, …) { … kernel.read %x[%i * 8 + %j] : memref<32xf32> … }

    Leaves alone: the program's own buffers; calls pass them as they are. Run after `kernel-form-kernels` and
    `kernel-expand-outside`.
    """

    name = "kernel-flatten-buffers"
    stage_before: ClassVar = "kernels"
    stage_after: ClassVar = "flat"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                flatten(function)
