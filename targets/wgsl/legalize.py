"""`wgsl-legalize`: what WGSL cannot say is said otherwise, and invocations get workgroups."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import symbol
from webdnn.targets.casts import legalize_cast
from webdnn.targets.comparisons import expand_comparison
from webdnn.targets.opaque import hide_constants
from webdnn.targets.scalarize import compares_lanes, scalarize
from webdnn.targets.wgsl.specialize import specialize

GROUP = 64
"""Invocations of a workgroup: whole SIMD groups of every device, and a quarter of what all of them allow."""

MOST_GROUPS = 65535
"""Workgroups along one dimension, the default limit."""

ROW = 32768
"""Workgroups of a row where they need two dimensions."""


def map_to_groups(op: IdOp) -> None:
    """id -> group * 64 + local, with a guard where the last group is not full."""
    count = op.count.data
    groups = -(-count // GROUP)
    local = IdOp(GROUP, "local")
    if groups <= MOST_GROUPS:
        column = IdOp(groups, "group.x")
        made: list[Operation] = [column]
        group, total = symbol(column.result), groups
    else:
        column, row = IdOp(ROW, "group.x"), IdOp(-(-groups // ROW), "group.y")
        made = [column, row]
        group, total = symbol(row.result) * ROW + symbol(column.result), ROW * row.count.data
    number = IndexOp(group * GROUP + symbol(local.result))
    block = op.parent
    assert block is not None
    Rewriter.replace_op(op, [*made, local, number], [number.result])
    if total * GROUP != count:
        guard(block, number, count)


def guard(block: Block, number: IndexOp, count: int) -> None:
    """What follows the invocation's number runs only where it is below the count."""
    rest = list(block.ops)
    rest = [op for op in rest[rest.index(number) + 1 :] if not isinstance(op, YieldOp)]
    for op in rest:
        op.detach()
    limit = arith.ConstantOp(IntegerAttr(count, INDEX))
    inside = arith.CmpiOp(number.result, limit.result, "slt")
    branch = scf.IfOp(inside.result, [], Region(Block([*rest, scf.YieldOp()])))
    Rewriter.insert_op([limit, inside, branch], InsertPoint.after(number))


@dataclass(frozen=True)
class WgslLegalizePass(ModulePass):
    """Leave only what `webdnn-wgsl` spells.

    Kernels are specialised by the memory that their buffers lie in; invocations are numbered by workgroups of 64, in
    two dimensions where one does not hold them, with a guard where the last is not full. Infinities and NaN come
    from their bits in a variable, since WGSL refuses them as constants. max and min of NaN are the device's.

    Before:

        %t = kernel.id "global" of 100

    After:

        %g = kernel.id "group.x" of 2
        %l = kernel.id "local" of 64
        %t = kernel.index [%g * 64 + %l]
        scf.if (%t < 100) { … }

    Leaves alone: arithmetic that WGSL has. Run after `kernel-lower-accesses`.
    """

    name = "wgsl-legalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        specialize(op)
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            scalarize(function, compares_lanes)
            for inner in list(function.walk()):
                expand_comparison(inner, nan_by_bits=True)
                legalize_cast(inner)
            hide_constants(function, bits=True)
            for inner in list(function.walk()):
                if isinstance(inner, IdOp) and inner.level.data == "global":
                    map_to_groups(inner)
