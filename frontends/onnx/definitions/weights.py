"""Definitions of products with weights of few bits in blocks, each of which has a scale, and of looking them up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from webdnn.frontends.onnx.definitions.definition import Call, definition, ints, lines

PACKED = (2, 4, 8)
"""Bits of weights that share bytes"""


@definition("MatMulNBits")
def matmul(call: Call) -> str:
    """A times the transposed matrix of N rows and K columns; blocks lie along the rows, the lower bits first.

    Where a column says which block it belongs to, columns of one block are put side by side, in A as well.
    """
    bits, block = call.integer("bits", 4), call.integer("block_size", 0)
    rows, columns = call.integer("N", 0), call.integer("K", 0)
    if bits not in PACKED:
        call.refuse(f"has weights of {bits} bits", hint="quantize the weights to 2, 4 or 8 bits")
    blocks = -(-columns // block)
    order = order_of_blocks(call, columns, block) if call.has(4) else None
    return lines(
        unpacked("w" if order is None else "given", "i1", bits, rows, blocks * block),
        "a = Identity (i0)" if order is None else reordered(order, blocks * block),
        ints("scale_shape", rows, blocks),
        "scale = Reshape (i2, scale_shape)",
        zero_points(call, bits, rows, blocks),
        f"d = DequantizeLinear <axis = 1, block_size = {block}> (w, scale, zero)",
        cut("m", "d", columns, blocks * block),
        "t = Transpose <perm = [1, 0]> (m)",
        "p = MatMul (a, t)",
        "o0 = Add (p, i5)" if call.has(5) else "o0 = Identity (p)",
    )


def order_of_blocks(call: Call, columns: int, block: int) -> Sequence[int] | None:
    """The columns sorted by their blocks, which operand 4 names; None where they are sorted already."""
    given = call.known(4)
    if given is None:
        call.refuse("has blocks of columns (g_idx) that are computed", hint="give them as a constant")
    if call.has(3):  # onnxruntime's kernel takes the middle of the range instead
        problem = "has blocks of columns (g_idx) and zero points, which onnxruntime does not compute"
        call.refuse(problem, hint="quantize the weights symmetrically, or without g_idx")
    named = given.reshape(-1)[:columns]
    order, sorted_blocks = np.argsort(named, kind="stable"), np.arange(columns) // block
    if not np.array_equal(named[order], sorted_blocks):
        problem = f"has columns of which not every {block} belong to one block"
        call.refuse(problem, hint="quantize the weights in blocks of equal size")
    return None if np.array_equal(named, sorted_blocks) else [int(column) for column in order]


def reordered(order: Sequence[int], whole: int) -> str:
    """The lines for columns of A and of the weights in this order; what fills the last block stays behind them."""
    return lines(
        ints("order", *order),
        ints("whole_order", *order, *range(len(order), whole)),
        "a = Gather <axis = -1> (i0, order)",
        "w = Gather <axis = 1> (given, whole_order)",
    )


def zero_points(call: Call, bits: int, rows: int, blocks: int) -> str:
    """One for each block; the middle of the range where none are given."""
    if not call.has(3):
        middle = f"middle = Constant <value = uint8 {{{1 << (bits - 1)}}}> ()"
        return f"{middle}\nzero = Expand (middle, scale_shape)"
    if not call.element(3).is_integer:
        call.refuse("has zero points that are floats", hint="quantize the weights with integer zero points")
    held = 8 // bits
    whole = -(-blocks // held) * held  # rows begin with a byte
    return lines(unpacked("points", "i3", bits, rows, whole), cut("zero", "points", blocks, whole))


def unpacked(result: str, source: str, bits: int, *shape: int) -> str:
    """The lines for bytes of this shape that hold few bits each, of those that hold several, the lower bits first."""
    shaped = ints(f"{result}_shape", *shape)
    if bits == 8:
        return lines(shaped, f"{result} = Reshape ({source}, {result}_shape)")
    parts = [
        lines(
            f"{result}_by{low} = Constant <value = uint8 {{{low}}}> ()",
            f'{result}_from{low} = BitShift <direction = "RIGHT"> ({source}, {result}_by{low})',
            f"{result}_low{low} = BitwiseAnd ({result}_from{low}, {result}_mask)",
            f"{result}_part{low} = Unsqueeze ({result}_low{low}, {result}_last)",
        )
        for low in range(0, 8, bits)
    ]
    joined = ", ".join(f"{result}_part{low}" for low in range(0, 8, bits))
    return lines(
        shaped,
        ints(f"{result}_last", -1),
        f"{result}_mask = Constant <value = uint8 {{{(1 << bits) - 1}}}> ()",
        *parts,
        f"{result}_all = Concat <axis = -1> ({joined})",
        f"{result} = Reshape ({result}_all, {result}_shape)",
    )


def cut(result: str, source: str, columns: int, whole: int) -> str:
    """The first places of the last axis."""
    if columns == whole:
        return f"{result} = Identity ({source})"
    return lines(
        ints(f"{result}_start", 0),
        ints(f"{result}_end", columns),
        ints(f"{result}_axis", -1),
        f"{result} = Slice ({source}, {result}_start, {result}_end, {result}_axis)",
    )


NORMAL_FLOATS = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
    *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634),
    *(0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
"""What the codes of NF4 stand for: sixteen quantiles of a normal distribution"""

FOUR_BIT_FLOATS = (0.0, 0.00520833333, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25)
"""What those of FP4 stand for, without their sign, which is the highest bit"""


@definition("MatMulBnb4")
def normal_matmul(call: Call) -> str:
    """A times a transposed matrix of codes; blocks go on from row to row, the higher bits of a byte first."""
    if not call.integer("transB", 1):
        call.refuse("has weights that it does not transpose", hint="export the model for inference")
    block, rows, columns = (call.integer(name, 0) for name in ("block_size", "N", "K"))
    values = NORMAL_FLOATS if call.integer("quant_type", 1) else FOUR_BIT_FLOATS
    values = values if len(values) == 16 else (*values, *(-value for value in values))
    blocks = -(-rows * columns // block)
    return lines(
        f"table_f32 = Constant <value = float[16] {{{', '.join(map(repr, values))}}}> ()",
        "table = CastLike (table_f32, i2)",
        "low = Constant <value = uint8 {15}> ()\nfour = Constant <value = uint8 {4}> ()",
        'first = BitShift <direction = "RIGHT"> (i1, four)\nsecond = BitwiseAnd (i1, low)',
        ints("behind", 1),
        ints("all", -1),
        "firsts = Unsqueeze (first, behind)\nseconds = Unsqueeze (second, behind)",
        "pairs = Concat <axis = 1> (firsts, seconds)\ncodes = Reshape (pairs, all)",
        "places = Cast <to = 6> (codes)\nvalues = Gather (table, places)",
        ints("spare", 0, blocks * block - 2 * call.shape(1)[0]),
        ints("blocks", blocks, block),
        "whole = Pad (values, spare)\nin_blocks = Reshape (whole, blocks)",
        "scales = Unsqueeze (i2, behind)\nscaled = Mul (in_blocks, scales)\nflat = Reshape (scaled, all)",
        cut("weights", "flat", rows * columns, blocks * block),
        ints("matrix", rows, columns),
        "m = Reshape (weights, matrix)",
        "t = Transpose <perm = [1, 0]> (m)\no0 = MatMul (i0, t)",
    )


@definition("GatherBlockQuantized")
def gather(call: Call) -> str:
    """Rows of a table, dequantized. Bytes hold several elements of the last axis; types of few bits hold one."""
    rank, bits, block = len(call.shape(0)), call.integer("bits", 4), call.integer("block_size", 128)
    at, along = (call.integer(name, default) % rank for name, default in (("gather_axis", 0), ("quantize_axis", 1)))
    packed = not call.is_format(0)
    if at == along or (packed and (bits not in PACKED or at != 0)):
        problem = f"looks up places of axis {at} of {bits} bits in a table that is quantized along axis {along}"
        call.refuse(problem, hint="look up rows of 2, 4 or 8 bits, and quantize along them")
    looked_up, held = len(call.shape(1)), bits if packed else 0
    whole = [*[0] * (rank + looked_up - 2), -1]
    zero = middle(held)
    if call.has(3):
        blocks, columns = call.shape(2)[-1], call.shape(3)[-1] * (8 // held if held else 1)
        zero = lines(looked_up_in(call, "points", 3, at, held, whole), cut("zero", "points", blocks, columns))
    axis = along + (looked_up - 1) * (along > at)
    return lines(
        looked_up_in(call, "w", 0, at, held, whole),
        f"scale = Gather <axis = {at}> (i2, i1)",
        zero,
        f"o0 = DequantizeLinear <axis = {axis}, block_size = {block}> (w, scale{', zero' if zero else ''})",
    )


def looked_up_in(call: Call, result: str, i: int, at: int, bits: int, whole: Sequence[int]) -> str:
    """The lines for rows of a table, of which a byte holds one element, or several of so many bits (unless 0)."""
    rows = f"{result}_rows = Gather <axis = {at}> (i{i}, i1)"
    return lines(
        rows, unpacked(result, f"{result}_rows", bits, *whole) if bits else f"{result} = Identity ({result}_rows)"
    )


def middle(bits: int) -> str:
    """The lines for zero points of packed bytes where none are given: the middle of the range. Others are 0."""
    if not bits:
        return ""
    point = f"middle = Constant <value = uint8 {{{1 << (bits - 1)}}}> ()"
    return f"{point}\nscale_shape = Shape (scale)\nzero = Expand (middle, scale_shape)"
