"""One `kernel.fold` as a loop whose values stay in registers, for all points of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import scf
from xdsl.ir import Block, Region, SSAValue

from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.loops.block_lowering import BlockLowering, Point
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.support.index import symbol


@dataclass(frozen=True)
class Accumulator:
    """One carried value at one point of the block; points that share it have it once."""

    number: int
    point: Point
    lanes: int


def accumulators(block: BlockLowering, op: FoldOp, point: Point) -> list[Accumulator]:
    """Every carried value at every point along its own axes, or at this one inside other steps."""
    whole = op.parent_op() is block.compute or block.compute is None
    found: list[Accumulator] = []
    for i, result in enumerate(op.res):
        lanes = block.lanes if block.has_lanes(result) else 1
        axes = [a for a in (block.compute.axes if block.compute else ()) if a in block.axes_of(result)]
        found += [Accumulator(i, p, lanes) for p in (block.points(axes) if whole else [point])]
    return found


def lower_fold(block: BlockLowering, op: FoldOp, point: Point) -> None:
    """Make the fold's results known: at every point of the block, or at this one inside other steps."""
    places = accumulators(block, op, point)
    values = [block.wide(op.inits[a.number], a.point, a.lanes) for a in places]
    results = step(block, op, places, values) if op.shape == (1,) else loop(block, op, places, values)
    for place, value in zip(places, results, strict=True):
        block.remember(op.res[place.number], place.point, value)


def loop(block: BlockLowering, op: FoldOp, places: Sequence[Accumulator], values: Sequence[SSAValue]) -> list[SSAValue]:
    """A loop over the steps."""
    (axis,) = op.axes
    low, high, by = (index_constant(v) for v in (0, op.shape[0], 1))
    body = Block(arg_types=[INDEX, *(v.type for v in values)])
    body.args[0].name_hint = axis.name_hint
    loop = scf.ForOp(low, high, by, values, Region(body))
    with block.loop_scope(axis, symbol(body.args[0])) as scope:
        following = step(block, op, places, body.args[1:])
    body.add_ops([*scope.ops, scf.YieldOp(*following)])
    block.scopes[-1].ops += [low, high, by, loop]
    return list(loop.results)


def step(block: BlockLowering, op: FoldOp, places: Sequence[Accumulator], values: Sequence[SSAValue]) -> list[SSAValue]:
    """One step: what each carried value becomes, of what they are."""
    (axis,) = op.axes
    for place, value in zip(places, values, strict=True):
        block.remember(op.carried[place.number], {**place.point, axis: 0}, value)
    return [block.wide(op.nexts[a.number], {**a.point, axis: 0}, a.lanes) for a in places]
