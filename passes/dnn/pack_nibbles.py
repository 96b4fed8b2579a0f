"""`dnn-pack-nibbles`: integers of a weight that need four bits are stored two in a byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import integer
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import array_of, constant_of, known
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.compress_weights import SMALLEST, role_of
from webdnn.passes.dnn.rewriting import bodies, erase_dead
from webdnn.support.quantization import pack_nibbles

Integers = NDArray[np.int16]

LEAST, GREATEST = -8, 7
"""The integers of four bits"""


def axes_of(op: DequantizeLinearOp) -> Iterator[int]:
    """Axes along which two may share a byte: best those that products sum over, then the one that blocks lie along."""
    for use in op.output.uses:
        if role := role_of(use):
            yield role.axis
    along = op.axis.value.data
    if op.block_size.value.data:
        yield along
    yield from (axis for axis in range(len(shape_of(op.input))) if axis != along)


def shift_of(weight: Integers, zero: Integers) -> int | None:
    """What is taken from integers and zero points so that the former need four bits: one zero point for all, or any."""
    low, high, first = int(weight.min()), int(weight.max()), int(zero.flat[0])
    centred = bool((zero == first).all()) and low - first >= LEAST and high - first <= GREATEST
    shift = first if centred else low - LEAST
    fits = high - shift <= GREATEST and zero.min() - shift >= -128 and zero.max() - shift <= 127
    return shift if fits else None


def packed(op: DequantizeLinearOp, smallest: int) -> list[Operation] | None:
    """dequantize(w, s, z) -> dequantize(unpack(w - c), s, z - c), for a number c; None where no c leaves four bits."""
    constant, shape = op.input.owner, shape_of(op.input)
    axis = next((axis for axis in axes_of(op) if shape[axis] % 2 == 0), None)
    given = known(op.zero_point) if op.zero_point else np.zeros((), np.int8)
    if not isinstance(constant, ConstantOp) or not op.input.has_one_use() or axis is None or given is None:
        return None
    if element_type(op.input.type).bits != 8 or np.prod(shape, dtype=np.int64) < max(smallest, 1):
        return None
    weight, zero = array_of(constant).astype(np.int16), given.astype(np.int16)
    shift = shift_of(weight, zero)
    if shift is None:
        return None
    stored = constant_of(as_array(pack_nibbles((weight - shift).astype(np.int8), axis)))
    q = UnpackNibblesOp.of(stored.output, axis=integer(axis))
    points = np.broadcast_to((zero - shift).astype(np.int8), shape_of(op.scale))
    point = constant_of(as_array(np.array(points, order="C"))) if points.any() else None
    decoded = DequantizeLinearOp.of(q.output, op.scale, point and point.output, axis=op.axis, block_size=op.block_size)
    return [stored, q, *([point] if point else []), decoded]


def pack(op: DequantizeLinearOp, made: list[Operation]) -> None:
    """Put these operators in the place of one, and forget what nobody reads any more."""
    for new in made:
        new.location = op.location
    made[-1].results[0].name_hint = op.output.name_hint
    Rewriter.insert_op(made, InsertPoint.before(op))
    op.output.replace_all_uses_with(made[-1].results[0])
    erase_dead(op)


@dataclass(frozen=True)
class DnnPackNibblesPass(ModulePass):
    """Store weights two elements in a byte where all of their integers lie within four bits, as they are or shifted.

    Models quantized to four bits have them in bytes once they are taken apart. The number that the integers are
    shifted by is their zero point, if there is one for all, which is zero afterwards and left out.

    Before:

        %w = dnn.constant #dnn.weight<… : tensor<64x48xui8>> : tensor<64x48xui8>
        %z = dnn.constant dense<8> : tensor<2x48xui8> : tensor<2x48xui8>
        %x = dnn.dequantize_linear %w, %s, %z {axis = 0 : i64, block_size = 32 : i64} : …

    After:

        %p = dnn.constant #dnn.weight<… : tensor<32x48xui8>> : tensor<32x48xui8>
        %q = dnn.unpack_nibbles %p {axis = 0 : i64} : (tensor<32x48xui8>) -> tensor<64x48xi8>
        %x = dnn.dequantize_linear %q, %s {axis = 0 : i64, block_size = 32 : i64} : …

    Leaves alone: weights of less than `smallest` elements, of a wider range, that are read otherwise too, or without an
    axis of even extent besides that of their scales; zero points that are computed. Run after
    `dnn-form-integer-products`, which wants integers as they are, and not before `dnn-fold-constants`, which would take
    them apart again.
    """

    name = "dnn-pack-nibbles"
    smallest: int = SMALLEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for operator in list(block.ops):
                if isinstance(operator, DequantizeLinearOp) and (made := packed(operator, self.smallest)):
                    pack(operator, made)
