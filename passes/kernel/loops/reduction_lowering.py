"""One `kernel.reduce` as loops: accumulators in registers, carried around the loops, for all points of a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import isqrt, prod

from xdsl.dialects import arith, math, scf, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, identity, is_float
from webdnn.dialects.kernel.indexing import TableOp
from webdnn.dialects.kernel.structure import ReduceOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.loops.block_lowering import BlockLowering, Point
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.passes.kernel.scheduling.vectors import extract
from webdnn.support.index import constant, symbol


def lower_reduction(block: BlockLowering, op: ReduceOp, point: Point) -> None:
    """Make the reduction's results known: at every point of the block, or at this one inside another reduction."""
    depends = block.axes_of(op.result)
    if op.parent_op() is block.compute or block.compute is None:
        points = block.points([a for a in (block.compute.axes if block.compute else ()) if a in depends])
    else:
        points = [point]
    for at, result in zip(points, Reduction(block, op, points).run(), strict=True):
        block.remember(op.result, at, result)


FLOATS: Mapping[ReduceKind, type[Operation]] = {
    ReduceKind.ADD: arith.AddfOp,
    ReduceKind.MUL: arith.MulfOp,
    ReduceKind.MAX: arith.MaximumfOp,
    ReduceKind.MIN: arith.MinimumfOp,
}
INTEGERS: Mapping[ReduceKind, type[Operation]] = {
    ReduceKind.ADD: arith.AddiOp,
    ReduceKind.MUL: arith.MuliOp,
    ReduceKind.MAX: arith.MaxSIOp,
    ReduceKind.MIN: arith.MinSIOp,
    ReduceKind.AND: arith.AndIOp,
    ReduceKind.OR: arith.OrIOp,
}


def combine(kind: ReduceKind, a: SSAValue, b: SSAValue, scalar: SSAValue) -> Operation:
    """Two partial results as one; `scalar` tells the element type."""
    combiner = (FLOATS if is_float(scalar) else INTEGERS)[kind]
    return combiner.create(operands=[a, b], result_types=[a.type])


LONGEST_SUM = 256
"""Elements that one accumulator adds up; more are added up in parts.

Neighbours in an image are often equal, and then additions round to the same side: a mean of 6400 elements, one after
another, was wrong by 9e-5 of itself.
"""

FEWEST = 8
"""Fewer elements make no part."""


def is_plain_sum(op: ReduceOp) -> bool:
    """Does it add up elements or squares? The order of products of two things is the schedule's alone."""
    source = op.yielded.owner
    product = isinstance(source, arith.MulfOp) and source.lhs is not source.rhs
    return op.kind.data is ReduceKind.ADD and is_float(op.init) and not product


