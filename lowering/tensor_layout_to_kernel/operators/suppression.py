"""Kernel form of non-maximum suppression: a scan that takes a box in each step and removes those that overlap it."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from xdsl.dialects import arith
from xdsl.dialects.builtin import TensorType, f32, i32, i64
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.selection import NonMaxSuppressionOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, Point, lowers
from webdnn.support.index import Index, constant

LOW, HIGH = (0, 1), (2, 3)
"""Where the corners of a box hold y and x"""


@lowers(NonMaxSuppressionOp)
def non_max_suppression(op: NonMaxSuppressionOp, low: Lowering) -> Sequence[SSAValue]:
    """Scores of the boxes that are left pass from step to step: a kernel finds the best, one removes what it hides."""
    images, classes, count = shape_of(op.scores)
    scores, pairs = TensorType(f32, [images, classes, count]), TensorType(i32, [images, classes])

    def copied(body: Body, *at: Index) -> SSAValue:
        return low.read(body, op.scores, at)

    def step(t: Index, carried: Sequence[SSAValue]) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
        (left,) = carried
        (best,) = low.compute([pairs], best_of(op, left))
        return low.compute([scores], without(op, low, left, best)), [best]

    steps = op.most.value.data
    _, (found,) = low.scan(
        steps, low.compute([scores], copied), [TensorType(i32, [steps, images, classes])], step, names="left"
    )

    def place(body: Body, image: Index, kind: Index, t: Index) -> SSAValue:
        return body.add(arith.ExtSIOp(low.read(body, found, [t, image, kind]), i64))

    return low.compute([op.places], place)


def best_of(op: NonMaxSuppressionOp, left: SSAValue) -> Point:
    """min(n) of n whose score is the greatest; -1 where that is not above the least."""
    count = shape_of(op.scores)[2]

    def point(body: Body, image: Index, kind: Index) -> SSAValue:
        def score(inner: Body, n: Index) -> SSAValue:
            return inner.read(left, [image, kind, n])

        peak, last = body.reduce(ReduceKind.MAX, [count], score, names="n"), body.constant(count - 1, i32)

        def candidate(inner: Body, n: Index) -> SSAValue:
            return inner.select(inner.equal(score(inner, n), peak), inner.index(n, i32), last)

        first = body.reduce(ReduceKind.MIN, [count], candidate, names="n", init=last, type=i32)
        least = body.constant(op.least.value.data if op.least else -inf)
        return body.select(body.less(least, peak), first, body.constant(-1, i32))

    return point


def without(op: NonMaxSuppressionOp, low: Lowering, left: SSAValue, best: SSAValue) -> Point:
    """The scores that are left, -∞ for the best box and all that it hides."""
    count = shape_of(op.scores)[2]

    def point(body: Body, image: Index, kind: Index, n: Index) -> SSAValue:
        taken = body.read(best, [image, kind])
        box = body.clamped(taken, count)
        corners = [[low.read(body, op.boxes, [image, i, constant(c)]) for c in range(4)] for i in (box, n)]
        hidden = body.less(body.constant(op.overlap.value.data), covers(body, *corners))
        gone = body.add(arith.OrIOp(hidden, body.equal(body.index(n, i32), taken)))
        found = body.less(body.constant(-1, i32), taken)
        score = body.read(left, [image, kind, n])
        return body.select(body.add(arith.AndIOp(found, gone)), body.constant(-inf), score)

    return point


def covers(body: Body, a: Sequence[SSAValue], b: Sequence[SSAValue]) -> SSAValue:
    """The area of the intersection of two boxes as a part of their union; 0 where either has no area."""
    zero = body.constant(0)

    def side(axis: int) -> SSAValue:
        end, start = body.minimum(a[HIGH[axis]], b[HIGH[axis]]), body.maximum(a[LOW[axis]], b[LOW[axis]])
        return body.maximum(body.minus(end, start), zero)

    def area(box: Sequence[SSAValue]) -> SSAValue:
        return body.times(*(body.minus(box[HIGH[axis]], box[LOW[axis]]) for axis in (0, 1)))

    common, areas = body.times(side(0), side(1)), [area(a), area(b)]
    union = body.minus(body.plus(*areas), common)
    filled = [body.less(zero, value) for value in (*areas, union)]
    both = body.add(arith.AndIOp(body.add(arith.AndIOp(filled[0], filled[1])), filled[2]))
    return body.select(both, body.divide(common, union), zero)
