"""Kernel forms of scattering as a gather: each element of the result looks for the updates that meet it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.scatter import ScatterElementsOp, ScatterNdOp, ScatterOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import narrowed
from webdnn.lowering.tensor_layout_to_kernel.operators.reduction import combined
from webdnn.lowering.tensor_layout_to_kernel.operators.shape import read_or
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index, constant, delinearize, linearize

KINDS = {"add": ReduceKind.ADD, "mul": ReduceKind.MUL, "max": ReduceKind.MAX, "min": ReduceKind.MIN}
LIMIT = 1 << 28
"""Most comparisons of an element with an update: about half a second on one core."""

Meets = Callable[..., SSAValue]
"""(body, *indices of the update) -> does it meet the element?"""


def check_cost(op: ScatterOp, updates: int) -> None:
    """Refuse what would take too long in this form."""
    cost = prod(shape_of(op.output)) * updates
    if cost > LIMIT:
        fail(op, f"would take {cost} comparisons", hint=f"scatter fewer updates at once; the limit is {LIMIT}")


def wrapped(body: Body, index: SSAValue, extent: int) -> SSAValue:
    """An index that counts from the end where it is negative; the gather form ignores what lies outside."""
    negative = body.less(index, body.constant(0, index.type))
    return body.select(negative, body.plus(index, body.constant(extent, index.type)), index)


def scattered(
    body: Body, low: Lowering, op: ScatterOp, sizes: Sequence[int], original: SSAValue, meets: Meets, update: Meets
) -> SSAValue:
    """The element `original` after the updates that meet it."""
    element = element_type(op.output.type)
    if op.reduction.data == "none":

        def position(inner: Body, *k: Index) -> SSAValue:
            place = inner.index(linearize(k, sizes), i32)
            return inner.select(meets(inner, *k), place, inner.constant(-1, i32))

        last = body.reduce(ReduceKind.MAX, sizes, position, init=body.constant(-1, i32), type=i32)
        chosen = update(body, *delinearize(body.clamped(last, prod(sizes)), sizes, range_of))
        return body.select(body.less(last, body.constant(0, i32)), original, chosen)

    def change(inner: Body, *k: Index) -> SSAValue:
        return inner.select(meets(inner, *k), update(inner, *k), neutral)

    kind = KINDS[op.reduction.data]
    if kind in (ReduceKind.MAX, ReduceKind.MIN):
        neutral = original
    else:
        neutral = body.constant(1 if kind is ReduceKind.MUL else 0, original.type)
    result = combined(body, kind, sizes, change, element, init=original)
    return result if is_float(result) else narrowed(body, result, element)


@lowers(ScatterElementsOp)
def scatter_elements(op: ScatterElementsOp, low: Lowering) -> Sequence[SSAValue]:
    """y[a, i, b] = update[a, k, b] for the last k with indices[a, k, b] = i, else x[a, i, b]; or combined with all"""
    shape, given, axis = shape_of(op.input), shape_of(op.indices), op.axis.value.data
    check_cost(op, given[axis])

    def point(body: Body, *at: Index) -> SSAValue:
        def place(k: Index) -> list[Index]:
            return [*at[:axis], k, *at[axis + 1 :]]

        def meets(inner: Body, k: Index) -> SSAValue:
            nowhere = inner.constant(shape[axis], low.scalar(op.indices))
            index = read_or(low, inner, op.indices, given, place(k), nowhere)
            return inner.equal(wrapped(inner, index, shape[axis]), inner.index(at[axis], index.type))

        def update(inner: Body, k: Index) -> SSAValue:
            return low.read(inner, op.updates, place(k))

        return scattered(body, low, op, [given[axis]], low.read(body, op.input, at), meets, update)

    return low.compute([op.output], point)


@lowers(ScatterNdOp)
def scatter_nd(op: ScatterNdOp, low: Lowering) -> Sequence[SSAValue]:
    """y[i, c] = update[k, c] for the last k with indices[k, :] = i, else x[i, c]; or combined with all of them"""
    shape = shape_of(op.input)
    *outer, depth = shape_of(op.indices)
    sizes = outer or [1]
    check_cost(op, prod(sizes))

    def point(body: Body, *at: Index) -> SSAValue:
        def meets(inner: Body, *k: Index) -> SSAValue:
            met: SSAValue | None = None
            for i in range(depth):
                index = low.read(inner, op.indices, [*k[: len(outer)], constant(i)])
                same = inner.equal(wrapped(inner, index, shape[i]), inner.index(at[i], index.type))
                met = same if met is None else inner.add(arith.AndIOp(met, same))
            assert met is not None
            return met

        def update(inner: Body, *k: Index) -> SSAValue:
            return low.read(inner, op.updates, [*k[: len(outer)], *at[depth:]])

        return scattered(body, low, op, sizes, low.read(body, op.input, at), meets, update)

    return low.compute([op.output], point)
