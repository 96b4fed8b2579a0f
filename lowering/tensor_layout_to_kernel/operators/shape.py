"""Kernel forms of the operators that move elements: views where nothing moves, else one read at another place."""

from collections.abc import Sequence
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, PadOp, ReshapeOp, SliceOp, TileOp, TransposeOp, TriluOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, broadcast_indices, lowers
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.index import ZERO, Index, delinearize, linearize, mod, stays_inside


def read_or(
    low: Lowering, body: Body, value: SSAValue, shape: Sequence[int], at: Sequence[Index], outside: SSAValue
) -> SSAValue:
    """The element at logical indices, and `outside` beyond `shape`, even where the layout stores padding there."""
    element = low.read(body, value, at, outside)
    layout = low.layout(value)
    doubtful = [
        axis
        for axis, extent in enumerate(shape)
        if stored_extent(layout, shape, axis) != extent and not stays_inside([at[axis]], [extent], range_of)
    ]
    if not doubtful:
        return element
    inside = body.inside([at[axis] for axis in doubtful], [shape[axis] for axis in doubtful])
    return body.select(inside, element, outside)


def stored_extent(layout: AxisLayout, shape: Sequence[int], axis: int) -> int:
    """How many elements along a logical axis are stored, padding included."""
    stored = layout.stored_shape(shape)
    extent = stored[layout.order.index(axis)]
    return extent * stored[-1] if layout.block and layout.block[0] == axis else extent


def rows(layout: AxisLayout, shape: Sequence[int]) -> tuple[int, int] | None:
    """Length and stored length of the rows that a tensor is a sequence of, in row-major order; None if it is not."""
    order = [axis for axis in layout.order if shape[axis] > 1]
    if layout.block or order != sorted(order):
        return None
    stored = layout.stored_shape(shape)
    if prod(stored) == prod(shape):
        return 0, 0
    return shape[layout.order[-1]], stored[-1]


@lowers(ReshapeOp)
def reshape(op: ReshapeOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[delinearize(linearize(i))]; a view where both are stored as the same rows."""
    before, after = shape_of(op.input), shape_of(op.output)
    found = rows(low.layout(op.input), before)
    if found is not None and found == rows(low.layout(op.output), after):
        return [low.reshape(op.input, op.output)]

    def point(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.input, delinearize(linearize(at, after), before, range_of))

    return low.compute([op.output], point)


def stored_alike(layout: AxisLayout, other: AxisLayout, shape: Sequence[int]) -> bool:
    """Do two layouts put the elements of a tensor of this shape at the same addresses?"""
    sizes = [[n for n in each.stored_shape(shape) if n > 1] for each in (layout, other)]
    return layout.essence(shape) == other.essence(shape) and sizes[0] == sizes[1]


@lowers(TransposeOp)
def transpose(op: TransposeOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[i permuted back]; a view where the layouts make up for the permutation."""
    permutation = op.permutation.get_values()
    layout = low.layout(op.input).permuted(permutation)
    if stored_alike(layout, low.layout(op.output), shape_of(op.output)):
        return [low.reshape(op.input, op.output)]

    def point(body: Body, *at: Index) -> SSAValue:
        place = dict(zip(permutation, at, strict=True))
        return low.read(body, op.input, [place[axis] for axis in range(len(at))])

    return low.compute([op.output], point)


@lowers(SliceOp)
def slice_(op: SliceOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[start + i · step]"""
    starts, steps = op.starts.get_values(), op.steps.get_values()

    def point(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.input, [i * step + start for i, start, step in zip(at, starts, steps, strict=True)])

    return low.compute([op.output], point)


@lowers(ConcatOp)
def concat(op: ConcatOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = xₖ[i - offsetₖ] for the operand k that i falls into; places in one buffer where layouts allow it."""
    axis, layout = op.axis.value.data, low.layout(op.output)
    if all(low.layout(x) == layout and fills(layout, shape_of(x), axis) for x in op.inputs):
        return [low.concat(axis, list(op.inputs), op.output)]

    def point(body: Body, *at: Index) -> SSAValue:
        result, offset = low.read(body, op.inputs[0], at), shape_of(op.inputs[0])[axis]
        for x in op.inputs[1:]:
            place = [*at[:axis], at[axis] - offset, *at[axis + 1 :]]
            mine = body.inside([place[axis]], [shape_of(x)[axis]])
            result = body.select(mine, low.read(body, x, place), result)
            offset += shape_of(x)[axis]
        return result

    return low.compute([op.output], point)


def fills(layout: AxisLayout, shape: Sequence[int], axis: int) -> bool:
    """Is this tensor stored without padding along an axis?"""
    return stored_extent(layout, shape, axis) == shape[axis]


@lowers(ExpandOp)
def expand(op: ExpandOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[i], with 0 for the axes along which x is repeated."""

    def point(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.input, broadcast_indices(op.input, at))

    return low.compute([op.output], point)


@lowers(TileOp)
def tile(op: TileOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[i mod extent]"""
    shape = shape_of(op.input)

    def point(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.input, [mod(i, extent, range_of) for i, extent in zip(at, shape, strict=True)])

    return low.compute([op.output], point)


@lowers(PadOp)
def pad(op: PadOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = x[i - pad], outside the value; in the other modes the index is brought inside."""
    pads, kept, shape = op.pads.get_values(), op.kept(), shape_of(op.input)

    def constant(body: Body, *at: Index) -> SSAValue:
        if op.value:
            outside = low.read(body, op.value, [ZERO] * len(shape_of(op.value)))
        else:
            outside = body.constant(0, low.scalar(op.output))
        return read_or(low, body, op.input, shape, [i - p for i, p in zip(at, pads, strict=False)], outside)

    def moved(body: Body, *at: Index) -> SSAValue:
        place = [
            inward(op, body, i - max(0, pads[axis]), high - first, grows=max(pads[axis], pads[axis + len(at)]) > 0)
            + first
            for axis, (i, (first, high)) in enumerate(zip(at, kept, strict=True))
        ]
        return low.read(body, op.input, place)

    return low.compute([op.output], constant if op.mode.data == "constant" else moved)


def inward(op: PadOp, body: Body, index: Index, extent: int, *, grows: bool) -> Index:
    """An index brought to 0 <= i < extent as the mode says."""
    if not grows:
        return index
    match op.mode.data:
        case "edge":
            return body.clamped(body.index(index, i32), extent)
        case "wrap":
            return mod(index, extent, range_of)
        case _:
            period = max(1, 2 * (extent - 1))
            ahead = body.index(mod(index, period, range_of), i32)
            back = body.minus(body.constant(period, i32), ahead)
            return body.clamped(body.minimum(ahead, back), extent)


@lowers(TriluOp)
def trilu(op: TriluOp, low: Lowering) -> Sequence[SSAValue]:
    """y[…, r, c] = x[…, r, c] where c - r >= k (or <= k), else 0"""

    def point(body: Body, *at: Index) -> SSAValue:
        distance = body.index(at[-1] - at[-2] - op.k.value.data, i32)
        predicate = "sge" if op.upper.value.data else "sle"
        kept = body.add(arith.CmpiOp(distance, body.constant(0, i32), predicate))
        return body.select(kept, low.read(body, op.input, at), body.constant(0, low.scalar(op.output)))

    return low.compute([op.output], point)
