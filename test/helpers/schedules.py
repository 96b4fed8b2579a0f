"""Random schedules for kernels: any merged rows, tiles, orders, lanes and unrolling that are legal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import ModuleOp, f64, i64
from xdsl.ir import Operation

from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.passes.kernel.scheduling.merge_rows import merge
from webdnn.tools.context import new_context
from webdnn.tools.textual import parse_text

LANES = 4
Below = Callable[[int], int]
"""A number from 0 to below the given one"""


def scheduled(module: ModuleOp, below: Below) -> None:
    """Give every compute of a module a schedule, and most reductions unrolling."""
    for op in list(module.walk()):
        if isinstance(op, ComputeOp):
            op.schedule = merging_schedule(op, below)
        elif isinstance(op, ReduceOp) and below(4):
            op.unroll = unroll(op, below)


def has_lanes(op: Operation) -> bool:
    """Do all values inside fit four to a vector?"""
    return not any(v.type in (f64, i64) for o in op.walk() for v in (*o.operands, *o.results))


def merging_schedule(op: ComputeOp, below: Below) -> ScheduleAttr:
    """A schedule that merges rows, now and then."""
    at = below(max(1, len(op.shape) - 1))
    counts = [n for n in range(2, op.shape[at] + 1) if op.shape[at] % n == 0] if len(op.shape) > 1 else []
    if not counts or below(3):
        return schedule(op, below)
    merged = at, at + 1 + below(len(op.shape) - at - 1), counts[below(len(counts))]
    draft = merge(op, *merged)
    found = schedule(draft, below)
    draft.erase(safe_erase=False)
    return found.merging(merged)


def schedule(op: ComputeOp, below: Below) -> ScheduleAttr:
    """Axes left out of the order stay whole, so only short ones are."""
    tile = [1 + below(min(size, 9)) for size in op.shape]
    order = shuffled([i for i, size in enumerate(op.shape) if size > 6 or below(4)], below)
    for axis in set(range(len(tile))) - set(order):
        tile[axis] = op.shape[axis]
    wide = [i for i in order if op.shape[i] >= LANES]
    vector: tuple[int, int] | None = None
    if wide and has_lanes(op) and below(4):
        axis = wide[below(len(wide))]
        tile[axis] = LANES * (1 + below(max(1, min(op.shape[axis] // LANES, 3))))
        vector = axis, LANES
    expand = [i for i in order if not below(5) and op.shape[i] <= 9]
    return ScheduleAttr.of(tile, order=order, expand=expand, vector=vector)


def shuffled(items: Sequence[int], below: Below) -> list[int]:
    left, found = list(items), list[int]()
    while left:
        found.append(left.pop(below(len(left))))
    return found


def compute_in(text: str) -> ComputeOp:
    """The compute of the one kernel of a text."""
    (function,) = parse_text(new_context(), text, "kernel").body.block.ops
    assert isinstance(function, FuncOp)
    (compute,) = [op for op in function.body.block.ops if isinstance(op, ComputeOp)]
    return compute


def unroll(op: ReduceOp, below: Below) -> UnrollAttr:
    factors = [1 + below(min(size, 5)) for size in op.shape]
    lanes = LANES if op.shape[-1] >= LANES and has_lanes(op) and below(2) else 1
    if lanes > 1:
        factors[-1] = lanes * (1 + below(min(op.shape[-1] // LANES, 3)))
    return UnrollAttr.of(factors, lanes=lanes)
