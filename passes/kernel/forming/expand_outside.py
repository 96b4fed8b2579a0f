"""`kernel-expand-outside`: reads that may leave their buffer become selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.support.index import stays_inside


def expand(read: ReadOp) -> None:
    """read(A, e) outside o -> select(inside(e), read(A, e), o); only indices that may leave are tested."""
    assert read.outside is not None
    exprs, extents = read.exprs, buffer_type(read.source).get_shape()
    leaving = [(e, n) for e, n in zip(exprs, extents, strict=True) if not stays_inside([e], [n], range_of)]
    plain = ReadOp(read.source, exprs, None, read.result.type)
    if not leaving:
        Rewriter.replace_op(read, plain)
        return
    guard = InsideOp([e for e, _ in leaving], [n for _, n in leaving])
    Rewriter.replace_op(read, [guard, plain, arith.SelectOp(guard.result, plain.result, read.outside)])


@dataclass(frozen=True)
class KernelExpandOutsidePass(ModulePass):
    """Spell out what a read gives outside its buffer.

    The read itself is still made, and what it gives is dropped: targets must make such reads harmless.

    Before:

        %v = kernel.read %x[%i + -1] outside %zero : memref<8xf32>

    After:

        %p = kernel.inside [%i + -1] of [8]
        %r = kernel.read %x[%i + -1] : memref<8xf32>
        %v = arith.select %p, %r, %zero : f32

    Leaves alone: indices that ranges prove inside. Run after `kernel-assign-buffers` and before
    `kernel-flatten-buffers`.
    """

    name = "kernel-expand-outside"
    stage_before: ClassVar = "kernels"
    stage_after: ClassVar = "kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for read in [o for o in op.walk() if isinstance(o, ReadOp) and o.outside]:
            expand(read)
