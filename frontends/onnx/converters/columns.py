"""Converters of matrices and windows by other operators: Col2Im, Det, TensorScatter."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import ModOp
from webdnn.dialects.dnn.base import flag, integer, ints
from webdnn.dialects.dnn.convolution import ConvTransposeOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.converters.window import per_axis
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, total
from webdnn.support.shapes import normalize_axis, window_extent
from webdnn.support.weights import numpy_dtype

LARGEST = 6
"""Rows of a determinant that is computed by its minors, of which there are 2^rows"""


@converter("Col2Im")
def col2im(node: Node) -> SSAValue:
    """Columns added up where their windows overlap: a transposed convolution with one weight of 1 for each column."""
    image, kernel = node.constant_integers(1), node.constant_integers(2)
    rank = len(image)
    strides, dilations = (per_axis(node, name, [1] * rank, rank) for name in ("strides", "dilations"))
    pads = per_axis(node, "pads", [0] * 2 * rank, 2 * rank)
    reach = [window_extent(k, d) for k, d in zip(kernel, dilations, strict=True)]
    room = [image[i] + pads[i] + pads[i + rank] - reach[i] for i in range(rank)]
    counts = [r // s + 1 for r, s in zip(room, strides, strict=True)]
    batch, rows, columns = node.shape(0)
    taps = prod(kernel)
    if min(room) < 0 or columns != prod(counts) or rows % taps:
        problem = f"puts columns {[rows, columns]} of windows {list(kernel)} into {list(image)}"
        node.refuse(problem, hint="check the model's shapes")
    channels = rows // taps
    ones = np.eye(taps).reshape(1, taps, *kernel).repeat(channels, 0).astype(numpy_dtype(node.element(0)))
    result = node.add(
        ConvTransposeOp.of(
            reshaped(node, node.operand(0), (batch, rows, *counts)),
            node.constant_value(as_array(ones)),
            None,
            strides=ints(strides),
            pads=ints(pads),
            dilations=ints(dilations),
            output_padding=ints([r % s for r, s in zip(room, strides, strict=True)]),
            groups=integer(channels),
        )
    )
    return reshaped(node, result, (batch, channels, *image))


@converter("Det")
def det(node: Node) -> SSAValue:
    """Expanded by rows; minors that occur again are computed once."""
    x = Term.operand(node, 0)
    rank, size = len(x.shape), x.shape[-1]
    if rank < 2 or x.shape[-2] != size or not 1 <= size <= LARGEST:
        hint = f"determinants are of square matrices of 1 to {LARGEST} rows"
        node.refuse(f"takes a tensor {list(x.shape)}", hint=hint)
    elements = [[x.at(rank - 2, i).at(rank - 2, j) for j in range(size)] for i in range(size)]

    @cache
    def minor(columns: tuple[int, ...]) -> Term:
        row = size - len(columns)
        if len(columns) == 1:
            return elements[row][columns[0]]
        terms: list[Term] = []
        for i, column in enumerate(columns):
            term = elements[row][column] * minor((*columns[:i], *columns[i + 1 :]))
            terms.append(term * -1 if i % 2 else term)
        return total(terms)

    return minor(tuple(range(size))).value


def remainder(term: Term, divisor: int) -> Term:
    """From 0 to less than the divisor."""
    return Term(term.node, term.node.add(ModOp.of(term.value, term.like(divisor), truncated=flag(False))))


@converter("TensorScatter")
def tensor_scatter(node: Node) -> SSAValue:
    """The update in the place of what stands behind a start for each batch; each element looks for its own."""
    past, update = Term.operand(node, 0), Term.operand(node, 1)
    axis = normalize_axis(node.integer("axis", -2), len(past.shape))
    extent, count = past.shape[axis], update.shape[axis]
    circular = node.text("mode", "linear") == "circular"
    if axis == 0 or count > extent:
        node.refuse(f"writes {list(update.shape)} into {list(past.shape)} along axis {axis}", hint="check its shapes")
    spread = [1] * len(past.shape)
    spread[axis] = extent
    place = Term.known(node, as_array(np.arange(extent, dtype=np.int32).reshape(spread)))
    if node.optional(2) is not None:
        start = Term.operand(node, 2)
        if circular:
            start = remainder(start.cast("i32"), extent)
        start = start.at_least(0).at_most(extent).cast("i32")  # so that no target's integers overflow
        place = place - start.reshaped(start.shape[0], *[1] * (len(past.shape) - 1))
    if circular:
        place = remainder(place, extent)
    inside = place.less(count) & place.greater(-1)
    shape = (*past.shape[:axis], extent, *past.shape[axis + 1 :])
    wanted = place.at_least(0).at_most(count - 1).expanded(*shape)
    return inside.where(update.picked(wanted, axis), past).value
