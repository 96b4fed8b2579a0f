"""`kernel-fold-constant-reads`: an element of a constant that is the same everywhere is a number, not a buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ModuleOp, f32, f64
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.constants import array_of
from webdnn.dialects.kernel.access import ReadOp, scalar_type
from webdnn.dialects.kernel.builder import Body

LARGEST = 4096
"""Elements of a constant that is looked through."""


def uniform(op: ConstantOp) -> float | int | None:
    """The element that all of a constant are, or None where they differ."""
    array = array_of(op)
    if not 0 < array.size <= LARGEST:
        return None
    first = array.reshape(-1)[0]
    same = np.all(array == first) or (first != first and np.all(array != array))
    if not same:
        return None
    return float(first) if scalar_type(op.output) in (f32, f64) else int(first)


def forward_products(one: ReadOp) -> None:
    """x * 1 -> x, where the one is read: what moved to other weights leaves ones."""
    for use in list(one.result.uses):
        product = use.operation
        if isinstance(product, arith.MulfOp) and product.lhs is not product.rhs:
            Rewriter.replace_op(product, [], [product.operands[1 - use.index]])


def fold(op: ConstantOp) -> None:
    """read(A, e) -> c, when every element of A is c and e is inside A; and x * 1 -> x."""
    reads = [use.operation for use in op.output.uses if isinstance(use.operation, ReadOp)]
    reads = [read for read in reads if read.outside is None]
    if not reads or (value := uniform(op)) is None:
        return
    for read in reads:
        if value == 1:
            forward_products(read)
        body = Body()
        number = body.constant(value, read.result.type)
        Rewriter.replace_op(read, body.ops, [number])
    if not list(op.output.uses):
        Rewriter.erase_op(op)


@dataclass(frozen=True)
class KernelFoldConstantReadsPass(ModulePass):
    """Make numbers of constants whose elements are all equal: no buffer is bound and nothing is loaded.

    Before:

        %c = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
        … %v = kernel.read %c[] : tensor<f32> …

    After:

        … %v = arith.constant 0.5 : f32 …

    A product of floats with such a number disappears where that is 1.
    Leaves alone: constants with different elements, and reads that may leave their constant.
    Run after `convert-tensor-layout-to-kernel`.
    """

    name = "kernel-fold-constant-reads"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                for constant in list(function.body.block.ops):
                    if isinstance(constant, ConstantOp):
                        fold(constant)
