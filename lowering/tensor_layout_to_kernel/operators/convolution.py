"""Kernel forms of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import narrowed
from webdnn.lowering.tensor_layout_to_kernel.operators.window import places, read_or, tap_names
from webdnn.lowering.tensor_layout_to_kernel.operators.winograd import in_tiles
from webdnn.support.index import ZERO, Index, floordiv, mod


def group_of(channel: Index, channels: int, groups: int) -> Index:
    """The group of an output channel."""
    return floordiv(channel, channels // groups, range_of) if groups > 1 else ZERO


@lowers(ConvOp)
def conv(op: ConvOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, o, p] = bias[o] + sum(k, c) x[n, group(o)·C/G + c, p·stride + k·dilation - pad] · w[o, c, k], zero outside.

    The kernel's taps are the outer axes of the reduction, its channels the inner one.
    """
    if op.winograd:
        return in_tiles(op, low, op.winograd.get_values())
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    outputs, inputs, *taps = shape_of(op.weight)
    spatial, scalar = range(2, 2 + len(taps)), low.scalar(op.output)

    def point(body: Body, n: Index, o: Index, *at: Index) -> SSAValue:
        channels = group_of(o, outputs, op.groups.value.data) * inputs

        def product(inner: Body, *k: Index) -> SSAValue:
            *tap, c = k
            place = [n, channels + c, *places(at, tap, strides, dilations, pads)]
            x = read_or(low, inner, op.input, place, inner.constant(0, scalar), spatial)
            return inner.times(x, low.read(inner, op.weight, [o, c, *tap]))

        names = " ".join([*tap_names(len(taps)), "ci"])
        init = low.read(body, op.bias, [o]) if op.bias else None
        total = body.reduce(ReduceKind.ADD, [*taps, inputs], product, names=names, init=init, type=scalar)
        return narrowed(body, total, element_type(op.output.type))

    return low.compute([op.output], point)


@dataclass(frozen=True)
class Phase:
    """Which taps of a transposed convolution reach a place along one axis: those congruent to it modulo the stride.

    Element r and tap t reach place p where r·stride + t·dilation = p + pad. With the common factor g of stride and
    dilation taken out there is a solution only where g divides p + pad, and then every (stride / g)-th tap is one.
    """

    taps: int
    stride: int
    dilation: int
    pad: int

    @property
    def common(self) -> int:
        return gcd(self.stride, self.dilation)

    @property
    def period(self) -> int:
        return self.stride // self.common

    @property
    def steps(self) -> int:
        """How many taps reach a place, at most."""
        return -(-self.taps // self.period)

    def tap_and_row(self, place: Index, step: Index) -> tuple[Index, Index]:
        """The tap and the element that meet at a place; either may lie outside."""
        quotient, dilation = floordiv(place + self.pad, self.common, range_of), self.dilation // self.common
        inverse = pow(dilation, -1, self.period) if self.period > 1 else 0
        tap = mod(quotient * inverse, self.period, range_of) + step * self.period
        return tap, floordiv(quotient - tap * dilation, self.period, range_of)

    def remainder(self, place: Index) -> Index:
        """Zero where any tap reaches a place."""
        return mod(place + self.pad, self.common, range_of)


@lowers(ConvTransposeOp)
def conv_transpose(op: ConvTransposeOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, o, p] = bias[o] + sum(k, c) x[n, group(o)·C/G + c, row(p, k)] · w[o, c, tap(p, k)], zero outside.

    The sum runs over the taps of the place's phase alone. Where their number is ragged, a tap beyond the kernel has
    the weight zero.
    """
    if op.winograd:
        return in_tiles(op, low, op.winograd.get_values())
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    outputs, inputs, *taps = shape_of(op.weight)
    phases = [Phase(*p) for p in zip(taps, strides, dilations, pads[: len(taps)], strict=True)]
    ragged = [phase for phase in phases if phase.common > 1]
    spatial, scalar = range(2, 2 + len(taps)), low.scalar(op.output)

    def point(body: Body, n: Index, o: Index, *at: Index) -> SSAValue:
        channels = group_of(o, outputs, op.groups.value.data) * inputs

        def product(inner: Body, *k: Index) -> SSAValue:
            *steps, c = k
            met = [phase.tap_and_row(p, step) for phase, p, step in zip(phases, at, steps, strict=True)]
            zero = inner.constant(0, scalar)
            x = read_or(low, inner, op.input, [n, channels + c, *(row for _, row in met)], zero, spatial)
            w = read_or(low, inner, op.weight, [o, c, *(tap for tap, _ in met)], zero, spatial)
            return inner.times(x, w)

        names = " ".join([*tap_names(len(taps)), "ci"])
        init = low.read(body, op.bias, [o]) if op.bias else body.constant(0, scalar)
        sizes = [*(phase.steps for phase in phases), inputs]
        total = body.reduce(ReduceKind.ADD, sizes, product, names=names, init=init, type=scalar)
        if ragged:
            remainders = [phase.remainder(p) for phase, p in zip(phases, at, strict=True) if phase.common > 1]
            total = body.select(body.inside(remainders, [1] * len(remainders)), total, init)
        return narrowed(body, total, element_type(op.output.type))

    return low.compute([op.output], point)
