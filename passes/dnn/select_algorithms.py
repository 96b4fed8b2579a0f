"""`dnn-select-algorithms`: convolutions run by Winograd's minimal filtering where a cost says that it is faster."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.constant import is_known
from webdnn.dialects.dnn.convolution import ConvOp, winograd_outputs
from webdnn.dialects.element import shape_of
from webdnn.support.convolution_cost import TRANSFORM, Convolution


def describe(op: ConvOp) -> Convolution:
    """What the costs of a convolution depend on."""
    batch, channels, *_ = shape_of(op.input)
    _, results, height, width = shape_of(op.output)
    return Convolution(batch, channels, results, height, width, shape_of(op.weight)[-1])


def fastest(op: ConvOp, tile: int, room: int) -> int | None:
    """The results along each axis of the best tile of at most so many, None where the plain sum is faster.

    All tiles of the convolution take `room` bytes at most, if it is not 0.
    """
    known = [m for m in TRANSFORM if m <= tile and winograd_outputs(op, m) is None]
    if not known or not is_known(op.weight):
        return None
    convolution = describe(op)
    allowed = [m for m in known if not room or convolution.tile_bytes(m) <= room]
    best = min(allowed, key=convolution.winograd, default=None)
    return best if best and convolution.winograd(best) < convolution.direct else None


@dataclass(frozen=True)
class DnnSelectAlgorithmsPass(ModulePass):
    """Choose how each convolution is computed: `winograd` is the largest tile of results that is allowed.

    Tiles of 2 x 2 results keep errors as small as the plain sum's, tiles of 4 x 4 let them grow a few times
    (docs/schedules.md); 1 allows the plain sum alone. `room` is how many bytes all tiles of a convolution may take,
    0 any number: memory that is limited is better spent where the tiles are small.

    Before:

        %y = dnn.conv %x, %w {…} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> …

    After:

        %y = dnn.conv %x, %w {…, winograd = 4 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> …

    Leaves alone: strides, dilations and groups other than 1, other kernels than square ones whose tiles are known,
    other types than f32, weights that are no constants, and what would not gain. Run after `dnn-aggregate-constants`.
    """

    name = "dnn-select-algorithms"
    winograd: int = 1
    room: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for conv in op.walk():
            if isinstance(conv, ConvOp) and conv.winograd is None and (tile := fastest(conv, self.winograd, self.room)):
                conv.winograd = IntegerAttr(tile, i64)
