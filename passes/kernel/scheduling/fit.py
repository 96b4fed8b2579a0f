"""Whether a plan fits a compute: what `kernel-merge-rows`, `kernel-tile` and `kernel-lower-blocks` can do for it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Operation

from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.lane_analysis import depends_on
from webdnn.passes.kernel.scheduling.lanes import may_mask
from webdnn.passes.kernel.scheduling.merge_rows import merge
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.reach import reductions

LANES = 4
"""How many elements of four bytes a vector holds."""

LARGEST = 1 << 14
"""The most points of a block and of what is unrolled in it: each is an instruction or more."""


def misfit(compute: ComputeOp, plan: Plan) -> str | None:
    """Why a compute cannot run as planned; None where it can."""
    schedule, sums = plan.schedule, reductions(compute)
    rank = len(compute.shape)
    if len(schedule.tile) != rank:
        return f"its tile has {len(schedule.tile)} axes, and the kernel {rank}"
    if len(plan.unrolls) != len(sums):
        return f"it unrolls {len(plan.unrolls)} reductions, and the kernel has {len(sums)}"
    if schedule.merged is None:
        return next(misfits(compute, plan, sums), None)
    axis, _, count = schedule.merged
    if compute.shape[axis] % count:
        return f"it merges {count} rows of {compute.shape[axis]}, which they do not divide"
    draft = merge(compute, *schedule.merged)
    found = next(misfits(draft, plan, reductions(draft)), None)
    draft.erase(safe_erase=False)
    return found


def misfits(compute: ComputeOp, plan: Plan, sums: list[ReduceOp]) -> Iterator[str]:
    """What is wrong on a compute whose rows are merged."""
    yield from wrong_axes(compute, plan.schedule)
    yield from wrong_lanes(compute, plan.schedule)
    for reduce, unroll in zip(sums, plan.unrolls, strict=True):
        if unroll:
            yield from wrong_unroll(compute, reduce, unroll)
    if (copies := unrolled_points(compute, plan, sums)) > LARGEST:
        yield f"its blocks have {copies} points that are compiled one by one, and may have {LARGEST}"


def wrong_axes(compute: ComputeOp, schedule: ScheduleAttr) -> Iterator[str]:
    order = [axis.data for axis in schedule.order]
    if len(set(order)) < len(order):
        yield f"its order {order} names an axis twice"
    for axis, (size, tile) in enumerate(zip(compute.shape, schedule.tile, strict=True)):
        if tile.data > size:
            yield f"its tile of axis {axis} is {tile.data}, and the axis has {size} points"
        if axis not in order and tile.data != size:
            yield f"its order leaves out axis {axis}, which then is whole: the tile must be {size}"


def wrong_lanes(compute: ComputeOp, schedule: ScheduleAttr) -> Iterator[str]:
    if schedule.vector is None:
        return
    axis, lanes = schedule.vector
    tile = schedule.tile.data[axis].data
    if lanes != LANES:
        yield f"it has vectors of {lanes} lanes, and there are those of {LANES}"
    elif tile % lanes:
        yield f"its tile of axis {axis} is {tile}, which is no number of vectors of {lanes}"
    elif is_wide(compute):
        yield "it has vectors, and the kernel computes with 64 bits, which have none"
    if schedule.masked and not may_mask(compute):
        yield "it is masked, and lanes beyond the end would decide what the kernel reads"


def wrong_unroll(compute: ComputeOp, reduce: ReduceOp, unroll: UnrollAttr) -> Iterator[str]:
    factors = [factor.data for factor in unroll.factors]
    if len(factors) != len(reduce.shape):
        yield f"it unrolls {len(factors)} axes of a reduction over {len(reduce.shape)}"
        return
    for size, factor in zip(reduce.shape, factors, strict=True):
        if factor > size:
            yield f"it unrolls {factor} steps of {size}"
    lanes = unroll.lanes.data
    if lanes not in (1, LANES):
        yield f"a reduction has vectors of {lanes} lanes, and there are those of {LANES}"
    elif factors[-1] % lanes:
        yield f"it unrolls {factors[-1]} steps, which is no number of vectors of {lanes}"
    elif lanes > 1 and is_wide(reduce):
        yield "a reduction has vectors, and computes with 64 bits, which have none"
    for points in unroll.points:
        axes = [a for a in compute.axes if depends_on(reduce.result, a)]
        dims = len(axes) + len(reduce.shape)
        if reduce.parent_op() is not compute:
            yield "it orders the points of a reduction inside another one"
        elif (points.data.num_dims, points.data.num_symbols, len(points.data.results)) != (dims, 0, 1):
            yield f"the key of its points must be one number, from {dims} places"


def unrolled_points(compute: ComputeOp, plan: Plan, sums: list[ReduceOp]) -> int:
    """Vectors of all copies of a block, times the steps that reductions unroll."""
    schedule = plan.schedule
    tile = [size.data for size in schedule.tile]
    lanes = schedule.vector[1] if schedule.vector else 1
    copies = prod(-(-compute.shape[a.data] // tile[a.data]) for a in schedule.expand)
    steps: dict[Operation | None, int] = {}
    for reduce, unroll in zip(sums, plan.unrolls, strict=True):
        factors = [factor.data for factor in unroll.factors] if unroll else []
        steps[reduce] = prod(factors) * steps.get(reduce.parent_op(), 1)
    return -(-prod(tile) // lanes) * copies * max(steps.values(), default=1)


def is_wide(op: Operation) -> bool:
    """Does it compute with 64 bits?"""
    return any(v.type in (f64, i64) for inner in op.walk() for v in (*inner.operands, *inner.results))
