"""Kernel forms of the operators that find the greatest or least elements along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import TensorType, i32, i64
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.selection import ArgMaxOp, ArgMinOp, ArgOp, SearchSortedOp, TopKOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.dialects.tensor_layout import layout_of
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, Point, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars
from webdnn.lowering.tensor_layout_to_kernel.operators.reduction import combined
from webdnn.support.index import Index


@lowers(ArgMaxOp, ArgMinOp)
def arg_extreme(op: ArgOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i] = min(k) of k where x[i, k] is the greatest (or least) of its row; max(k) for the last one"""
    axis, extent, element = op.axis.value.data, shape_of(op.input)[op.axis.value.data], element_type(op.input.type)
    kind = ReduceKind.MAX if isinstance(op, ArgMaxOp) else ReduceKind.MIN
    last = bool(op.select_last.value.data)

    def point(body: Body, *at: Index) -> SSAValue:
        def value(inner: Body, k: Index) -> SSAValue:
            behind = at[axis + 1 :] if op.keepdims.value.data else at[axis:]
            return low.read(inner, op.input, [*at[:axis], k, *behind])

        peak = combined(body, kind, [extent], value, element)

        other = body.constant(0 if last else extent - 1, i32)

        def candidate(inner: Body, k: Index) -> SSAValue:
            here, mine = inner.index(k, i32), value(inner, k)
            if not is_float(mine):
                return inner.select(inner.equal(mine, peak), here, other)
            beaten = inner.less(mine, peak) if kind is ReduceKind.MAX else inner.less(peak, mine)
            return inner.select(beaten, other, here)  # in a row with NaN, none is: that is its first index, or the last

        found = body.reduce(ReduceKind.MAX if last else ReduceKind.MIN, [extent], candidate, init=other, type=i32)
        return body.add(arith.ExtSIOp(found, i64))

    return low.compute([op.output], point)


@lowers(TopKOp)
def top_k(op: TopKOp, low: Lowering) -> Sequence[SSAValue]:
    """y[k] = x[i] for the i whose rank is k.

    Every element is compared with every other: no loop depends on data, so every target can do it.
    """
    axis, extent = op.axis.value.data, shape_of(op.input)[op.axis.value.data]
    (ranks,) = low.compute([TensorType(i32, shape_of(op.input))], rank(op, low))

    def both(body: Body, *at: Index) -> Sequence[SSAValue]:
        wanted = body.index(at[axis], i32)

        def mine(inner: Body, i: Index) -> SSAValue:
            found = inner.equal(low.read(inner, ranks, [*at[:axis], i, *at[axis + 1 :]]), wanted)
            return inner.select(found, inner.index(i, i32), inner.constant(0, i32))

        found = body.reduce(ReduceKind.MAX, [extent], mine, init=body.constant(0, i32), type=i32)
        place = [*at[:axis], body.clamped(found, extent), *at[axis + 1 :]]
        return [low.read(body, op.input, place), body.add(arith.ExtSIOp(found, i64))]

    def value(body: Body, *at: Index) -> SSAValue:
        return both(body, *at)[0]

    def index(body: Body, *at: Index) -> SSAValue:
        return both(body, *at)[1]

    if layout_of(op.values.type) == layout_of(op.indices.type):
        return low.compute([op.values, op.indices], both)
    return [*low.compute([op.values], value), *low.compute([op.indices], index)]


def rank(op: TopKOp, low: Lowering) -> Point:
    """How many elements come before each: better ones, and equal ones with a smaller index."""
    axis, extent, element = op.axis.value.data, shape_of(op.input)[op.axis.value.data], element_type(op.input.type)
    predicate = "gt" if op.largest.value.data else "lt"

    def point(body: Body, *at: Index) -> SSAValue:
        mine, place = low.read(body, op.input, at), body.index(at[axis], i32)

        def before(inner: Body, j: Index) -> SSAValue:
            other = low.read(inner, op.input, [*at[:axis], j, *at[axis + 1 :]])
            better = Scalars(inner, element).compare(other, mine, predicate)
            earlier = inner.less(inner.index(j, i32), place)
            tied = inner.add(arith.AndIOp(inner.equal(other, mine), earlier))
            return inner.select(inner.add(arith.OrIOp(better, tied)), inner.constant(1, i32), inner.constant(0, i32))

        return body.reduce(ReduceKind.ADD, [extent], before, type=i32)

    return point


@lowers(SearchSortedOp)
def search_sorted(op: SearchSortedOp, low: Lowering) -> Sequence[SSAValue]:
    """Bisection: from large steps to small ones, each is made if the element that it would pass is not too large."""
    (extent,), element = shape_of(op.sorted), element_type(op.sorted.type)

    def point(body: Body, *at: Index) -> SSAValue:
        value, found = low.read(body, op.values, at), body.constant(0, i32)
        for power in reversed(range(extent.bit_length())):
            tried = body.plus(found, body.constant(1 << power, i32))
            passed = body.clamped(body.minus(tried, body.constant(1, i32)), extent)
            fits = Scalars(body, element).compare(low.read(body, op.sorted, [passed]), value, "le")
            inside = body.less(tried, body.constant(extent + 1, i32))
            found = body.select(body.add(arith.AndIOp(inside, fits)), tried, found)
        return found

    return low.compute([op.output], point)