def part_of(trips: int) -> int:
    """How many trips make a part: about the root of their number, one that divides it if there is any."""
    root = isqrt(trips)
    return max((d for d in range(root // 4, root + 1) if trips % d == 0), default=root)


Trip = Callable[[Sequence[SSAValue]], list[SSAValue]]
"""What a loop does with accumulators."""


@dataclass(frozen=True)
class Span:
    """The part of each reduction axis that a pass over the reduction covers, and how it steps."""

    begin: tuple[int, ...]
    size: tuple[int, ...]
    step: tuple[int, ...]


class Reduction:
    """A reduction at several points of the block, which share its loops."""

    def __init__(self, block: BlockLowering, op: ReduceOp, points: Sequence[Point]) -> None:
        self.block, self.op, self.points = block, op, points
        unroll = op.unroll
        self.factors = [f.data for f in unroll.factors] if unroll else [1] * len(op.shape)
        self.lanes = unroll.lanes.data if unroll else 1
        self.key: AffineMap | None = unroll.points.data[0].data if unroll and unroll.points.data else None
        self.span = Span((0,) * len(op.shape), op.shape, (1,) * len(op.shape))
        self.in_parts = is_plain_sum(op) and prod(op.shape) > LONGEST_SUM * self.lanes

    def run(self) -> list[SSAValue]:
        """The result at each point, in the scope being written."""
        block, op = self.block, self.op
        if self.lanes > 1 and op.shape[-1] >= self.lanes and not block.has_lanes(op.result):
            return self.run_across_lanes()
        width = block.lanes if block.has_lanes(op.result) else 1
        return self.nest(0, {}, [block.wide(op.init, p, width) for p in self.points])

    def run_across_lanes(self) -> list[SSAValue]:
        """Partial results per lane and unrolled step, combined once; then the elements that fill no vector."""
        block, op, lanes = self.block, self.op, self.lanes
        *outer, last = op.shape
        whole = last - last % lanes
        copies = max(1, min(self.factors[-1], whole) // lanes)
        self.factors[-1] = copies * lanes
        self.span = Span(self.span.begin, (*outer, whole), (*self.span.step[:-1], lanes))
        unit = body_constant(op)
        saved, block.lane_axis, block.lanes = (block.lane_axis, block.lanes), op.axes[-1], lanes
        start = block.constant(unit, lanes)
        found = self.nest(0, {}, [start] * (len(self.points) * copies))
        block.lane_axis, block.lanes = saved
        totals = [self.combined(point, found[i * copies : (i + 1) * copies]) for i, point in enumerate(self.points)]
        if whole == last:
            return totals
        self.span = Span((*self.span.begin[:-1], whole), (*outer, last - whole), (1,) * len(op.shape))
        self.factors[-1] = last - whole
        return self.nest(0, {}, totals)

    def combined(self, point: Point, parts: Sequence[SSAValue]) -> SSAValue:
        block, op = self.block, self.op
        total = parts[0]
        for part in parts[1:]:
            total = block.emit(combine(op.kind.data, total, part, op.init))
        value = block.value(op.init, point)
        for lane in range(self.lanes):
            value = block.emit(combine(op.kind.data, value, block.emit(extract(total, lane)), op.init))
        return value

    def nest(self, at: int, fixed: Point, accs: Sequence[SSAValue]) -> list[SSAValue]:
        """Loops over the axes from `at` on, in order; an axis unrolled whole has none."""
        axes, span = self.op.axes, self.span
        remaining = range(at, len(axes))
        if all(self.factors[i] >= span.size[i] for i in remaining):
            steps = [range(span.begin[i], span.begin[i] + span.size[i], span.step[i]) for i in remaining]
            return self.leaf([{**fixed, **dict(zip(axes[at:], p, strict=True))} for p in product(*steps)], accs)
        axis, begin, size, factor = axes[at], span.begin[at], span.size[at], self.factors[at]
        result = list(accs)
        if factor < size:
            trips = size // factor
            result = self.loop(at, factor, trips, fixed, result)
            begin, size = begin + trips * factor, size - trips * factor
        if at == len(axes) - 1:
            rest = [{**fixed, axis: v} for v in range(begin, begin + size, span.step[at])]
            return self.leaf(rest, result) if rest else result
        for value in range(begin, begin + size, span.step[at]):
            result = self.nest(at + 1, {**fixed, axis: value}, result)
        return result

    def loop(self, at: int, factor: int, trips: int, fixed: Point, accs: Sequence[SSAValue]) -> list[SSAValue]:
        axis, begin = self.op.axes[at], self.span.begin[at]
        if trips == 1:
            return self.inside(at, factor, {**fixed}, accs, begin)
        trip: Trip = partial(self.inside, at, factor, fixed, begin=begin)
        if not self.in_parts or trips <= LONGEST_SUM:
            return self.repeat(axis, 0, trips, factor, accs, trip)
        part = part_of(trips)
        rest = trips % part

        def add_part(accs: Sequence[SSAValue]) -> list[SSAValue]:
            return self.afresh(accs, lambda zeros: self.repeat(axis, 0, part, factor, zeros, trip))

        result = self.repeat(axis, 0, trips // part, factor * part, accs, add_part)
        return self.repeat(axis, (trips - rest) * factor, rest, factor, result, trip) if rest else result

    def repeat(
        self, axis: SSAValue, begin: int, trips: int, step: int, accs: Sequence[SSAValue], trip: Trip
    ) -> list[SSAValue]:
        """A loop that carries accumulators, each trip of it `step` places further along the axis."""
        block = self.block
        low, high, one = (index_constant(v) for v in (0, trips, 1))
        body = Block(arg_types=[INDEX, *(a.type for a in accs)])
        body.args[0].name_hint = (axis.name_hint or "k") + "o"
        loop = scf.ForOp(low, high, one, accs, Region(body))
        with block.loop_scope(axis, block.base.get(axis, constant(0)) + symbol(body.args[0]) * step + begin) as scope:
            inner = trip(body.args[1:])
        body.add_ops([*scope.ops, scf.YieldOp(*inner)])
        block.scopes[-1].ops += [low, high, one, loop]
        return list(loop.results)

    def afresh(self, accs: Sequence[SSAValue], sums: Trip) -> list[SSAValue]:
        """Sums that start from zero, then are added to what there is."""
        block, op = self.block, self.op
        zero = body_constant(op)
        zeros = [block.constant(zero, acc.type.get_shape()[0] if is_vector(acc.type) else 1) for acc in accs]
        parts = sums(zeros)
        return [block.emit(combine(op.kind.data, *pair, op.init)) for pair in zip(accs, parts, strict=True)]

    def inside(self, at: int, factor: int, fixed: Point, accs: Sequence[SSAValue], begin: int) -> list[SSAValue]:
        """One trip: `factor` points of the axis, and the axes after it at each."""
        axis = self.op.axes[at]
        local = range(begin, begin + factor, self.span.step[at])
        if at == len(self.op.axes) - 1:
            return self.leaf([{**fixed, axis: v} for v in local], accs)
        result = list(accs)
        apart = self.in_parts and prod(self.span.size[at + 1 :]) >= FEWEST
        for value in local:
            row: Trip = partial(self.nest, at + 1, {**fixed, axis: value})
            result = self.afresh(result, row) if apart else row(result)
        return result

    def leaf(self, local: Sequence[Point], accs: Sequence[SSAValue]) -> list[SSAValue]:
        """Every unrolled step at every point of the block, in the order that the schedule's key gives."""
        result = list(accs)
        copies = len(result) // len(self.points)
        work = [(i, n, p, q) for n, q in enumerate(local) for i, p in enumerate(self.points)]
        if (key := self.key) is not None:
            work.sort(key=lambda w: key.eval([*w[2].values(), *w[3].values()], []))
        for i, n, p, q in work:
            at = i * copies + n % copies
            result[at] = self.accumulate(result[at], {**p, **q})
        return result

    def accumulate(self, acc: SSAValue, point: Point) -> SSAValue:
        block, yielded = self.block, self.op.yielded
        lanes = acc.type.get_shape()[0] if is_vector(acc.type) else 1
        source = yielded.owner
        if self.op.kind.data is ReduceKind.ADD and isinstance(source, arith.MulfOp):
            if (scaled := self.accumulate_scaled(acc, source, point, lanes)) is not None:
                return scaled
            a, b = (block.wide(v, point, lanes) for v in source.operands)
            fused = vector.FMAOp if lanes > 1 else math.FmaOp
            return block.emit(fused.create(operands=[a, b, acc], result_types=[acc.type]))
        element = block.wide(yielded, point, lanes)
        return block.emit(combine(self.op.kind.data, acc, element, self.op.init))

    def accumulate_scaled(self, acc: SSAValue, product: arith.MulfOp, point: Point, lanes: int) -> SSAValue | None:
        """A product with a known coefficient of 0, 1 or -1 needs no multiplication; the first one no addition."""
        block = self.block
        for table, other in (product.operands, reversed(product.operands)):
            known = block.element(table.owner, point) if isinstance(table.owner, TableOp) else None
            if known is None:
                continue
            assert isinstance(known.value, FloatAttr)
            coefficient, first = known.value.value.data, is_zero(acc)
            if coefficient == 0:
                return acc
            value = block.wide(other, point, lanes)
            if coefficient == 1:
                return value if first else block.emit(arith.AddfOp(acc, value))
            if coefficient == -1 and not first:
                return block.emit(arith.SubfOp(acc, value))
            return block.emit(arith.MulfOp(value, block.constant(known, lanes))) if first else None
        return None


def is_zero(value: SSAValue) -> bool:
    """Is it the constant 0 that sums start from?"""
    owner = value.owner
    if not isinstance(owner, arith.ConstantOp):
        return False
    if isinstance(owner.value, DenseIntOrFPElementsAttr):
        return not any(owner.value.get_values())
    return isinstance(owner.value, FloatAttr) and owner.value.value.data == 0


def body_constant(op: ReduceOp) -> arith.ConstantOp:
    """The identity of a reduction as a constant."""
    body = Body()
    body.constant(identity(op.kind.data, op.init.type), op.init.type)
    (constant,) = body.ops
    assert isinstance(constant, arith.ConstantOp)
    return constant
