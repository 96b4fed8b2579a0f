"""`dnn-absorb-moves`: padding, and channels in another order, become part of the operators that read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import inf, prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.activation import ClipOp
from webdnn.dialects.dnn.base import DnnOp, flag, ints
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.elementwise import ReluOp, SigmoidOp
from webdnn.dialects.dnn.pooling import AveragePoolOp, MaxPoolOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.dnn.traits import Moving
from webdnn.dialects.element import shape_of
from webdnn.passes.dnn.rewriting import as_moved, bodies, is_read_once, replace


def spatial_pads(op: PadOp) -> list[int] | None:
    """What is added before each spatial axis of (N, C, spatial…), then behind each; None where that is not all."""
    pads, rank = list(op.pads.get_values()), len(shape_of(op.input))
    axes = [*range(2), *range(rank, rank + 2)]
    if op.mode.data != "constant" or min(pads) < 0 or any(pads[axis] for axis in axes):
        return None
    return [pads[axis] for axis in range(2 * rank) if axis not in axes]


def added(op: PadOp) -> float | None:
    """The number that is padded with."""
    value = known(op.value) if op.value else np.zeros(())
    return None if value is None else float(value.reshape(-1)[0])


def padded_convolution(op: ConvOp) -> Sequence[Operation] | None:
    """conv(pad(x)) -> conv(x){pads}, where zeros are added to spatial axes."""
    pad = op.input.owner
    if not isinstance(pad, PadOp) or added(pad) != 0 or (more := spatial_pads(pad)) is None:
        return None
    pads = ints([a + b for a, b in zip(op.pads.get_values(), more, strict=True)])
    return [ConvOp.of(pad.input, op.weight, op.bias, **{**op.properties, "pads": pads})]


def padded_pool(op: AveragePoolOp | MaxPoolOp) -> Sequence[Operation] | None:
    """pool(pad(x)) -> pool(x){pads}: an average that counts zeros, or a largest element that they cannot be."""
    pad = op.input.owner
    if not isinstance(pad, PadOp) or any(op.pads.get_values()) or op.ceil_mode.value.data:
        return None
    more, number = spatial_pads(pad), added(pad)
    if more is None or number is None:
        return None
    if isinstance(op, AveragePoolOp):
        counted = {"count_include_pad": flag(True)}
        return [AveragePoolOp.of(pad.input, **{**op.properties, **counted, "pads": ints(more)})] if not number else None
    if number != -inf and not (number == 0 and is_positive(pad.input) and reaches_inside(op, more)):
        return None
    return [MaxPoolOp.of(pad.input, **{**op.properties, "pads": ints(more)})]


def is_positive(value: SSAValue) -> bool:
    """Is no element below zero, whatever the inputs are?"""
    op = value.owner
    low = op.low if isinstance(op, ClipOp) else None
    return isinstance(op, ReluOp | SigmoidOp) or (isinstance(low, FloatAttr) and low.value.data >= 0)


def reaches_inside(op: MaxPoolOp, pads: Sequence[int]) -> bool:
    """Does each window see an element that is no padding?"""
    dense = set(op.dilations.get_values()) == {1}
    return dense and all(extent > most for extent in op.kernel.get_values() for most in [max(pads)])


def shuffled(value: SSAValue) -> tuple[SSAValue, list[int]] | None:
    """The value before some moves, and the channel of it that each channel is, where they do nothing else."""
    source, shape = value, shape_of(value)
    moves: list[DnnOp] = []
    while isinstance(source.owner, DnnOp) and source.owner.has_trait(Moving) and is_read_once(source):
        moves.insert(0, source.owner)
        source = source.owner.operands[0]
    if not moves or len(shape) < 2 or shape_of(source) != shape:
        return None
    places = as_array(np.arange(prod(shape)).reshape(shape))
    found = reduce(lambda array, move: as_moved(move, array), moves, places)
    channels = [int(place) // prod(shape[2:]) for place in found.reshape(*shape[:2], -1)[0, :, 0]]
    alike = bool((found == places[:, channels]).all())
    return (source, channels) if alike and channels != sorted(channels) else None


def shuffled_input(op: ConvOp) -> Sequence[Operation] | None:
    """conv(shuffle(x), w) -> conv(x, w'), whose input channels are in the order of x."""
    found, weight = shuffled(op.input), known(op.weight)
    if found is None or weight is None or op.groups.value.data != 1 or not is_read_once(op.weight):
        return None
    source, channels = found
    constant = constant_of(as_array(np.ascontiguousarray(weight[:, np.argsort(channels)])))
    return [constant, ConvOp.of(source, constant.output, op.bias, **op.properties)]


def joined_slices(op: SliceOp) -> Sequence[Operation] | None:
    """slice(slice(x)) -> slice(x)"""
    inner = op.input.owner
    if not isinstance(inner, SliceOp):
        return None
    first, steps = inner.starts.get_values(), inner.steps.get_values()
    starts = [a + b * s for a, b, s in zip(first, op.starts.get_values(), steps, strict=True)]
    both = [s * t for s, t in zip(steps, op.steps.get_values(), strict=True)]
    return [SliceOp.of(inner.input, starts=ints(starts), sizes=op.sizes, steps=ints(both))]


def joined_transposes(op: TransposeOp) -> Sequence[Operation] | None:
    """transpose(transpose(x, p), q) -> transpose(x, p[q])"""
    inner = op.input.owner
    if not isinstance(inner, TransposeOp):
        return None
    first = inner.permutation.get_values()
    return [TransposeOp.of(inner.input, permutation=ints([first[axis] for axis in op.permutation.get_values()]))]


def joined_reshapes(op: ReshapeOp) -> Sequence[Operation] | None:
    """reshape(reshape(x)) -> reshape(x)"""
    inner = op.input.owner
    return [ReshapeOp.of(inner.input, shape=op.shape)] if isinstance(inner, ReshapeOp) else None


def joined_concats(op: ConcatOp) -> Sequence[Operation] | None:
    """concat(x, concat(y, z)) -> concat(x, y, z), along one axis, where nothing else reads the inner one."""
    operands: list[SSAValue] = []
    for value in op.inputs:
        inner = value.owner
        joined = isinstance(inner, ConcatOp) and inner.axis == op.axis and is_read_once(value)
        operands += inner.inputs if isinstance(inner, ConcatOp) and joined else [value]
    return [ConcatOp.of(operands, axis=op.axis)] if len(operands) > len(op.inputs) else None


def rewritten(op: Operation) -> Sequence[Operation] | None:
    """What stands for an operator and the moves before it, the last one giving its result."""
    match op:
        case ConvOp():
            return padded_convolution(op) or shuffled_input(op)
        case AveragePoolOp() | MaxPoolOp():
            return padded_pool(op)
        case SliceOp():
            return joined_slices(op)
        case TransposeOp():
            return joined_transposes(op)
        case ReshapeOp():
            return joined_reshapes(op)
        case ConcatOp():
            return joined_concats(op)
        case _:
            return None


@dataclass(frozen=True)
class DnnAbsorbMovesPass(ModulePass):
    """Let operators read what stands before a move, where they can do what it does.

    Zeros around an image become the padding of a convolution or an average; those around what is not negative, and
    -infinity, the padding of a maximum. Channels in another order (a reshape, a transpose and a reshape) become the
    order of a convolution's weights. Two moves of a kind become one.

    Before:

        %p = dnn.pad %x {pads = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>, mode = "constant"} : …
        %y = dnn.conv %p, %w {pads = array<i64: 0, 0, 0, 0>, …} : …

    After:

        %y = dnn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>, …} : …

    Leaves alone: other numbers and modes of padding, batches and channels that are padded, windows that may see
    nothing but padding, weights of several groups or readers, and moves between layouts of memory, which cost nothing
    later on. Run after `dnn-fold-constants` and before `dnn-aggregate-constants`, which moves constants past what is
    left.
    """

    name = "dnn-absorb-moves"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for operator in list(block.ops):
                absorb(operator)


def absorb(op: Operation) -> None:
    """Rewrite an operator, and then what stands in its place."""
    before = [operand.owner for operand in op.operands]
    made = rewritten(op) if op.parent else None
    if made:
        replace(op, made, *[move for move in before if isinstance(move, DnnOp) and not isinstance(move, ConstantOp)])
        absorb(made[-1])
