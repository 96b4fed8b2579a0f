"""`kernel-map-points`: every point of a kernel is an invocation of its own, or a few neighbours are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type, layer_elements
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.clone import clone_compute
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp, ReduceOp, YieldOp
from webdnn.passes.kernel.fusion.inlining import points_of
from webdnn.passes.kernel.fusion.invocation_cost import LANES, neighbours
from webdnn.passes.kernel.scheduling.products import Product
from webdnn.support.device import BUSY
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index, constant, delinearize, symbol

UNROLL = 4
"""Steps of a reduction in one trip: the loads of four neighbours become one."""


def unroll(compute: ComputeOp) -> None:
    """Unroll the last axis of every reduction that has no factors yet."""
    for op in compute.walk():
        if isinstance(op, ReduceOp) and op.unroll is None:
            factor = min(UNROLL, op.shape[-1])
            op.unroll = UnrollAttr.of([*[1] * (len(op.shape) - 1), factor])


def has_lanes(compute: ComputeOp, lanes: int) -> bool:
    """Has the last axis whole groups of so many points that are stored side by side?"""
    if not compute.shape or compute.shape[-1] % lanes:
        return False
    axis = compute.axes[-1]
    writes = [op for op in compute.body.block.ops if isinstance(op, WriteOp)]
    return all(op.exprs[0].coefficient(axis) == 1 for op in writes)


def map_points(compute: ComputeOp, lanes: int, most: int, rows: int, busy: int) -> None:
    """Axes become digits of one linear number: the neighbours of an invocation times it, plus one; or row blocks do."""
    if order := reading_order(compute, lanes):
        substitute_points(compute, order, lanes, lanes, prod(compute.shape) // lanes)
        return
    lanes = lanes if has_lanes(compute, lanes) else 1
    blocks = row_blocks(compute, lanes, rows, busy)
    if blocks:
        unroll(compute)
        map_rows(compute, lanes, blocks)
        return
    points = neighbours(compute, most) if lanes == LANES else lanes
    substitute_points(compute, list(range(len(compute.shape))), lanes, points, prod(compute.shape) // points)


# What is read as it lies.


def reading_order(compute: ComputeOp, lanes: int) -> list[int] | None:
    """The axes as what is read most often lies in memory, if lanes along it halve what an invocation loads and stores.

    None where it is as well to write the result as it lies.
    """
    reads = [op for op in compute.walk() if isinstance(op, ReadOp)]
    if lanes == 1 or not reads or not has_lanes(compute, lanes) or Product.of(compute, lanes):
        return None
    costs = {axis: accesses(compute, axis, lanes) for axis, n in enumerate(compute.shape) if n % lanes == 0}
    best = min(costs, key=lambda axis: costs[axis])
    if 2 * costs[best] > costs[len(compute.shape) - 1]:
        return None
    index = max(reads, key=points_of).exprs[-1]
    strides = [abs(index.coefficient(axis) or 0) for axis in compute.axes]
    return sorted(range(len(strides)), key=lambda axis: (axis == best, -strides[axis], axis))


def accesses(compute: ComputeOp, axis: int, lanes: int) -> float:
    """Loads and stores where lanes lie along an axis: one for all lanes at neighbours, or at one place."""
    found = 0.0
    for op in compute.walk():
        if isinstance(op, ReadOp | WriteOp):
            *outer, last = (index.coefficient(compute.axes[axis]) for index in op.exprs)
            together = last in (0, 1) and all(step == 0 for step in outer)
            found += points_of(op) / (lanes if together else 1)
    return found


# Blocks of rows.


@dataclass(frozen=True)
class RowBlocks:
    """Rows of a product along one axis of `extent`, in blocks of `size`; the last one may be smaller."""

    axis: int
    extent: int
    size: int

    @property
    def count(self) -> int:
        return -(-self.extent // self.size)

    @property
    def rest(self) -> int:
        """The rows of a last block that is not whole."""
        return self.extent % self.size


def row_blocks(compute: ComputeOp, lanes: int, most: int, busy: int) -> RowBlocks | None:
    """The blocks of up to `most` rows that share what streams, if that leaves `busy` invocations."""
    product = Product.of(compute, lanes) if lanes > 1 and most > 1 else None
    if product is None or product.lane != len(compute.shape) - 1:
        return None
    points = prod(compute.shape) // lanes
    found = [
        RowBlocks(axis, compute.shape[axis], size)
        for axis in product.rows
        for size in range(2, min(most, compute.shape[axis]) + 1)
    ]
    found = [b for b in found if points // b.extent * b.count >= busy]
    # Fewest loads: a trip reads its rows and what streams once.
    return min(found, key=lambda b: (b.count * (lanes + b.size) / b.extent, b.rest > 0, -b.axis), default=None)


def map_rows(compute: ComputeOp, lanes: int, blocks: RowBlocks) -> None:
    """compute (…, rows, …, columns) -> id; compute (row, lane): a branch for the last rows where they are fewer."""
    extents = [blocks.count if i == blocks.axis else n for i, n in enumerate(compute.shape)]
    extents[-1] //= lanes
    invocation = IdOp(prod(extents))
    digits = delinearize(symbol(invocation.result), extents, range_of)
    number, whole = digits[blocks.axis], blocks.extent // blocks.size
    made: list[Operation] = [invocation]
    if not blocks.rest:
        made.append(block_of_rows(compute, lanes, blocks.axis, digits, blocks.size, number * blocks.size))
    else:
        inside = InsideOp([number], [whole])
        here, last = (
            Region(Block([block_of_rows(compute, lanes, blocks.axis, digits, size, first), scf.YieldOp()]))
            for size, first in ((blocks.size, number * blocks.size), (blocks.rest, constant(whole * blocks.size)))
        )
        made += [inside, scf.IfOp(inside.result, [], here, last)]
    Rewriter.replace_op(compute, made, [])


def block_of_rows(
    compute: ComputeOp, lanes: int, axis: int, digits: Sequence[Index], rows: int, first: Index
) -> ComputeOp:
    """`rows` from the `first` one on, at `lanes` columns; other axes are where the digits say."""
    old = compute.axes

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        row, lane = axes
        places = {old[i]: digit for i, digit in enumerate(digits)}
        return places | {old[axis]: first + symbol(row), old[-1]: digits[-1] * lanes + symbol(lane)}

    schedule = ScheduleAttr.of([rows, lanes], vector=(1, lanes))
    block = clone_compute(compute, [rows, lanes], to_index, schedule=schedule)
    for value, name in zip(block.axes, ("row", "lane"), strict=True):
        value.name_hint = name
    return block


# Texels.


def map_texels(compute: ComputeOp, lanes: int, *, layers: bool) -> None:
    """The invocation is the texel that is written: axes become digits of the position in the result.

    With `layers` it is the texel at one place of each layer, if the result has layers.
    """
    compute = compute if compute.shape else with_axis(compute)
    writes = [op for op in compute.body.block.ops if isinstance(op, WriteOp)]
    if len(writes) != 1:
        fail(compute, f"writes {len(writes)} elements at a point, expected 1", hint="run 'kernel-split-outputs' first")
    (index,) = writes[0].exprs
    (count,) = buffer_type(writes[0].target).get_shape()
    order = storage_order(compute, index)
    if order is None or prod(compute.shape) != count:
        fail(
            compute,
            f"writes {prod(compute.shape)} of {count} elements in a pattern that texels cannot follow",
            hint="a texture is written whole by one kernel: run 'kernel-expand-concat' before buffers are assigned",
        )
    layer = layer_elements(writes[0].target)
    if layers and layer is not None:
        map_layers(compute, order, lanes, layer)
    else:
        substitute_points(compute, order, lanes, lanes, -(-count // lanes))


def map_layers(compute: ComputeOp, order: Sequence[int], lanes: int, layer: int) -> None:
    """compute (row, b, …) -> id; compute (layer, lane): row of each layer, b, … are the digits of lanes * id + lane.

    The last layer may hold fewer rows: what is computed for others there, nobody reads.
    """
    unroll(compute)
    old = compute.axes
    outermost, *inner = [i for i in order if compute.shape[i] > 1]
    extents = [layer // prod(compute.shape[i] for i in inner), *(compute.shape[i] for i in inner)]
    invocation = IdOp(layer // lanes)
    count = -(-compute.shape[outermost] // extents[0])

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        number, lane = map(symbol, axes)
        row, *rest = delinearize(symbol(invocation.result) * lanes + lane, extents, range_of)
        places = dict(zip((outermost, *inner), (row + number * extents[0], *rest), strict=True))
        return {axis: places.get(i, constant(0)) for i, axis in enumerate(old)}

    block = clone_compute(
        compute, [count, lanes], to_index, schedule=ScheduleAttr.of([count, lanes], vector=(1, lanes))
    )
    for axis, name in zip(block.axes, ("layer", "lane"), strict=True):
        axis.name_hint = name
    Rewriter.replace_op(compute, [invocation, block], [])


def with_axis(compute: ComputeOp) -> ComputeOp:
    """compute () { write v, y[0] } -> compute (i = 1) { write v, y[i] }, so that the lanes of a texel have an axis."""
    new = clone_compute(compute, [1], lambda axes: {})
    for op in new.body.block.ops:
        if isinstance(op, WriteOp):
            Rewriter.replace_op(op, WriteOp(op.value, op.target, [symbol(new.axes[0])]))
    Rewriter.replace_op(compute, new)
    return new


def storage_order(compute: ComputeOp, index: Index) -> list[int] | None:
    """The axes by their strides in the result, if they fill it without gaps."""
    strides = [index.coefficient(axis) for axis in compute.axes]
    order = sorted(range(len(strides)), key=lambda i: (-(strides[i] or 0), i))
    expected = 1
    for i in reversed(order):
        if compute.shape[i] > 1 and strides[i] != expected:
            return None
        expected *= compute.shape[i]
    return order if index.constant == 0 else None


def substitute_points(compute: ComputeOp, order: Sequence[int], lanes: int, points: int, count: int) -> None:
    """compute (a, b, …) -> id; compute (lane) with a, b, … the digits of points * id + lane, in the given order."""
    unroll(compute)
    invocation = IdOp(count)
    old, extents = compute.axes, [compute.shape[i] for i in order]
    schedule = ScheduleAttr.of([points], vector=(0, lanes)) if lanes > 1 else ScheduleAttr.of([])

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        position = symbol(invocation.result) * points
        for lane in axes:
            position = position + symbol(lane)
        # The last texel may be filled in part: what its other lanes hold, nobody reads.
        digits = delinearize(position, extents, range_of)
        return {old[axis]: digit for axis, digit in zip(order, digits, strict=True)}

    sizes = [points] if lanes > 1 else []
    block = clone_compute(compute, sizes, to_index, schedule=schedule)
    for axis in block.axes:
        axis.name_hint = "lane"
    Rewriter.replace_op(compute, [invocation, block], [])


@dataclass(frozen=True)
class KernelMapPointsPass(ModulePass):
    """Make a kernel of independent points one of invocations, for GPUs.

    An invocation computes `lanes` neighbours of the last axis where that axis has whole groups, else one point; it
    goes along another axis instead if what it reads lies there, and to store its results apart costs less. Of
    products it computes up to `rows` rows at a time, as long as `busy` invocations are left, which small GPUs need to
    hide the time of their loads. Where steps of a fold would compute the same for each group, it computes several, up
    to `neighbours` points. With `texels` it computes the `lanes` elements of one texel of the result, wherever they lie
    in the kernel's space; with `layers` too, those at the same place of every layer of a result that has layers.

    Before:

        kernel.compute (%m = 4, %n = 8) { … kernel.write %v, %y[%m * 8 + %n] }

    After:

        %t = kernel.id "global" of 8
        kernel.compute (%lane = 4) schedule … { … kernel.write %v, %y[%t * 4 + %lane] }

    Leaves alone: factors that reductions already have, and kernels of workgroups. Run after `kernel-collapse-axes`.
    """

    name = "kernel-map-points"
    lanes: int = 4
    neighbours: int = 4
    rows: int = 1
    busy: int = BUSY
    texels: bool = False
    layers: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            if any(isinstance(o, IdOp) for o in function.body.block.ops):
                continue
            others = [o for o in function.body.block.ops if not isinstance(o, arith.ConstantOp | IndexOp | YieldOp)]
            if len(others) != 1 or not isinstance(compute := others[0], ComputeOp):
                fail(
                    function,
                    "holds more than one compute, expected one to distribute over invocations",
                    hint="run 'kernel-form-kernels' first, which makes every compute a kernel",
                )
            if self.texels:
                map_texels(compute, self.lanes, layers=self.layers)
            else:
                map_points(compute, self.lanes, self.neighbours, self.rows, self.busy)
