"""`kernel-collapse-axes`: neighbouring axes that are contiguous everywhere become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import AccessOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import AxesToIndex, Cloner, clone_compute
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.support.index import FloorDiv, Index, floordiv, mod, symbol


def merged(sizes: Sequence[int], axes: Sequence[SSAValue], at: int) -> tuple[list[int], AxesToIndex]:
    """Axes `at` and `at + 1` as one axis t: (t floordiv n, t mod n)."""
    inner = sizes[at + 1]

    def to_index(new: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        t = symbol(new[at])
        by = {axes[at]: floordiv(t, inner, range_of), axes[at + 1]: mod(t, inner, range_of)}
        for i, axis in enumerate(axes):
            if i not in (at, at + 1):
                by[axis] = symbol(new[i if i < at else i - 1])
        return by

    return [*sizes[:at], sizes[at] * inner, *sizes[at + 2 :]], to_index


def divisions(op: Operation, axes: Sequence[SSAValue]) -> int:
    """How many divisions of these axes the accesses inside contain."""
    accesses = (inner for inner in op.walk() if isinstance(inner, AccessOp))
    return sum(divisions_in(expr, frozenset(axes)) for access in accesses for expr in access.exprs)


def divisions_in(index: Index, axes: frozenset[SSAValue]) -> int:
    """Divisions of these axes; a carry, such as (%r + 1) floordiv 2 for an axis of two, is none."""
    found = 0
    for atom in index.terms:
        if isinstance(atom, FloorDiv) and not atom.numerator.symbols.isdisjoint(axes):
            span = atom.numerator.bounds(range_of)
            carries = span is not None and span[1] - span[0] < atom.divisor
            found += divisions_in(atom.numerator, axes) + (not carries)
    return found


Rebuild = Callable[[list[int], AxesToIndex], ComputeOp | ReduceOp]


def collapse(op: ComputeOp | ReduceOp, rebuild: Callable[[ComputeOp | ReduceOp], Rebuild]) -> None:
    """Merge one pair of axes after another, innermost pairs first, as long as no access gains a division."""
    at = len(op.shape) - 2
    while at >= 0:
        sizes, to_index = merged(op.shape, op.axes, at)
        new = rebuild(op)(sizes, to_index)
        if divisions(new, [new.axes[at]]) <= divisions(op, op.axes[at : at + 2]):
            names = [axis.name_hint for axis in op.axes]
            long = at if op.shape[at + 1] == 1 else at + 1
            for axis, name in zip(new.axes, [*names[:at], names[long], *names[at + 2 :]], strict=True):
                axis.name_hint = name
            Rewriter.replace_op(op, new)
            op, at = new, min(at, len(new.shape) - 1)
        else:
            new.erase(safe_erase=False)
        at -= 1


def rebuild_compute(op: ComputeOp | ReduceOp) -> Rebuild:
    assert isinstance(op, ComputeOp)
    return lambda sizes, to_index: clone_compute(op, sizes, to_index)


def rebuild_reduce(op: ComputeOp | ReduceOp) -> Rebuild:
    assert isinstance(op, ReduceOp)
    return lambda sizes, to_index: Cloner().reduce(op, sizes, to_index)


@dataclass(frozen=True)
class KernelCollapseAxesPass(ModulePass):
    """Make few, long axes: a 1x1 convolution becomes a matrix product, element-wise work has one axis.

    Before:

        kernel.compute (%y = 4, %x = 8) { … kernel.read %a[%y * 8 + %x] … }

    After:

        kernel.compute (%x = 32) { … kernel.read %a[%x] … }

    Leaves alone: axes between which an access jumps, so that merging them would divide. Run after
    `kernel-flatten-buffers`, and before schedules are chosen.
    """

    name = "kernel-collapse-axes"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "flat"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            for reduce in reversed([o for o in function.walk() if isinstance(o, ReduceOp)]):  # inner ones first
                collapse(reduce, rebuild_reduce)
            for compute in [o for o in function.body.block.ops if isinstance(o, ComputeOp)]:
                collapse(compute, rebuild_compute)
