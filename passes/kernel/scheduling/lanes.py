"""Lanes of a compute: how far a block goes along them, and where vectors may go beyond the end."""

from __future__ import annotations

from xdsl.dialects.builtin import f32, i1
from xdsl.ir import Operation

from webdnn.dialects.kernel.attributes import UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.scheduling.lane_analysis import accesses, depends_on

SHARING = (6, 5, 4, 3)
"""How many points may share what is computed for all of them: the first that divides an axis, or else the last"""


def columns(compute: ComputeOp, lane: int, vectors: int, lanes: int) -> int:
    """Elements of a block along the lane axis: whole vectors, as many as there are."""
    return min(vectors, compute.shape[lane] // lanes) * lanes


def may_mask(compute: ComputeOp) -> bool:
    """May a vector hold lanes beyond the end, whose values mean nothing? Not where they decide what is read."""
    body = [op for op in compute.walk() if op is not compute]
    scalar = all(v.type in (f32, i1, INDEX) for op in body for v in op.results)
    return scalar and not any(isinstance(o.owner, Operation) for a in accesses(compute) for o in a.index_operands)


def unroll(reduce: ReduceOp, steps: int, small: int) -> None:
    """A few steps of the innermost axis in one trip, as many as divide it, or all of a short one."""
    size = reduce.shape[-1]
    tried = (steps, 2, 3) if steps > 1 else ()
    factor = size if size <= small else next((f for f in tried if size % f == 0), 1)
    reduce.unroll = UnrollAttr.of([*[1] * (len(reduce.shape) - 1), factor])


def share_places(compute: ComputeOp, tile: list[int]) -> None:
    """Where places are computed, let some points that read from the same ones stand in a block; `tile` is filled in."""
    places = [v for a in accesses(compute) for v in a.index_operands if isinstance(v.owner, Operation)]
    for i, (axis, size) in enumerate(zip(compute.axes, compute.shape, strict=True)):
        if places and size > 1 and not any(depends_on(place, axis) for place in places):
            tile[i] = next((n for n in SHARING if size % n == 0), min(size, SHARING[-1]))
            return
