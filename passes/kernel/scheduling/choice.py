"""The plan of one compute: its kind and traits, the block that is picked for them, and the schedule that this gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from webdnn.dialects.kernel.attributes import MergedRows, ScheduleAttr
from webdnn.dialects.kernel.clone import clone_compute, identity_axes
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.scheduling.coefficients import tables, unroll_tables
from webdnn.passes.kernel.scheduling.lane_analysis import lane_axis
from webdnn.passes.kernel.scheduling.lanes import columns, may_mask, share_places, unroll
from webdnn.passes.kernel.scheduling.merge_rows import merge
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.product import SHORT, ProductChoice, merged_rows, product_traits
from webdnn.passes.kernel.scheduling.products import Product
from webdnn.passes.kernel.scheduling.reduction import block_dots, reduce_across_lanes, reduction_traits
from webdnn.passes.kernel.scheduling.window import block_window, is_window, window_traits
from webdnn.support.scheduling.blocks import (
    Block,
    DotBlock,
    MapBlock,
    ProductBlock,
    ReductionBlock,
    SumsBlock,
    Traits,
    VectorBlock,
    WindowBlock,
)

Pick = Callable[[Traits], Block]
"""The block for a kernel of some traits."""


def traits_of(compute: ComputeOp, lanes: int = 4) -> Traits | None:
    """What the choice for a compute depends on; None where there is none, since coefficients are always unrolled."""
    lane, sums = lane_axis(compute, lanes), sums_of(compute)
    if lane is None:
        return reduction_traits(compute, sums, lanes) if sums else Traits("map", {"points": 0})
    if tables(compute):
        return None
    if not sums:
        return Traits("map", {"points": prod(compute.shape)})
    if product := Product.of(compute, lanes):
        return product_traits(compute, product)
    if is_window(compute, lane):
        return window_traits(compute, sums[0], lane)
    return Traits("sums", {"reductions": len(sums)})


def choose(compute: ComputeOp, pick: Pick, lanes: int = 4) -> Plan:
    """The plan of a compute, which stays as it is."""
    traits = traits_of(compute, lanes)
    block = pick(traits) if traits else None
    merged: MergedRows | None = None
    if isinstance(block, ProductBlock) and block.merged and (product := Product.of(compute, lanes)):
        merged = merged_rows(compute, product, block.rows)
    draft = merge(compute, *merged) if merged else clone_compute(compute, compute.shape, identity_axes(compute))
    draft.schedule = Choice(draft, lanes, merged).schedule(block)
    plan = Plan.of(draft)
    draft.erase(safe_erase=False)
    assert plan is not None
    return plan


@dataclass(frozen=True)
class Choice:
    """The schedule of a compute whose rows are merged already; reductions get theirs on the way."""

    compute: ComputeOp
    lanes: int
    merged: MergedRows | None

    def schedule(self, block: Block | None) -> ScheduleAttr:
        compute, lanes = self.compute, self.lanes
        lane = lane_axis(compute, lanes)
        if block is None:
            assert lane is not None
            return unroll_tables(compute, lane, lanes)
        tile, order, copied = [1] * len(compute.shape), list[int](), list[int]()
        if isinstance(block, ProductBlock | VectorBlock):
            product = Product.of(compute, lanes)
            assert product is not None
            choice = ProductChoice(compute, product, lanes, tile)
            vector = isinstance(block, VectorBlock)
            order = list(choice.block_vector(block) if vector else choice.block_product(block))
            copied = choice.copied()
        else:
            self.block_others(block, lane, tile)
            if lane is None:
                share_places(compute, tile)
        return ScheduleAttr.of(
            tile,
            order=order or None,
            expand=copied,
            vector=None if lane is None else (lane, lanes),
            masked=lane is not None and compute.shape[lane] % lanes > 0 and may_mask(compute),
            merged=self.merged,
        )

    def block_others(self, block: Block, lane: int | None, tile: list[int]) -> None:
        """What is no product; `tile` is filled in."""
        compute, sums = self.compute, sums_of(self.compute)
        match block:
            case WindowBlock() if lane is not None:
                block_window(compute, sums[0], lane, self.lanes, tile, block)
            case MapBlock() | SumsBlock() if lane is not None:
                tile[lane] = columns(compute, lane, block.vectors, self.lanes)
                for reduce in sums:
                    unroll(reduce, block.unroll if isinstance(block, SumsBlock) else 1, SHORT)
            case DotBlock():
                block_dots(compute, sums[0], self.lanes, tile, block)
            case ReductionBlock():
                reduce_across_lanes(sums, self.lanes, block)
            case _:
                assert not sums, f"{block} is none for this kernel"


def sums_of(compute: ComputeOp) -> list[ReduceOp]:
    """The outermost reductions of a compute."""
    return [o for o in compute.body.block.ops if isinstance(o, ReduceOp)]
