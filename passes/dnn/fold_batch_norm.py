"""`dnn-fold-batch-norm`: batch normalizations become part of the weights before them, or one scale and one bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.elementwise import AddOp, MulOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.normalization import BatchNormOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.passes.dnn.rewriting import bodies, is_read_once, replace


class Affine(NamedTuple):
    """`x * scale + bias` for each channel, in f64; `dtype` is that of the elements."""

    scale: Array
    bias: Array
    dtype: np.dtype[np.generic]

    def stored(self, array: Array) -> ConstantOp:
        """A constant of the element type."""
        return constant_of(as_array(np.asarray(array).astype(self.dtype)))


def affine_of(op: BatchNormOp) -> Affine | None:
    """(x - m) / sqrt(v + e) * s + b -> x * (s / sqrt(v + e)) + (b - m * s / sqrt(v + e)), where all are constants."""
    arrays = [known(v) for v in (op.scale, op.bias, op.mean, op.variance)]
    scale, bias, mean, variance = (None if a is None else as_array(a.astype(np.float64)) for a in arrays)
    if arrays[0] is None or scale is None or bias is None or mean is None or variance is None:
        return None
    factor = scale / np.sqrt(variance + op.epsilon.value.data)
    return Affine(as_array(factor), as_array(bias - mean * factor), arrays[0].dtype)


def fold_into_convolution(op: BatchNormOp, affine: Affine) -> bool:
    """batch_norm(conv(x, w, b)) -> conv(x, w * scale, b * scale + bias), when nobody else reads the convolution."""
    conv = op.input.owner
    if not isinstance(conv, ConvOp | ConvTransposeOp) or not is_read_once(op.input):
        return False
    w, b = known(conv.weight), known(conv.bias) if conv.bias else None
    if w is None or (conv.bias and b is None):
        return False
    weight = affine.stored(as_array(w * affine.scale.reshape(-1, *[1] * (w.ndim - 1))))
    bias = affine.stored(affine.bias if b is None else as_array(b * affine.scale + affine.bias))
    new = type(conv).of(conv.input, weight.output, bias.output, **conv.properties)
    replace(op, [weight, bias, new], conv)
    return True


def fold_into_matmul(op: BatchNormOp, affine: Affine) -> bool:
    """batch_norm(matmul(x, w) + b) -> matmul(x, w * scale) + (b * scale + bias), of matrices with constant w and b."""
    sum, product, bias = op.input.owner, op.input, affine.bias
    if isinstance(sum, AddOp) and is_read_once(op.input):
        product, addend = (sum.lhs, sum.rhs) if known(sum.lhs) is None else (sum.rhs, sum.lhs)
        b = known(addend)
        if b is None or b.size not in (1, *b.shape[-1:]) or tensor_type(product) != tensor_type(op.input):
            return False
        bias = as_array(b.reshape(-1) * affine.scale + affine.bias)
    matmul = product.owner
    if not isinstance(matmul, MatmulOp) or not is_read_once(product) or len(shape_of(product)) != 2:
        return False
    w = known(matmul.rhs)
    if w is None:
        return False
    weight, addend = affine.stored(as_array(w * affine.scale)), affine.stored(bias)
    new = MatmulOp.of(matmul.lhs, weight.output)
    merged: list[Operation] = [matmul] if sum is matmul else [matmul, *([sum] if isinstance(sum, AddOp) else [])]
    replace(op, [weight, addend, new, AddOp(new.output, addend.output)], *merged)
    return True


def become_scale_and_bias(op: BatchNormOp, affine: Affine) -> None:
    """batch_norm(x) -> x * scale + bias"""
    shape = (-1, *[1] * (len(shape_of(op.input)) - 2))
    scale, bias = (affine.stored(as_array(v.reshape(shape))) for v in (affine.scale, affine.bias))
    product = MulOp(op.input, scale.output)
    replace(op, [scale, bias, product, AddOp(product.output, bias.output)])


@dataclass(frozen=True)
class DnnFoldBatchNormPass(ModulePass):
    """Fold batch normalizations by known numbers into the convolution or product of matrices before them.

    Before:

        %c = dnn.conv %x, %w {…} : …
        %y = dnn.batch_norm %c, %scale, %bias, %mean, %variance {epsilon = 1.0e-5 : f64} : …

    After:

        %y = dnn.conv %x, %w_scaled, %new_bias {…} : …

    One that stands alone, or whose convolution is read elsewhere too, becomes `x * scale + bias`. Leaves alone: those
    with parameters that are computed. Run after `dnn-fold-constants`.
    """

    name = "dnn-fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for norm in list(block.ops):
                if not isinstance(norm, BatchNormOp) or (affine := affine_of(norm)) is None:
                    continue
                if not fold_into_convolution(norm, affine) and not fold_into_matmul(norm, affine):
                    become_scale_and_bias(norm, affine)
