"""Windows, as of depthwise convolution and pooling: blocks of two dimensions in the order of what they read."""

from __future__ import annotations

from math import prod

from xdsl.ir.affine import AffineExpr, AffineMap

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.lane_analysis import PRODUCTS, depends_on
from webdnn.passes.kernel.scheduling.lanes import columns
from webdnn.support.scheduling.blocks import Traits, WindowBlock

SMALL = 32
"""Windows of at most so many points are unrolled whole."""


def is_window(compute: ComputeOp, lane: int) -> bool:
    """Is it one small reduction at points of a map?"""
    sums = [o for o in compute.body.block.ops if isinstance(o, ReduceOp)]
    return len(sums) == 1 and prod(sums[0].shape) <= SMALL and spatial(compute, sums[0], lane) != []


def spatial(compute: ComputeOp, reduce: ReduceOp, lane: int) -> list[int]:
    """The axes along which windows slide: everything but the lanes that some factor depends on."""
    inner = [o for o in reduce.walk() if isinstance(o, ReadOp)]
    return [
        i
        for i, size in enumerate(compute.shape)
        if size > 1 and i != lane and any(depends_on(r.result, compute.axes[i]) for r in inner)
    ]


def window_traits(compute: ComputeOp, reduce: ReduceOp, lane: int) -> Traits:
    """Whether it multiplies, how far windows lie apart, the points of the map and of a window."""
    axes = spatial(compute, reduce, lane)
    numbers = {
        "multiplies": int(isinstance(reduce.yielded.owner, PRODUCTS)),
        "stride": stride(compute, reduce, axes[-1]),
        "points": prod(compute.shape[i] for i in axes),
        "taps": prod(reduce.shape),
    }
    return Traits("window", numbers)


def stride(compute: ComputeOp, reduce: ReduceOp, axis: int) -> int:
    """How many inputs lie from one window to the next along an axis; 1 where that is no whole number."""
    found = [
        along // within
        for read in reduce.walk()
        if isinstance(read, ReadOp) and (along := read.exprs[-1].coefficient(compute.axes[axis]))
        for step in reduce.axes
        if (within := read.exprs[-1].coefficient(step)) and along % within == 0 and along >= within > 0
    ]
    return min(found, default=1)


def block_window(
    compute: ComputeOp, reduce: ReduceOp, lane: int, lanes: int, tile: list[int], block: WindowBlock
) -> None:
    """Height x width x vectors of results, as far as there are; the whole window in one trip."""
    axes = spatial(compute, reduce, lane)
    for i, most in zip(reversed(axes), (block.width, block.height), strict=False):
        tile[i] = min(compute.shape[i], most)
    tile[lane] = columns(compute, lane, block.vectors, lanes)
    points = read_order(compute, reduce, lane) if block.ordered else None
    reduce.unroll = UnrollAttr.of(list(reduce.shape), points=points)


def read_order(compute: ComputeOp, reduce: ReduceOp, lane: int) -> AffineMap | None:
    """A key over (the compute's axes that the sum depends on, the sum's axes): where the window's input lies."""
    used = [a for a in compute.axes if depends_on(reduce.result, a)]
    axes = [*used, *reduce.axes]
    slid = {compute.axes[i] for i in spatial(compute, reduce, lane)}
    for read in (o for o in reduce.walk() if isinstance(o, ReadOp)):
        (expr,) = read.exprs
        strides = [expr.coefficient(a) for a in axes]
        if not slid <= expr.symbols or any(s is None for s in strides):
            continue
        key = AffineExpr.constant(0)
        for i, by in enumerate(strides):
            key = key + AffineExpr.dimension(i) * (by or 0)
        return AffineMap(len(axes), 0, (key,))
    return None
