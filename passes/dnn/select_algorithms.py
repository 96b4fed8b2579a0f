"""`dnn-select-algorithms`: convolutions run by Winograd's minimal filtering where a cost says that it is faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, repeat
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.constant import is_known
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp, untiled
from webdnn.dialects.element import shape_of
from webdnn.passes.dnn.channel_groups import ungrouped
from webdnn.passes.dnn.dilated_phases import undilated
from webdnn.passes.dnn.rewriting import replace
from webdnn.support.convolution_cost import Convolution
from webdnn.support.winograd import POINTS, evaluations, transposed, winograd

MOST_PRODUCTS = 64
"""A transform is computed at once for all products of a tile: more of them take code and memory of their own."""

WORTHWHILE = 0.8
"""The part of the sum's cost that tiles may have, which also take memory, code and weights that are transformed."""


def describe(op: ConvOp | ConvTransposeOp) -> Convolution:
    """What the costs of a convolution depend on: the channels are those of a group."""
    batch, channels, *_ = shape_of(op.input)
    _, results, *extents = shape_of(op.output)
    kernel, strides, channels = shape_of(op.weight)[2:], op.strides.get_values(), channels // op.groups.value.data
    taps = kernel if isinstance(op, ConvOp) else tuple(-(-k // s) for k, s in zip(kernel, strides, strict=True))
    return Convolution(batch, channels, results, tuple(extents), taps, prod(kernel))


def tile_sizes(taps: int, stride: int, points: int) -> Sequence[int]:
    """Results that take fewer products than the plain sum along an axis, by at most so many points; 1 for one tap."""
    known = {1 + number - -(-taps // stride) for number in POINTS if number <= points}
    fewer = [m for m in sorted(known) if m > 1 and evaluations(m, taps, stride) > 1]
    return [1, *fewer] if taps == 1 else fewer


def fastest(op: ConvOp | ConvTransposeOp, points: int, room: int, most: float) -> Sequence[int] | None:
    """The results along each axis of the best tile of at most so many points, None where none costs at most `most`.

    All tiles of the convolution take `room` bytes at most, if it is not 0.
    """
    kernel, strides = shape_of(op.weight)[2:], op.strides.get_values()
    if untiled(op, [1] * len(kernel)) or max(kernel) == 1 or not is_known(op.weight):
        return None
    convolution, algorithm = describe(op), winograd if isinstance(op, ConvOp) else transposed
    costs: dict[tuple[int, ...], float] = {}
    for tile in product(*map(tile_sizes, kernel, strides, repeat(points))):
        axes = list(map(algorithm, tile, kernel, strides))
        if prod(axis.products for axis in axes) <= MOST_PRODUCTS and (not room or convolution.tile_bytes(axes) <= room):
            costs[tile] = convolution.winograd(axes)
    best = min(costs, key=costs.__getitem__, default=None)
    return best if best and costs[best] <= most else None


@dataclass(frozen=True)
class DnnSelectAlgorithmsPass(ModulePass):
    """Choose how each convolution is computed: `points` is at how many points a tile may be evaluated along an axis.

    Tiles of 4 points, 2 results of 3 taps, keep errors as small as the plain sum's, those of 5 and 6 let them grow a
    few times (docs/design.md); 1 allows the plain sum alone. `room` is how many bytes all tiles of a convolution
    may take, 0 any number: memory that is limited is better spent where the tiles are small.

    Before:

        %y = dnn.conv %x, %w {…} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> …

    After:

        %y = dnn.conv %x, %w {…, winograd = array<i64: 4, 4>} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> …

    Groups of channels, if they are few, are plain convolutions side by side.
    What a dilated convolution with d = 2 computes for even places and for odd ones are plain convolutions: the input
    is seen as tensor<1x64x2x2x28x28xf32>, the weights as tensor<64x64x1x1x3x3xf32>, and the tiles lie in a phase.

    Leaves alone: more than 8 groups, dilated or transposed convolutions in groups, transposed ones with dilations,
    dilations beside strides, kernels that have no tiles of so few points, other types than f32, weights that are no
    constants, and what would not gain. Run after `dnn-aggregate-constants`.
    """

    name = "dnn-select-algorithms"
    points: int = 1
    room: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for conv in [conv for conv in op.walk() if isinstance(conv, ConvOp | ConvTransposeOp) and not conv.winograd]:
            most = WORTHWHILE * describe(conv).direct
            if tile := fastest(conv, self.points, self.room, most):
                conv.winograd = DenseArrayBase.from_list(i64, tile)
            elif isinstance(conv, ConvOp) and (apart := ungrouped(conv) or undilated(conv)):
                plain, made = apart
                if tile := fastest(plain[0], self.points, self.room, most / len(plain)):
                    for alike in plain:
                        alike.winograd = DenseArrayBase.from_list(i64, tile)
                    replace(conv, made)
                else:
                    for new in reversed(made):
                        new.erase()
