"""Reductions at points without lanes: those over neighbours have lanes of their own, a partial result for each."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i64

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.lane_analysis import accesses, depends_on, has_vectors, lane_stride
from webdnn.passes.kernel.scheduling.lanes import unroll
from webdnn.support.scheduling.blocks import DotBlock, ReductionBlock, Traits

LITTLE = 4
"""Reductions of at most so many steps that have no lanes are unrolled whole."""


def has_partial_results(reduce: ReduceOp, lanes: int) -> bool:
    """Does a reduction read neighbours along its last axis, and enough of them?"""
    inner = accesses(reduce)
    strides = [lane_stride(o, reduce.axes[-1]) for o in inner]
    good = all(
        s == 0 or (s == 1 and isinstance(o, ReadOp) and has_vectors(o)) for o, s in zip(inner, strides, strict=True)
    )
    narrow = any(v.type in (f64, i64) for o in reduce.walk() for v in (*o.operands, *o.results))
    return lanes > 1 and reduce.shape[-1] >= 2 * lanes and good and not narrow and 1 in strides


def dot_axes(compute: ComputeOp, reduce: ReduceOp) -> tuple[int, int] | None:
    """The last axes along which only the one factor changes, and only the other one; None where it is no such sum."""
    if not isinstance(reduce.yielded.owner, arith.MulfOp):
        return None
    a, b = reduce.yielded.owner.operands
    axes = compute.axes
    only_a = [i for i, axis in enumerate(axes) if depends_on(a, axis) and not depends_on(b, axis)]
    only_b = [i for i, axis in enumerate(axes) if depends_on(b, axis) and not depends_on(a, axis)]
    return (only_a[-1], only_b[-1]) if only_a and only_b else None


def reduction_traits(compute: ComputeOp, sums: Sequence[ReduceOp], lanes: int) -> Traits:
    """The steps of the longest reduction; one sum of products of rows is of a kind of its own."""
    numbers = {"steps": max(prod(reduce.shape) for reduce in sums), "reductions": len(sums)}
    single = len(sums) == 1 and has_partial_results(sums[0], lanes)
    return Traits("dots" if single and dot_axes(compute, sums[0]) else "reduction", numbers)


def reduce_across_lanes(sums: Sequence[ReduceOp], lanes: int, block: ReductionBlock) -> None:
    """A few vectors of partial results, so that sums need not wait for one another; one of short ones."""
    for reduce in sums:
        if not has_partial_results(reduce, lanes):
            unroll(reduce, 2, LITTLE)
            continue
        vectors = block.partial if reduce.shape[-1] >= block.partial * lanes else 1
        reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), vectors * lanes], lanes=lanes)


def block_dots(compute: ComputeOp, reduce: ReduceOp, lanes: int, tile: list[int], block: DotBlock) -> None:
    """Products of rows with rows share what they read: a block of them, each with a vector of partial sums."""
    axes = dot_axes(compute, reduce)
    assert axes is not None
    for axis, most in zip(axes, (block.rows, block.columns), strict=True):
        tile[axis] = min(compute.shape[axis], most)
    reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), lanes], lanes=lanes)
