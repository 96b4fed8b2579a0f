"""`kernel-split-axes`: an axis that accesses divide becomes its quotient and its remainder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import AccessOp
from webdnn.dialects.kernel.clone import clone_compute
from webdnn.dialects.kernel.indexing import TableOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.support.index import FloorDiv, Index, symbol


def divisor_of(compute: ComputeOp, axis: SSAValue, size: int) -> int | None:
    """The one number by which accesses divide an axis, perhaps shifted, if it divides the axis' extent.

    Elements that are neighbours along the remainder are a panel, whose vectors keep it together: only a multiple of
    panels splits it, as groups of channels are.
    """
    divisors, panels = set[int](), set[int]()
    for op in compute.walk():
        if isinstance(op, AccessOp):
            for expr in op.exprs:
                found = {a.divisor for a in expr.terms if isinstance(a, FloorDiv) and axis in a.numerator.symbols}
                if expr.terms.get(axis) == 1:
                    panels |= found
                else:
                    divisors |= found
    if len(divisors) != 1:
        return None
    (divisor,) = divisors
    if any(divisor % panel for panel in panels):
        return None
    return divisor if size % divisor == 0 and size > divisor else None


def split(compute: ComputeOp, at: int, divisor: int) -> ComputeOp:
    """Axis a -> divisor * q + r"""
    sizes = [*compute.shape[:at], compute.shape[at] // divisor, divisor, *compute.shape[at + 1 :]]

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        new = [symbol(axis) for axis in axes]
        merged = [*new[:at], new[at] * divisor + new[at + 1], *new[at + 2 :]]
        return dict(zip(compute.axes, merged, strict=True))

    made = clone_compute(compute, sizes, to_index)
    names = [axis.name_hint for axis in compute.axes]
    remainder = f"{names[at]}r" if names[at] else None
    for axis, name in zip(made.axes, [*names[: at + 1], remainder, *names[at + 1 :]], strict=True):
        axis.name_hint = name
    return made


def split_all(compute: ComputeOp) -> None:
    """Split one axis after another, the last first, so that places before stay."""
    if any(isinstance(op, TableOp) for op in compute.walk()):
        return  # a schedule unrolls what chooses a coefficient
    for at in reversed(range(len(compute.shape))):
        divisor = divisor_of(compute, compute.axes[at], compute.shape[at])
        if divisor is not None:
            new = split(compute, at, divisor)
            Rewriter.replace_op(compute, new)
            compute = new


@dataclass(frozen=True)
class KernelSplitAxesPass(ModulePass):
    """Give the phases of transposed convolutions and groups of channels axes of their own: no run divides an index.

    Before:

        kernel.compute (%y = 8, …) { … %x[%y floordiv 2 …] … %w[%y mod 2 …] … }

    After:

        kernel.compute (%y = 4, %yr = 2, …) { … %x[%y …] … %w[%yr …] … }

    Leaves alone: computes without reductions, axes whose extent the divisor does not divide or that are divided by
    several numbers, what would cut a panel of weights, and tables of coefficients. Run after `kernel-flatten-buffers`,
    before `kernel-collapse-axes`.
    """

    name = "kernel-split-axes"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "flat"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            for compute in list(function.body.block.ops):
                if isinstance(compute, ComputeOp) and any(isinstance(o, ReduceOp) for o in compute.body.block.ops):
                    split_all(compute)
