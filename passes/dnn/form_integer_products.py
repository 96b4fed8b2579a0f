"""`dnn-form-integer-products`: products of dequantized tensors become sums of integers, scaled at the end."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f32, i32
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp, ints
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.elementwise import AddOp, MulOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.pooling import MaxPoolOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, QuantizeLinearOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import ReshapeOp
from webdnn.dialects.element import element_of, shape_of
from webdnn.passes.dnn.centred_integers import Centred, Centring, factor_of, step_of
from webdnn.passes.dnn.rewriting import bodies, is_read_once, replace

LARGEST = 2**31 - 1
"""The greatest sum that an i32 holds."""

CLOSE = 1 / 16
"""By how many units of the sums a bias may miss an integer: a step of a result of 8 bits is many units."""


def widened(value: SSAValue, made: list[DnnOp]) -> SSAValue:
    """The elements as i32."""
    op = CastOp.of(value, to=i32)
    made.append(op)
    return op.output


def constant(array: Array, made: list[DnnOp]) -> SSAValue:
    op = constant_of(array)
    made.append(op)
    return op.output


def whole_units(bias: SSAValue | None, unit: Array) -> Array | None:
    """A constant bias in units of the sums, as quantization leaves it; None where it is none, or no integers."""
    given = None if bias is None else known(bias)
    if given is None or not unit.all():
        return None
    units = given.astype(np.float64) / unit
    rounded = np.rint(units)
    if not (np.abs(units - rounded).max(initial=0) <= CLOSE and np.abs(rounded).max(initial=0) <= LARGEST):
        return None
    return as_array(rounded.astype(np.int32))


def scaled(made: list[DnnOp], factor: Array) -> None:
    """The last result as f32, times a factor: one number where all are equal."""
    if factor.size and bool((factor == factor.flat[0]).all()):
        factor = as_array(np.array(factor.flat[0]))
    made.append(CastOp.of(made[-1].results[0], to=f32))
    sums = made[-1].results[0]
    made.append(MulOp(sums, constant(factor, made)))


@dataclass(frozen=True)
class Products:
    """The products of one function, of which no sum may exceed `limit`."""

    limit: int
    centring: Centring

    def fits(self, count: int, a: Centred, b: Centred, bias: Array | None = None) -> bool:
        """Is no sum of so many products beyond the limit, whatever the activations are?"""
        start = 0 if bias is None else int(np.abs(bias.astype(np.int64)).max(initial=0))
        return count * a.largest * b.largest + start <= self.limit

    def convolution(self, op: ConvOp) -> None:
        """conv(s·a, t·b, bias) -> conv(a, b, bias / (s·t)) · s·t, with one t for each output channel"""
        x, w = factor_of(op.input), factor_of(op.weight)
        outputs, *summed = shape_of(op.weight)
        if x is None or w is None or x.scale.ndim:
            return
        if w.scale.size != 1 and w.scale.shape[0] != w.scale.size:
            return
        unit = as_array(np.broadcast_to(x.scale.astype(np.float64) * w.scale.reshape(-1), (outputs,)))
        bias = whole_units(op.bias, unit)
        if not self.fits(prod(summed), x, w, bias):
            return
        made: list[DnnOp] = []
        start = None if bias is None else constant(bias, made)
        factors = [widened(self.centring.value(factor, made), made) for factor in (x, w)]
        own = {name: op.properties[name] for name in ("strides", "pads", "dilations", "groups")}
        made.append(ConvOp.of(*factors, start, **own))
        spatial = [1] * (len(shape_of(op.output)) - 2)
        scaled(made, as_array(unit.astype(np.float32).reshape(outputs, *spatial)))
        if op.bias and bias is None:  # what is no number of units is added at the end
            real = made[-1].results[0]
            made.append(ReshapeOp.of(op.bias, shape=ints([outputs, *spatial])))
            made.append(AddOp(real, made[-1].results[0]))
        replace(op, made)

    def product(self, op: MatmulOp) -> None:
        """(s·a) @ (t·b) -> (a @ b) · s·t, with one s for each row and one t for each column"""
        a, b = factor_of(op.lhs), factor_of(op.rhs)
        if a is None or b is None or not self.fits(shape_of(op.lhs)[-1], a, b):
            return
        if (a.scale.ndim and a.scale.shape[-1] != 1) or (b.scale.ndim and b.scale.shape[-2] != 1):
            return
        made: list[DnnOp] = []
        factors = [widened(self.centring.value(factor, made), made) for factor in (a, b)]
        made.append(MatmulOp.of(*factors))
        scaled(made, as_array((a.scale.astype(np.float64) * b.scale).astype(np.float32)))
        replace(op, made)


def read_centred(op: DequantizeLinearOp, centring: Centring) -> None:
    """dequantize(q, s, z) -> s · (q - z), where a product reads q - z: then nothing else needs q"""
    step = step_of(op)
    if step is None or (op.input, step.zero) not in centring.made:
        return
    made: list[DnnOp] = [CastOp.of(centring.centred(op), to=f32)]
    made.append(MulOp(made[0].results[0], constant(as_array(np.array(step.scale, np.float32)), made)))
    replace(op, made)


def merge_scales(op: QuantizeLinearOp) -> None:
    """quantize(sums · c, s) -> quantize(sums · (c / s), 1)"""
    product, step = op.input.owner, step_of(op)
    if step is None or not isinstance(product, MulOp) or not is_read_once(product.output):
        return
    sums, factor = product.lhs.owner, known(product.rhs)
    if factor is None or not isinstance(sums, CastOp) or element_of(sums.input.type) != i32:
        return
    step_factor = as_array((factor.astype(np.float64) / step.scale).astype(np.float32))
    if not np.isfinite(step_factor).all():
        return
    made: list[DnnOp] = []
    made.append(MulOp(product.lhs, constant(step_factor, made)))
    real, one = made[-1].results[0], constant(as_array(np.ones((), np.float32)), made)
    made.append(QuantizeLinearOp.of(real, one, op.zero_point, **op.properties))
    replace(op, made, product)


def keep_integers(op: QuantizeLinearOp) -> None:
    """quantize(max_pool(dequantize(q, s, z)), s, z) -> max_pool(q), where s > 0"""
    pool, step = op.input.owner, step_of(op)
    if not isinstance(pool, MaxPoolOp) or step is None or not is_read_once(pool.output):
        return
    source = pool.input.owner
    if not isinstance(source, DequantizeLinearOp) or step_of(source) != step or step.scale <= 0:
        return
    if element_of(source.input.type) == op.to:
        replace(op, [MaxPoolOp.of(source.input, **pool.properties)], pool)


def form(block: Block, limit: int) -> None:
    """Products first, then what else dequantizes the same integers, then scales: each goes by what is before it."""
    products = Products(limit, Centring())
    for op in list(block.ops):
        match op:
            case QuantizeLinearOp():
                keep_integers(op)
            case ConvOp():
                products.convolution(op)
            case MatmulOp():
                products.product(op)
            case _:
                pass
    for op in [op for op in block.ops if isinstance(op, DequantizeLinearOp)]:
        read_centred(op, products.centring)
    for op in [op for op in block.ops if isinstance(op, QuantizeLinearOp)]:
        merge_scales(op)


@dataclass(frozen=True)
class DnnFormIntegerProductsPass(ModulePass):
    """Convolutions and matrix products of dequantized tensors sum up integers, and scale the sums.

    Zero points are taken away before, so that padding is zero: from constants by the compiler, from activations where
    they are made, as integers of 16 bits, which all that dequantizes them then reads. A bias that is a number of units
    of the sums, as quantizers leave it, is what the sums start from. Where a quantization follows, both scales are one.
    The largest of several quantized elements of one scale is taken as an integer.

    Before:

        %x = dnn.dequantize_linear %q, %s, %z : (tensor<1x8x4x4xui8>, …) -> tensor<1x8x4x4xf32>
        %w = dnn.dequantize_linear %c, %t : (tensor<16x8x1x1xi8>, …) -> tensor<16x8x1x1xf32>
        %y = dnn.conv %x, %w {…} : (tensor<1x8x4x4xf32>, tensor<16x8x1x1xf32>) -> tensor<1x16x4x4xf32>

    After:

        %0 = dnn.cast %q {to = i16} …
        %1 = dnn.sub %0, %z …
        %2 = dnn.cast %1 {to = i32} …
        %3 = dnn.cast %c {to = i32} …
        %4 = dnn.conv %2, %3 {…} : (tensor<1x8x4x4xi32>, tensor<16x8x1x1xi32>) -> tensor<1x16x4x4xi32>
        %5 = dnn.cast %4 {to = f32} …
        %y = dnn.mul %5, %st …

    Leaves alone: integers of other than 8 bits, scales and zero points that are computed, scales that differ along an
    axis that is summed over, and sums that may exceed `limit`, which is what a target computes exactly.
    Run after `dnn-fold-constants`, which leaves quantized weights as they are, and before `dnn-select-algorithms`.
    """

    name = "dnn-form-integer-products"
    limit: int = LARGEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            form(block, self.limit)
