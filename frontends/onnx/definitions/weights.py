"""Definitions of products with weights of few bits in blocks, each of which has a scale."""

from __future__ import annotations

from webdnn.frontends.onnx.definitions.definition import Call, definition, ints, lines


@definition("MatMulNBits")
def matmul(call: Call) -> str:
    """A times the transposed matrix of N rows and K columns; blocks lie along the rows, the lower bits first."""
    call.refuse_operands(4, hint="export the weights in the order of their columns, without g_idx")
    bits, block = call.integer("bits", 4), call.integer("block_size", 0)
    rows, columns = call.integer("N", 0), call.integer("K", 0)
    if bits not in (4, 8):
        call.refuse(f"has weights of {bits} bits", hint="quantize the weights to 4 or 8 bits")
    blocks = -(-columns // block)
    return lines(
        unpacked("w", "i1", bits, rows, blocks * block),
        ints("scale_shape", rows, blocks),
        "scale = Reshape (i2, scale_shape)",
        zero_points(call, bits, rows, blocks),
        f"d = DequantizeLinear <axis = 1, block_size = {block}> (w, scale, zero)",
        cut("m", "d", columns, blocks * block),
        "t = Transpose <perm = [1, 0]> (m)",
        "p = MatMul (i0, t)",
        "o0 = Add (p, i5)" if call.has(5) else "o0 = Identity (p)",
    )


def zero_points(call: Call, bits: int, rows: int, blocks: int) -> str:
    """One for each block; the middle of the range where none are given."""
    if not call.has(3):
        middle = f"middle = Constant <value = uint8 {{{1 << (bits - 1)}}}> ()"
        return f"{middle}\nzero = Expand (middle, scale_shape)"
    if not call.element(3).is_integer:
        call.refuse("has zero points that are floats", hint="quantize the weights with integer zero points")
    whole = blocks + blocks % 2 if bits == 4 else blocks  # rows begin with a byte
    return lines(unpacked("points", "i3", bits, rows, whole), cut("zero", "points", blocks, whole))


def unpacked(result: str, source: str, bits: int, rows: int, columns: int) -> str:
    """The lines for a matrix of bytes, of packed ones."""
    shape = ints(f"{result}_shape", rows, columns)
    if bits == 8:
        return f"{shape}\n{result} = Reshape ({source}, {result}_shape)"
    return lines(
        shape,
        ints(f"{result}_last", -1),
        f"{result}_low = Constant <value = uint8 {{15}}> ()\n{result}_four = Constant <value = uint8 {{4}}> ()",
        f"{result}_even = BitwiseAnd ({source}, {result}_low)",
        f'{result}_odd = BitShift <direction = "RIGHT"> ({source}, {result}_four)',
        f"{result}_first = Unsqueeze ({result}_even, {result}_last)",
        f"{result}_second = Unsqueeze ({result}_odd, {result}_last)",
        f"{result}_pairs = Concat <axis = -1> ({result}_first, {result}_second)",
        f"{result} = Reshape ({result}_pairs, {result}_shape)",
    )


def cut(result: str, source: str, columns: int, whole: int) -> str:
    """The first columns of a matrix."""
    if columns == whole:
        return f"{result} = Identity ({source})"
    return lines(
        ints(f"{result}_start", 0),
        ints(f"{result}_end", columns),
        ints(f"{result}_axis", 1),
        f"{result} = Slice ({source}, {result}_start, {result}_end, {result}_axis)",
    )
