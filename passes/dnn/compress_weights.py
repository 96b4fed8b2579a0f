"""`dnn-compress-weights`: large float weights become few bits each, and what decodes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Operation, SSAValue, Use
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp, integer
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.dnn.recurrence import RecurrentOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import array_of, constant_of
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.rewriting import bodies
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.quantization import Floats, Quantized, pack_nibbles, quantize, relative_error

PLAIN = "f32"
FORMATS = ("q4", "q8", "f16")
"""What weights may become, the smallest first: where one does not suit a weight, the next one is tried."""

SMALLEST = 1024
"""Elements of a weight that is worth compressing."""

BLOCK = 32
"""Neighbours along the axis that a product sums over which share the scale of integers of four bits."""

LARGEST_ERRORS: Mapping[str, float] = {"q4": 0.15, "q8": 0.03, "f16": 1e-3}
"""Of a weight, as a part of it (roots of mean squares); numbers of a normal distribution err by 0.1, 0.01 and 4e-5."""


@dataclass(frozen=True)
class Role:
    """How an operator uses a weight: the axis that it sums over, or copies, and the one place of all else, if any.

    With `kept`, one scale serves everything at a place of that axis: the weights of one output channel.
    """

    axis: int
    kept: int | None = None


def role_of(use: Use) -> Role | None:
    """The role of a weight; None where its operator is none of those whose weights are compressed."""
    op, at = use.operation, use.index
    value = op.operands[at]
    rank = len(shape_of(value))
    match op:
        case ConvOp() if value is op.weight and at == 1:
            return Role(1, kept=0)
        case ConvTransposeOp() if value is op.weight and at == 1:
            return Role(0, kept=1)
        case MatmulOp() if rank >= 2:
            return Role(rank - 1 if at == 0 else rank - 2)
        case RecurrentOp() if at in (1, 2):
            return Role(2)
        case GatherOp() if at == 0 and rank >= 2 and op.axis.value.data < rank - 1:
            return Role(rank - 1)
        case _:
            return None


def why_left(op: ConstantOp, smallest: int = SMALLEST) -> str | None:
    """Why a constant keeps its elements whatever the format; None where it may be compressed."""
    element, size = element_type(op.output.type), int(np.prod(shape_of(op.output)))
    if not element.is_float:
        return "integers and tables of indices"
    if element.name != PLAIN:
        return f"elements of {element.name}"
    roles = {role_of(use) for use in op.output.uses}
    if len(roles) != 1 or None in roles:
        return "biases and operands of other operators than products, recurrent layers and gathers"
    if size < smallest:
        return f"weights of fewer than {smallest} elements"
    return None


@dataclass(frozen=True)
class Decoder:
    """The operators that make a weight again; `exact` is what they give."""

    ops: Sequence[DnnOp]
    exact: Floats


def integers_of(array: Floats, role: Role, bits: int) -> Quantized:
    """A weight as integers: with four bits one scale for a block, with more one for all that one result sums over."""
    if bits < 8:
        return quantize(array, role.axis, BLOCK, bits)
    if role.kept is None:
        return quantize(array, role.axis, array.shape[role.axis], bits)
    rows = np.moveaxis(array, role.kept, 0)
    found = quantize(rows.reshape(len(rows), -1), 1, rows[0].size, bits)
    integers = np.moveaxis(found.integers.reshape(rows.shape), 0, role.kept)
    return Quantized(np.ascontiguousarray(integers), found.scales.reshape(-1), role.kept, 1)


def dequantized(q: SSAValue, scales: SSAValue, of: Quantized) -> DequantizeLinearOp:
    block = of.block if of.scales.ndim == of.integers.ndim else 0
    return DequantizeLinearOp.of(q, scales, None, axis=integer(of.axis), block_size=integer(block))


def as_bytes(array: Floats, role: Role) -> Decoder:
    """w -> dequantize(q, s), with integers of eight bits"""
    return as_integers(array, role, 8)


def as_integers(array: Floats, role: Role, bits: int) -> Decoder:
    """w -> dequantize(q, s), with integers of eight or sixteen bits"""
    found = integers_of(array, role, bits)
    q, scales = constant_of(as_array(found.integers)), constant_of(as_array(found.scales))
    return Decoder([q, scales, dequantized(q.output, scales.output, found)], decoded(found))


def as_nibbles(array: Floats, role: Role) -> Decoder | None:
    """w -> dequantize(unpack(p), cast(s)), with pairs of integers of four bits, and scales in f16"""
    extent = array.shape[role.axis]
    if extent % 2 or extent < BLOCK:
        return None
    found = integers_of(array, role, 4)
    packed = constant_of(as_array(pack_nibbles(found.integers, role.axis)))
    q = UnpackNibblesOp.of(packed.output, axis=integer(role.axis))
    halves = constant_of(as_array(found.scales.astype(np.float16)))
    scales = CastOp.of(halves.output, to=f32)
    return Decoder([packed, q, halves, scales, dequantized(q.output, scales.output, found)], found.decoded())


def as_words(array: Floats, role: Role) -> Decoder:
    """w -> dequantize(q, s), with integers of sixteen bits, or cast(h), with half floats, if these err less"""
    with np.errstate(over="ignore"):
        halves = array.astype(np.float16)
    integers, rounded = as_integers(array, role, 16), halves.astype(np.float32)
    if relative_error(array, integers.exact) <= relative_error(array, rounded):
        return integers
    constant = constant_of(as_array(halves))
    return Decoder([constant, CastOp.of(constant.output, to=f32)], rounded)


def decoded(found: Quantized) -> Floats:
    """What the integers stand for, where their scales are one for each place of an axis too."""
    if found.scales.ndim == found.integers.ndim:
        return found.decoded()
    shape = [-1 if axis == found.axis else 1 for axis in range(found.integers.ndim)]
    return found.integers.astype(np.float32) * found.scales.reshape(shape)


ENCODERS: Mapping[str, Callable[[Floats, Role], Decoder | None]] = {
    "q4": as_nibbles,
    "q8": as_bytes,
    "f16": as_words,
}


def encoded(array: Floats, role: Role, format: str) -> Decoder | None:
    """The smallest of the format and the wider ones that suits a weight; None where none does."""
    if not np.isfinite(array).all():
        return None
    for name in FORMATS[FORMATS.index(format) :]:
        found = ENCODERS[name](array, role)
        if found and relative_error(array, found.exact) <= LARGEST_ERRORS[name]:
            return found
    return None


def compress(op: ConstantOp, format: str, smallest: int) -> None:
    """constant w -> decode(constant of fewer bits)"""
    if why_left(op, smallest):
        return
    role = next(role for use in op.output.uses if (role := role_of(use)))
    found = encoded(array_of(op).astype(np.float32, copy=False), role, format)
    if found is None:
        return
    for made in found.ops:
        made.location = op.location
    result = found.ops[-1].results[0]
    result.name_hint = op.output.name_hint
    Rewriter.insert_op(found.ops, InsertPoint.before(op))
    op.output.replace_all_uses_with(result)
    Rewriter.erase_op(op)


@dataclass(frozen=True)
class DnnCompressWeightsPass(ModulePass):
    """Store float weights in fewer bits; what reads them reads what is decoded from them, in f32.

    `format` is `f16` (integers of sixteen bits with a scale for all that a result sums over, or half floats where those
    err less), `q8` (such integers of eight bits), `q4` (integers of four bits, with half floats as scales of 32), or
    `f32`, which does nothing.

    Before (format=q8):

        %w = dnn.constant #dnn.weight<… : tensor<64x48xf32>> : tensor<64x48xf32>
        %y = dnn.matmul %x, %w : …

    After:

        %q = dnn.constant #dnn.weight<… : tensor<64x48xi8>> : tensor<64x48xi8>
        %s = dnn.constant #dnn.weight<… : tensor<1x48xf32>> : tensor<1x48xf32>
        %w = dnn.dequantize_linear %q, %s {axis = 0 : i64, block_size = 64 : i64} : …
        %y = dnn.matmul %x, %w : …

    Leaves alone: weights of less than `smallest` elements, of other types than f32, of other operators than
    convolutions, products of two operands, recurrent layers and gathers, and those that would err by too much; where a
    format does not suit a weight the next wider one is taken. Run after `dnn-fold-constants`, which would decode small
    weights again, and after all that looks at the elements of weights.
    """

    name = "dnn-compress-weights"
    format: str = PLAIN
    smallest: int = SMALLEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.format == PLAIN:
            return
        if self.format not in FORMATS:
            raise DiagnosticError(
                f"there is no format '{self.format}' of weights", hint=f"name one of {', '.join((PLAIN, *FORMATS))}"
            )
        for block in bodies(op):
            constants: list[Operation] = list(block.ops)
            for constant in constants:
                if isinstance(constant, ConstantOp):
                    compress(constant, self.format, self.smallest)
