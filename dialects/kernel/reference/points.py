"""Kernel bodies on numpy arrays: a value is held at all points of a space at once.

An axis is an `arange` along a numpy axis of its own. The axes of a reduction are put before those around it, so that
outer values broadcast as they are; a space of too many points is cut into boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.element import compute_type, element_of, is_vector, tensor_type
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.reference.casts import dtype_of
from webdnn.dialects.kernel.reference.scalars import evaluate_scalar
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.support.index import FloorDiv, Index
from webdnn.support.weights import Array

MOST_POINTS = 1 << 22
"""About how many points are computed at once."""

COMBINE: dict[ReduceKind, np.ufunc] = {
    ReduceKind.ADD: np.add,
    ReduceKind.MUL: np.multiply,
    ReduceKind.MAX: np.maximum,
    ReduceKind.MIN: np.minimum,
    ReduceKind.AND: np.bitwise_and,
    ReduceKind.OR: np.bitwise_or,
}

Indices = NDArray[np.int64]
Values = dict[SSAValue, Array]
Reader = Callable[[ReadOp, Values], Array]
"""What a read gives at every point"""


def evaluate_compute(op: ComputeOp, outer: Mapping[SSAValue, Array]) -> list[Array]:
    """The results, in their stored types."""
    types = [tensor_type(r) for r in op.res]
    results = [np.zeros(t.get_shape(), dtype_of(t)) for t in types]
    inset = [i.data for i in op.inset] if op.inset else [0] * len(op.shape)
    room = max(1, MOST_POINTS // deepest(op.body.block))
    for box in boxes(op.shape, room):
        values = {**outer, **axes_of(op.axes, box, 0)}
        run_body(op.body.block, values, len(box))
        place = tuple(slice(r.start + i, r.stop + i) for r, i in zip(box, inset, strict=True))
        for result, yielded in zip(results, op.yielded, strict=True):
            result[place] = narrowed(values[yielded], result.dtype)
    return results


def deepest(block: Block) -> int:
    """The most points that reductions give each point of a body."""
    reduced = (prod(op.shape) * deepest(op.body.block) for op in block.ops if isinstance(op, ReduceOp))
    folded = (deepest(op.body.block) for op in block.ops if isinstance(op, FoldOp))
    return max((*reduced, *folded), default=1)


def boxes(sizes: Sequence[int], points: int) -> Iterator[tuple[range, ...]]:
    """A space cut into boxes of at most so many points, the outermost axes first."""
    steps: list[int] = []
    for size in reversed(sizes):
        steps.append(max(1, min(size, points)))
        points //= steps[-1]
    cuts = [
        [range(start, min(start + step, size)) for start in range(0, size, step)]
        for size, step in zip(sizes, reversed(steps), strict=True)
    ]
    return product(*cuts)


def axes_of(axes: Sequence[SSAValue], box: Sequence[range], depth: int) -> Values:
    """Each axis along its own numpy axis; `depth` numpy axes follow."""
    found: Values = {}
    for i, (axis, span) in enumerate(zip(axes, box, strict=True)):
        shape = [1] * i + [len(span)] + [1] * (len(box) - 1 - i + depth)
        found[axis] = np.arange(span.start, span.stop, dtype=np.int64).reshape(shape)
    return found


def run_body(block: Block, values: Values, depth: int, read: Reader | None = None) -> None:
    """Evaluate every operation of a body that has a result, in a space of `depth` numpy axes."""
    for op in block.ops:
        if isinstance(op, FoldOp):
            values.update(zip(op.res, evaluate_fold(op, values, depth, read or evaluate_read), strict=True))
        elif op.results:
            values[op.results[0]] = evaluate_op(op, values, depth, read or evaluate_read)


def evaluate_op(op: Operation, values: Values, depth: int, read: Reader) -> Array:
    match op:
        case ReduceOp():
            return evaluate_reduce(op, values, depth, read)
        case ReadOp():
            return read(op, values)
        case InsideOp():
            return inside([at(e, values) for e in op.exprs], [e.data for e in op.extents])
        case IndexOp():
            return at(op.exprs[0], values)
        case TableOp():
            table = np.array(op.elements, dtype_of(op.result.type)).reshape(op.shape)
            return np.asarray(table[tuple(at(e, values) for e in op.exprs)])
        case _:
            return evaluate_scalar(op, [values[o] for o in op.operands])


def evaluate_reduce(op: ReduceOp, values: Values, depth: int, read: Reader) -> Array:
    inner: Values = {**values, **axes_of(op.axes, [range(s) for s in op.shape], depth)}
    run_body(op.body.block, inner, depth + len(op.shape), read)
    yielded, combine = inner[op.yielded], COMBINE[op.kind.data]
    lanes = int(is_vector(op.init.type))
    space = (*op.shape, *[1] * (depth + lanes))
    whole = np.broadcast_to(yielded, np.broadcast_shapes(yielded.shape, space))
    axes = tuple(range(len(op.shape)))
    with np.errstate(all="ignore"):
        if op.kind.data in (ReduceKind.ADD, ReduceKind.MUL):
            reduced = combine.reduce(whole, axis=axes, dtype=yielded.dtype)
        else:
            reduced = combine.reduce(whole, axis=axes)
        return np.asarray(combine(values[op.init], reduced))


def evaluate_fold(op: FoldOp, values: Values, depth: int, read: Reader) -> list[Array]:
    """The carried values after the last step, one step after another."""
    carried = [values[i] for i in op.inits]
    for step in range(*op.shape):
        inner: Values = {**values, op.axes[0]: np.array(step), **dict(zip(op.carried, carried, strict=True))}
        run_body(op.body.block, inner, depth, read)
        carried = [inner[v] for v in op.nexts]
    return carried


def evaluate_read(op: ReadOp, values: Values) -> Array:
    """Elements in their compute type. An index that leaves the shape reads the value outside."""
    source = values[op.source]
    indices = [at(e, values) for e in op.exprs]
    if is_vector(op.result.type):
        (lanes,) = op.result.type.get_shape()
        indices = [*(i[..., None] for i in indices[:-1]), indices[-1][..., None] + np.arange(lanes)]
    mask = inside(indices, source.shape)
    if op.outside is None:
        assert mask.all(), f"a read leaves the shape {list(source.shape)} without a value outside"
        return widened(op, source[tuple(indices)])
    clamped = tuple(np.clip(i, 0, extent - 1) for i, extent in zip(indices, source.shape, strict=True))
    return np.where(mask, widened(op, source[clamped]), values[op.outside])


def inside(indices: Sequence[Indices], extents: Sequence[int]) -> NDArray[np.bool]:
    """Does every index lie in its extent?"""
    mask = np.array(True)
    for index, extent in zip(indices, extents, strict=True):
        mask = mask & (index >= 0) & (index < extent)
    return mask


def at(expr: Index, values: Mapping[SSAValue, Array]) -> Indices:
    """An affine index at every point."""
    total = np.array(expr.constant, np.int64)
    for atom, coefficient in expr.terms.items():
        if isinstance(atom, FloorDiv):
            value = at(atom.numerator, values) // atom.divisor
        else:
            assert isinstance(atom, SSAValue), f"{atom} is no value of IR"
            value = values[atom].astype(np.int64, copy=False)
        total = total + value * coefficient
    return total


def widened(op: ReadOp, stored: Array) -> Array:
    """Stored elements in the type that kernels compute in."""
    element = element_of(op.source.type)
    if element == IndexType():
        return stored
    return np.asarray(stored).astype(dtype_of(compute_type(element)), copy=False)


def narrowed(value: Array, dtype: np.dtype[np.generic]) -> Array:
    """Computed values as they are stored: floats rounded, integers wrapped."""
    with np.errstate(all="ignore"):
        return value.astype(dtype, copy=False)
