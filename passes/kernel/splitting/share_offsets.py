"""`kernel-share-offsets`: computes that differ by evenly growing offsets become one kernel that is told which it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import clone_compute, identity_axes
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.forming.form_kernels import Captures, outline, spelling
from webdnn.support.index import Index, constant, stays_inside, symbol

FEWEST = 3
"""Computes that are worth a kernel with an offset."""

Offsets = tuple[int, ...]
"""The constants of all indices of a compute, in order."""


def accesses(compute: ComputeOp) -> list[AccessOp]:
    return [op for op in compute.walk() if isinstance(op, AccessOp)]


def offsets_of(compute: ComputeOp) -> Offsets:
    return tuple(index.constant for op in accesses(compute) for index in op.exprs)


def with_offsets(compute: ComputeOp, offsets: Sequence[Index]) -> ComputeOp:
    """A copy of the compute with other constants in its indices."""
    new = clone_compute(compute, compute.shape, identity_axes(compute))
    rest = iter(offsets)
    for op in accesses(new):
        Rewriter.replace_op(op, at(op, [index - index.constant + next(rest) for index in op.exprs]))
    return new


def at(op: AccessOp, exprs: Sequence[Index]) -> AccessOp:
    """The same access at other indices."""
    match op:
        case ReadOp():
            return ReadOp(op.source, exprs, op.outside, op.result.type)
        case WriteOp():
            return WriteOp(op.value, op.target, exprs)
        case InsideOp():
            return InsideOp(exprs, [e.data for e in op.extents])
        case TableOp():
            return TableOp(op.values, exprs)
        case _:
            assert isinstance(op, IndexOp), f"{op.name} does not stand in computes yet"
            return IndexOp(exprs[0], op.index_count)


def family(compute: ComputeOp) -> tuple[str, tuple[bool, ...]]:
    """What computes have in common that differ by offsets alone; those that need tests at edges are others."""
    plain = with_offsets(compute, [constant(0)] * len(offsets_of(compute)))
    tests = [op for op in accesses(compute) if isinstance(op, InsideOp) or (isinstance(op, ReadOp) and op.outside)]
    text = spelling(outline(plain, Captures.of(plain), ""))
    return text, tuple(stays_inside(op.exprs, extents(op), range_of) for op in tests)


def extents(op: AccessOp) -> Sequence[int]:
    return [e.data for e in op.extents] if isinstance(op, InsideOp) else buffer_type(op.operands[0]).get_shape()


def progressions(found: Sequence[Offsets]) -> Iterator[Sequence[Offsets]]:
    """Cut distinct offsets into runs of even growth, the longest from the first on."""
    start = 0
    while start < len(found):
        stop = start + 1
        while stop < len(found) and (stop < start + 2 or growth(found, stop) == growth(found, stop - 1)):
            stop += 1
        if stop == start + 2 and stop < len(found):
            stop = start + 1
        yield found[start:stop]
        start = stop


def growth(found: Sequence[Offsets], at: int) -> Offsets:
    return tuple(b - a for a, b in zip(found[at - 1], found[at], strict=True))


def share(members: Sequence[ComputeOp], run: Sequence[Offsets]) -> None:
    """Let each member be the same compute, at a counter that says which of the run's offsets it has."""
    for compute in members:
        counter = IndexOp(constant(run.index(offsets_of(compute))), len(run))
        counter.result.name_hint = "strip"
        steps = zip(run[0], growth(run, 1), strict=True)
        new = with_offsets(compute, [symbol(counter.result) * step + first for first, step in steps])
        Rewriter.insert_op([counter, new], InsertPoint.before(compute))
        Rewriter.erase_op(compute)


@dataclass(frozen=True)
class KernelShareOffsetsPass(ModulePass):
    """Let computes that differ only by offsets which grow evenly be the same, at a counter of the program.

    Strips of a picture are such computes: code then does not grow with their number.

    Before:

        kernel.compute (%y = 4) { … kernel.write %v, %a[%y] : memref<12xf32> }
        kernel.compute (%y = 4) { … kernel.write %v, %a[%y + 4] : memref<12xf32> }
        kernel.compute (%y = 4) { … kernel.write %v, %a[%y + 8] : memref<12xf32> }

    After:

        %strip = kernel.index [0] of 3
        kernel.compute (%y = 4) { … kernel.write %v, %a[%y + %strip * 4] : memref<12xf32> }
        %strip_1 = kernel.index [1] of 3
        …

    Leaves alone: fewer than three of them, and those of which some need tests at an edge that others do not.
    Run after `kernel-assign-offsets`, to which constants say more, and before `kernel-form-kernels`.
    """

    name = "kernel-share-offsets"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                self.share(function.body.block)

    def share(self, block: Block) -> None:
        alike: dict[tuple[str, ...], list[ComputeOp]] = {}
        for op in block.walk():
            if isinstance(op, ComputeOp) and not op.once and not isinstance(op.parent_op(), ComputeOp):
                alike.setdefault(tuple(inner.name for inner in op.walk()), []).append(op)
        families: dict[tuple[str, tuple[bool, ...]], list[ComputeOp]] = {}  # is slow to find: not of all
        for op in chain.from_iterable(found for found in alike.values() if len(found) >= FEWEST):
            families.setdefault(family(op), []).append(op)
        for members in families.values():
            for run in progressions(list(dict.fromkeys(map(offsets_of, members)))):
                if len(run) >= FEWEST:
                    share([compute for compute in members if offsets_of(compute) in run], run)
