"""Sums of products whose results have lanes: matrix products, convolutions, and all that runs in their blocks."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.lane_analysis import PRODUCTS, depends_on, lane_axis, streams


@dataclass(frozen=True)
class Product:
    """A sum of products: the factor that changes along the lane axis is `streamed`, the other one `fixed`.

    Along `rows`, other axes of the compute, only the fixed factor changes, so that a block of them shares what streams.
    """

    reduce: ReduceOp
    lane: int
    streamed: SSAValue
    fixed: SSAValue
    rows: tuple[int, ...]

    @classmethod
    def of(cls, compute: ComputeOp, lanes: int = 4) -> Product | None:
        """The first sum of products of a compute; None where it has none, or no lanes."""
        lane = lane_axis(compute, lanes)
        if lane is None:
            return None
        axes = compute.axes
        for reduce in compute.body.block.ops:
            if not isinstance(reduce, ReduceOp) or reduce.kind.data is not ReduceKind.ADD:
                continue
            if not isinstance(reduce.yielded.owner, PRODUCTS) or not streams(reduce, axes[lane]):
                continue
            a, b = reduce.yielded.owner.operands
            streamed, fixed = (a, b) if depends_on(a, axes[lane]) else (b, a)
            rows = [
                i
                for i, size in enumerate(compute.shape)
                if size > 1 and i != lane and not depends_on(streamed, axes[i]) and depends_on(fixed, axes[i])
            ]
            return cls(reduce, lane, streamed, fixed, tuple(rows))
        return None
