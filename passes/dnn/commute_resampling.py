"""`dnn-commute-resampling`: a convolution of one pixel, and means or interpolation, in the cheaper order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.base import DnnOp, ints
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.pooling import AveragePoolOp
from webdnn.dialects.dnn.reduction import ReduceMeanOp
from webdnn.dialects.dnn.resize import ResizeOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.rewriting import bodies, is_read_once, replace

TRAFFIC = 16
"""Multiply-adds in the time of storing an element between two operators and reading it again."""

SAMPLES = {"nearest": 1, "linear": 2, "cubic": 4}
"""Elements along each axis that an interpolated one is made of, by the mode of a resize."""


def is_pointwise(op: Operation) -> bool:
    """Does each pixel of the result depend on that pixel of the input alone, by one matrix for all?"""
    if not isinstance(op, ConvOp) or op.winograd is not None or not element_type(op.input.type).is_float:
        return False
    return set(shape_of(op.weight)[2:]) | set(op.strides.get_values()) == {1} and not any(op.pads.get_values())


def samples(op: Operation) -> int | None:
    """How many pixels a sampled one is a sum of, by one list of weights for all channels; None where it is no sum."""
    match op:
        case AveragePoolOp():
            return prod(op.kernel.get_values())
        case ReduceMeanOp() if op.keepdims.value.data and min(op.axes.get_values(), default=0) > 1:
            return prod(shape_of(op.input)[axis] for axis in op.axes.get_values())
        case ResizeOp() if op.coordinates.data != "tf_crop_and_resize" and min(op.resized_axes, default=0) > 1:
            return SAMPLES[op.mode.data] ** len(op.resized_axes)
        case _:
            return None


def keeps_constants(op: Operation) -> bool:
    """Do the weights of every sampled pixel sum up to 1? Then a bias may be added before or after."""
    return not isinstance(op, AveragePoolOp) or not (op.count_include_pad.value.data and any(op.pads.get_values()))


def cost(convolution: ConvOp, pixels: int, sampled: int, channels: int, between: int) -> int:
    """Multiply-adds of a convolution at so many pixels, of `sampled` sums of `channels`, and of what lies between."""
    _, inputs, *_ = shape_of(convolution.weight)
    return pixels * inputs * shape_of(convolution.output)[1] + sampled * channels + TRAFFIC * between * channels


def is_better(convolution: ConvOp, sampling: Operation, sampling_first: bool) -> bool:
    """Is the other order cheaper? `sampling_first` tells which one there is."""
    taken = samples(sampling)
    assert taken is not None
    channels, results = shape_of(convolution.input)[1], shape_of(convolution.output)[1]
    before, after = (prod(shape_of(v)) // shape_of(v)[1] for v in (sampling.operands[0], sampling.results[0]))
    first = cost(convolution, after, after * taken, channels, after)
    last = cost(convolution, before, after * taken, results, before)
    return last < first if sampling_first else first < last


def again(op: Operation, value: SSAValue) -> DnnOp:
    """The same operator on another value."""
    assert isinstance(op, ConvOp | AveragePoolOp | ReduceMeanOp | ResizeOp)
    match op:
        case ConvOp():
            return ConvOp.of(value, op.weight, op.bias, **op.properties)
        case ResizeOp():
            batch, channels, *_ = shape_of(value)
            sizes = op.sizes.get_values()
            return ResizeOp.of(value, **{**op.properties, "sizes": ints([batch, channels, *sizes[2:]])})
        case _:
            return type(op).of(value, **op.properties)


def commuted(op: Operation) -> Sequence[DnnOp] | None:
    """The operator and the one before it in the other order, if they commute and that is cheaper."""
    inner = op.operands[0].owner if op.operands else None
    if not isinstance(inner, DnnOp) or not is_read_once(op.operands[0]):
        return None
    sampling_first = samples(inner) is not None
    convolution, sampling = (op, inner) if sampling_first else (inner, op)
    if not isinstance(convolution, ConvOp) or not is_pointwise(convolution) or samples(sampling) is None:
        return None
    if convolution.bias and not keeps_constants(sampling):
        return None
    if not is_better(convolution, sampling, sampling_first):
        return None
    first = again(op, inner.operands[0])
    return [first, again(inner, first.results[0])]


@dataclass(frozen=True)
class DnnCommuteResamplingPass(ModulePass):
    """Compute a convolution of one pixel where the map is small: after means, before interpolation.

    Both are linear, one along channels and the other along pixels, so that either order gives the same but for
    rounding. A cost decides: multiply-adds, and what lies between the two.

    Before:

        %c = dnn.conv %x, %w {…} : (tensor<1x64x28x28xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x28x28xf32>
        %y = dnn.average_pool %c {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, …} : …

    After:

        %p = dnn.average_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, …} : …
        %y = dnn.conv %p, %w {…} : (tensor<1x64x14x14xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x14x14xf32>

    Leaves alone: other convolutions, integers, what others read too, a bias where zeros of the padding are counted,
    regions that may lie outside, and what gains nothing. Run after `dnn-aggregate-constants`, which makes scales and
    biases between the two part of the convolution.
    """

    name = "dnn-commute-resampling"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for operator in list(block.ops):
                commute(operator)


def commute(op: Operation) -> None:
    """Put an operator before the one before it, as often as that is cheaper."""
    made = commuted(op) if op.parent else None
    if made:
        inner = op.operands[0].owner
        assert isinstance(inner, DnnOp)
        replace(op, made, inner)
        commute(made[0])
