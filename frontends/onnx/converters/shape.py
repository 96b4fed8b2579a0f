"""Converters of what moves elements without computing on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, integer, ints, text
from webdnn.dialects.dnn.elementwise import GreaterOrEqualOp, LessOrEqualOp, WhereOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, PadOp, SliceOp, TileOp, TriluOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.converters.rearrange import reshaped, transposed
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.support.shapes import broadcast, normalize_axes, normalize_axis
from webdnn.support.weights import numpy_dtype


@converter("Reshape")
def reshape(node: Node) -> SSAValue:
    """0 stands for the extent of the operand (unless `allowzero`), -1 for what is left over."""
    shape, wanted = node.shape(0), list(node.constant_integers(1))
    if not node.integer("allowzero", 0):
        wanted = [shape[axis] if extent == 0 and axis < len(shape) else extent for axis, extent in enumerate(wanted)]
    if wanted.count(-1) == 1:
        given = prod(extent for extent in wanted if extent != -1)
        wanted[wanted.index(-1)] = prod(shape) // given if given else 0
    return reshaped(node, node.operand(0), wanted)


@converter("Flatten")
def flatten(node: Node) -> SSAValue:
    shape, axis = node.shape(0), node.integer("axis", 1)
    split = axis + len(shape) if axis < 0 else axis
    return reshaped(node, node.operand(0), (prod(shape[:split]), prod(shape[split:])))


def axes_given(node: Node) -> tuple[int, ...] | None:
    """Axes, which were an attribute before they became operand 1."""
    if node.has("axes"):
        return node.integers("axes")
    return None if node.optional(1) is None else node.constant_integers(1)


@converter("Squeeze")
def squeeze(node: Node) -> SSAValue:
    shape, given = node.shape(0), axes_given(node)
    ones = [axis for axis, extent in enumerate(shape) if extent == 1]
    axes = ones if given is None else normalize_axes(given, len(shape))
    if not set(axes) <= set(ones):
        node.refuse(f"removes axes {list(axes)} of {list(shape)}", hint="only axes of extent 1 can be removed")
    return reshaped(node, node.operand(0), [n for axis, n in enumerate(shape) if axis not in axes])


@converter("Unsqueeze")
def unsqueeze(node: Node) -> SSAValue:
    shape, given = node.shape(0), axes_given(node) or ()
    axes = normalize_axes(given, len(shape) + len(given))
    extents = iter(shape)
    return reshaped(
        node, node.operand(0), [1 if axis in axes else next(extents) for axis in range(len(shape) + len(axes))]
    )


@converter("Transpose")
def transpose(node: Node) -> SSAValue:
    return transposed(node, node.operand(0), node.integers("perm", [*reversed(range(len(node.shape(0))))]))


@converter("Slice")
def slice_(node: Node) -> SSAValue:
    shape = node.shape(0)
    if node.opset < 10:
        starts, ends = node.integers("starts"), node.integers("ends")
        axes, steps = node.integers("axes", range(len(starts))), (1,) * len(starts)
    else:
        starts, ends = node.constant_integers(1), node.constant_integers(2)
        axes = node.constant_integers(3, range(len(starts)))
        steps = node.constant_integers(4, (1,) * len(starts))
    parts = [range(extent) for extent in shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        at = normalize_axis(axis, len(shape))
        parts[at] = range(shape[at])[slice(start, end, step)]
    return sliced(node, node.operand(0), parts)


def sliced(node: Node, value: SSAValue, parts: Sequence[range]) -> SSAValue:
    """The elements at these places of each axis."""
    if all(part == range(extent) for part, extent in zip(parts, shape_of(value), strict=True)):
        return value
    return node.add(
        SliceOp.of(
            value,
            starts=ints([part.start for part in parts]),
            sizes=ints([len(part) for part in parts]),
            steps=ints([part.step for part in parts]),
        )
    )


def part_of(node: Node, value: SSAValue, axis: int, part: range) -> SSAValue:
    """The elements at these places of one axis."""
    return sliced(node, value, [part if a == axis else range(n) for a, n in enumerate(shape_of(value))])


@converter("Split")
def split(node: Node) -> Sequence[SSAValue]:
    """In the given sizes; else in equal ones, from opset 18 on the last one smaller."""
    axis = normalize_axis(node.integer("axis", 0), len(node.shape(0)))
    extent, count = node.shape(0)[axis], node.integer("num_outputs", len(node.outputs))
    if node.has("split"):
        sizes = node.integers("split")
    elif node.optional(1) is not None:
        sizes = node.constant_integers(1)
    else:
        chunk = -(-extent // count)
        sizes = [min(chunk, extent - i * chunk) for i in range(count)]
        if node.opset < 18 and extent % count:
            node.refuse(f"cuts {extent} elements in {count} equal parts", hint="give the sizes of the parts")
    if sum(sizes) != extent or min(sizes, default=0) < 0 or len(sizes) != len(node.outputs):
        node.refuse(f"cuts {extent} elements in parts of {list(sizes)}", hint="the parts must add up to the axis")
    ends = list(accumulate(sizes))
    return [part_of(node, node.operand(0), axis, range(end - n, end)) for end, n in zip(ends, sizes, strict=True)]


@converter("Concat")
def concat(node: Node) -> SSAValue:
    """Operands without elements add nothing."""
    axis = normalize_axis(node.integer("axis"), len(node.shape(0)))
    operands = [node.operand(i) for i in range(len(node.operands))]
    filled = [o for o in operands if shape_of(o)[axis]] or operands[:1]
    return filled[0] if len(filled) == 1 else node.add(ConcatOp.of(filled, axis=integer(axis)))


@converter("Expand")
def expand(node: Node) -> SSAValue:
    return expanded(node, node.operand(0), broadcast([node.shape(0), node.constant_integers(1)]))


def expanded(node: Node, value: SSAValue, shape: Sequence[int]) -> SSAValue:
    """A value broadcast to a shape; a view where nothing is repeated."""
    if prod(shape_of(value)) == prod(shape):
        return reshaped(node, value, shape)
    return node.add(ExpandOp.of(value, shape=ints(shape)))


@converter("Tile")
def tile(node: Node) -> SSAValue:
    repeats = node.constant_integers(1)
    if all(count == 1 for count in repeats):
        return node.operand(0)
    return node.add(TileOp.of(node.operand(0), repeats=ints(repeats)))


@converter("Pad")
def pad(node: Node) -> SSAValue:
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
    if not any(whole):
        return node.operand(0)
    if value is not None and (mode != "constant" or is_zero(value)):
        value = None
    return node.add(PadOp.of(node.operand(0), value, pads=ints(whole), mode=text(mode)))


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
