"""Converters of what moves elements without computing on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from operator import mul
from typing import NamedTuple

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer, ints, text
from webdnn.dialects.dnn.elementwise import GreaterOrEqualOp, LessOrEqualOp, WhereOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ConcatOp, PadOp, TileOp, TriluOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.counted_reshape import Extent, counted_reshape
from webdnn.frontends.onnx.filled import counted, counts, extents_of, merged, number, numbers, refuse_counted
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import expanded, reshaped, transposed
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.shapes import broadcast, normalize_axes, normalize_axis
from webdnn.support.weights import numpy_dtype


@converter("Reshape", counting=True)
def reshape(node: Node) -> SSAValue:
    """0 stands for the extent of the operand (unless `allowzero`), -1 for what is left over."""
    old = extents_before(node)
    wanted = [Extent(extent, count) for extent, count in extents_of(node, 1)]
    if not node.integer("allowzero", 0):
        wanted = [old[axis] if e == Extent(0) and axis < len(old) else e for axis, e in enumerate(wanted)]
    if any(extent.count is not None for extent in (*old, *wanted)):
        return in_shape(node, old, [None if extent == Extent(-1) else extent for extent in wanted])
    shape = [extent.most for extent in wanted]
    if shape.count(-1) == 1:
        given = prod(extent for extent in shape if extent != -1)
        shape[shape.index(-1)] = prod(node.shape(0)) // given if given else 0
    return reshaped(node, node.operand(0), shape)


@converter("Flatten", counting=True)
def flatten(node: Node) -> SSAValue:
    shape, axis = node.shape(0), node.integer("axis", 1)
    split = axis + len(shape) if axis < 0 else axis
    if not counts(node, 0):
        return reshaped(node, node.operand(0), (prod(shape[:split]), prod(shape[split:])))
    old = extents_before(node)
    if any(extent.count is not None for extent in old[:split]):
        return in_shape(node, old, [None, in_one(node, old[split:])])
    return in_shape(node, old, [in_one(node, old[:split]), None])


def extents_before(node: Node) -> list[Extent]:
    """The extents of the first operand."""
    found = counts(node, 0)
    return [Extent(extent, found.get(axis)) for axis, extent in enumerate(node.shape(0))]


def in_one(node: Node, extents: Sequence[Extent]) -> Extent:
    """Axes as one."""
    most = prod(extent.most for extent in extents)
    if all(extent.count is None for extent in extents):
        return Extent(most)
    return Extent(most, reduce(mul, (extent.filled(node) for extent in extents)))


def in_shape(node: Node, old: Sequence[Extent], wanted: Sequence[Extent | None]) -> SSAValue:
    """The first operand, some of whose extents vary, in another shape."""
    result, new = counted_reshape(node, Term.operand(node, 0), old, wanted)
    return counted(node, result.value, {axis: e.count for axis, e in enumerate(new) if e.count is not None})


@converter("Squeeze")
def squeeze(node: Node) -> SSAValue:
    shape, given = node.shape(0), node.axes_given()
    ones = [axis for axis, extent in enumerate(shape) if extent == 1]
    axes = ones if given is None else normalize_axes(given, len(shape))
    if not set(axes) <= set(ones):
        node.refuse(f"removes axes {list(axes)} of {list(shape)}", hint="only axes of extent 1 can be removed")
    return reshaped(node, node.operand(0), [n for axis, n in enumerate(shape) if axis not in axes])


@converter("Unsqueeze")
def unsqueeze(node: Node) -> SSAValue:
    shape, given = node.shape(0), node.axes_given() or ()
    axes = normalize_axes(given, len(shape) + len(given))
    extents = iter(shape)
    return reshaped(
        node, node.operand(0), [1 if axis in axes else next(extents) for axis in range(len(shape) + len(axes))]
    )


@converter("Transpose")
def transpose(node: Node) -> SSAValue:
    return transposed(node, node.operand(0), node.integers("perm", [*reversed(range(len(node.shape(0))))]))


@converter("Concat", counting=True)
def concat(node: Node) -> SSAValue:
    """Operands without elements add nothing."""
    axis = normalize_axis(node.integer("axis"), len(node.shape(0)))
    places = range(len(node.operands))
    filled = [i for i in places if node.shape(i)[axis]] or [0]
    operands = [node.operand(i) for i in filled]
    result = operands[0] if len(operands) == 1 else node.add(ConcatOp.of(operands, axis=integer(axis)))
    others = [(a, count) for i in filled for a, count in counts(node, i).items() if a != axis]
    parts = [(shape_of(o)[axis], counts(node, i).get(axis)) for i, o in zip(filled, operands, strict=True)]
    if all(count is None for _, count in parts):
        return counted(node, result, merged(node, others))
    together = closed_up(node, [(n, number(node, n) if count is None else count) for n, count in parts])
    moved = node.add(GatherOp.of(result, together[0].value, axis=integer(axis)))
    return counted(node, moved, {**merged(node, others), axis: together[1]})


def closed_up(node: Node, parts: Sequence[tuple[int, Term]]) -> tuple[Term, Term]:
    """Of parts side by side, so long and filled so far, the filled places before all others, and how many they are."""
    places = numbers(node, sum(extent for extent, _ in parts))
    (start, filled), *rest = parts
    found = places
    for extent, count in rest:
        found = places.less(filled).where(found, places - filled + start)
        start, filled = start + extent, filled + count
    return found, filled


@converter("Expand", counting=True)
def expand(node: Node) -> SSAValue:
    """Axes whose extents are computed are counted."""
    shape, wanted = node.shape(0), [Extent(*extent) for extent in extents_of(node, 1)]
    rank = max(len(shape), len(wanted))
    old = [*[Extent(1)] * (rank - len(shape)), *extents_before(node)]
    new = [*[Extent(1)] * (rank - len(wanted)), *wanted]
    found = [spread(node, *pair) for pair in zip(old, new, strict=True)]
    result = expanded(node, node.operand(0), [extent.most for extent in found])
    return counted(node, result, {axis: e.count for axis, e in enumerate(found) if e.count is not None})


def spread(node: Node, old: Extent, wanted: Extent) -> Extent:
    """The extent of an axis that is repeated where it has one place. Refuses what may have one, or may not fit."""
    if old == Extent(1):
        return wanted
    if wanted == Extent(1):
        return old
    if old.count is None and wanted.count is None:
        (most,) = broadcast([[old.most], [wanted.most]])
        return Extent(most)
    if old.size != wanted.size:
        refuse_counted(node, "may have to repeat an axis, or may not", hint="expand axes of one place alone")
    return old


@converter("Tile")
def tile(node: Node) -> SSAValue:
    repeats = node.constant_integers(1)
    if all(count == 1 for count in repeats):
        return node.operand(0)
    return node.add(TileOp.of(node.operand(0), repeats=ints(repeats)))


@converter("Pad")
def pad(node: Node) -> SSAValue:
    padding = padding_of(node)
    return padded(node, node.operand(0), padding)


class Padding(NamedTuple):
    """How many places stand before each axis, then how many behind each, and what is in them (zero if None)."""

    pads: Sequence[int]
    value: SSAValue | None
    mode: str


def padding_of(node: Node) -> Padding:
    """What a node asks for; its mode is constant, edge, reflect or wrap."""
    rank, mode = len(node.shape(0)), node.text("mode", "constant")
    value: SSAValue | None = None
    if node.opset < 11:
        pads, axes = node.integers("pads"), tuple(range(rank))
        number = node.number("value", 0.0)
        if number:
            value = node.constant_value(as_array(np.array(number).astype(numpy_dtype(node.element(0)))))
    else:
        pads, value = node.constant_integers(1), node.optional(2)
        axes = [normalize_axis(a, rank) for a in node.constant_integers(3, range(rank))]
    if len(pads) != 2 * len(axes):
        node.refuse(f"has {len(pads)} pads for {len(axes)} axes", hint="two are needed for each axis")
    whole = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        whole[axis], whole[axis + rank] = pads[i], pads[i + len(axes)]
    if value is not None and (mode != "constant" or is_zero(value)):
        value = None
    return Padding(whole, value, mode)


def padded(node: Node, x: SSAValue, padding: Padding) -> SSAValue:
    """A value with places around it; itself where there are none."""
    if not any(padding.pads):
        return x
    return node.add(PadOp.of(x, padding.value, pads=ints(padding.pads), mode=text(padding.mode)))


def is_zero(value: SSAValue) -> bool:
    """Is a value known to hold nothing but zeros, or nothing?"""
    array = known(value)
    return array is not None and not array.any()


def block(node: Node) -> tuple[int, str]:
    """The block size and the order of channels."""
    mode = node.text("mode", "DCR")
    if mode not in ("DCR", "CRD") or len(node.shape(0)) != 4:
        node.refuse(f"has mode '{mode}' and {len(node.shape(0))} axes", hint="expected DCR or CRD, and 4 axes")
    return node.integer("blocksize"), mode


@converter("DepthToSpace")
def depth_to_space(node: Node) -> SSAValue:
    size, mode = block(node)
    n, c, h, w = node.shape(0)
    blocks = (size, size, c // size**2) if mode == "DCR" else (c // size**2, size, size)
    order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
    cut = reshaped(node, node.operand(0), (n, *blocks, h, w))
    return reshaped(node, transposed(node, cut, order), (n, c // size**2, h * size, w * size))


@converter("SpaceToDepth")
def space_to_depth(node: Node) -> SSAValue:
    size, mode = block(node)
    n, c, h, w = node.shape(0)
    cut = reshaped(node, node.operand(0), (n, c, h // size, size, w // size, size))
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return reshaped(node, transposed(node, cut, order), (n, c * size**2, h // size, w // size))


@converter("Trilu")
def trilu(node: Node) -> SSAValue:
    """A diagonal that is only known at run time is compared with."""
    x, k, upper = node.operand(0), node.optional(1), bool(node.integer("upper", 1))
    if k is None or known(k) is not None:
        (diagonal,) = node.constant_integers(1, (0,))
        return node.add(TriluOp.of(x, upper=flag(upper), k=integer(diagonal)))
    rows, columns = (np.arange(n) for n in node.shape(0)[-2:])
    distance = node.constant_value(as_array(columns - rows[:, None]))
    kept = node.add((GreaterOrEqualOp if upper else LessOrEqualOp)(distance, reshaped(node, k, ())))
    zero = node.constant_value(as_array(np.zeros((), numpy_dtype(node.element(0)))))
    return node.add(WhereOp.of(kept, x, zero))
