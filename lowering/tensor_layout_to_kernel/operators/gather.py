"""Kernel forms of the operators that read at computed indices: an index that was itself read."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.gather import GatherElementsOp, GatherNdOp, GatherOp, ReverseSequenceOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.support.index import Index, constant


@lowers(GatherOp)
def gather(op: GatherOp, low: Lowering) -> Sequence[SSAValue]:
    """y[a, i, b] = x[a, indices[i], b]"""
    axis, inner = op.axis.value.data, len(shape_of(op.indices))

    def point(body: Body, *at: Index) -> SSAValue:
        index = low.read(body, op.indices, at[axis : axis + inner])
        chosen = body.wrapped(index, shape_of(op.input)[axis])
        return low.read(body, op.input, [*at[:axis], chosen, *at[axis + inner :]])

    return low.compute([op.output], point)


@lowers(GatherElementsOp)
def gather_elements(op: GatherElementsOp, low: Lowering) -> Sequence[SSAValue]:
    """y[…, i, …] = x[…, indices[…, i, …], …]"""
    axis = op.axis.value.data

    def point(body: Body, *at: Index) -> SSAValue:
        chosen = body.wrapped(low.read(body, op.indices, at), shape_of(op.input)[axis])
        return low.read(body, op.input, [*at[:axis], chosen, *at[axis + 1 :]])

    return low.compute([op.output], point)


@lowers(GatherNdOp)
def gather_nd(op: GatherNdOp, low: Lowering) -> Sequence[SSAValue]:
    """y[b, i, c] = x[b, indices[b, i, :], c]"""
    shape, batch = shape_of(op.input), op.batch_dims.value.data
    *outer, depth = shape_of(op.indices)

    def point(body: Body, *at: Index) -> SSAValue:
        row, rest = at[: len(outer)], at[len(outer) :]
        coordinates = [
            body.wrapped(low.read(body, op.indices, [*row, constant(i)]), shape[batch + i]) for i in range(depth)
        ]
        return low.read(body, op.input, [*at[:batch], *coordinates, *rest])

    return low.compute([op.output], point)


@lowers(ReverseSequenceOp)
def reverse_sequence(op: ReverseSequenceOp, low: Lowering) -> Sequence[SSAValue]:
    """y[t, b] = x[length[b] - 1 - t, b] where t < length[b], else x[t, b]"""
    time, batch = op.time_axis.value.data, op.batch_axis.value.data

    def point(body: Body, *at: Index) -> SSAValue:
        length = low.read(body, op.lengths, [at[batch]])
        forward = body.index(at[time], length.type)
        backward = body.minus(body.minus(length, body.constant(1, length.type)), forward)
        chosen = body.select(body.less(forward, length), backward, forward)
        place = [*at]
        place[time] = body.clamped(chosen, shape_of(op.input)[time])
        return low.read(body, op.input, place)

    return low.compute([op.output], point)
