"""Numpy meanings of the operators that move elements."""

from collections.abc import Sequence

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, PadOp, ReshapeOp, SliceOp, TileOp, TransposeOp, TriluOp


@meaning(ReshapeOp)
def reshape(op: ReshapeOp, x: Array) -> Array:
    return x.reshape(op.shape.get_values())


@meaning(TransposeOp)
def transpose(op: TransposeOp, x: Array) -> Array:
    return x.transpose(op.permutation.get_values())


def places(start: int, size: int, step: int) -> Sequence[int]:
    return [start + i * step for i in range(size)]


@meaning(SliceOp)
def slice_(op: SliceOp, x: Array) -> Array:
    if x.ndim == 0:
        return x
    return x[np.ix_(*map(places, op.starts.get_values(), op.sizes.get_values(), op.steps.get_values()))]


@meaning(ConcatOp)
def concat(op: ConcatOp, *parts: Array) -> Array:
    return np.concatenate(parts, axis=op.axis.value.data)


@meaning(ExpandOp)
def expand(op: ExpandOp, x: Array) -> Array:
    return np.broadcast_to(x, op.shape.get_values())


@meaning(TileOp)
def tile(op: TileOp, x: Array) -> Array:
    return np.tile(x, op.repeats.get_values())


@meaning(PadOp)
def pad(op: PadOp, x: Array, value: Array | None) -> Array:
    pads = op.pads.get_values()
    kept = x[tuple(slice(low, max(low, high)) for low, high in op.kept())]
    cut = [(low, high - max(low, high)) for low, high in op.kept()]  # pads may cut past the end and add there again
    added = [(max(0, pads[a]), max(0, pads[a + x.ndim]) + cut[a][1]) for a in range(x.ndim)]
    match op.mode.data:
        case "constant":
            fill = np.zeros((), x.dtype) if value is None else value.reshape(())
            result = np.full([low + n + high for n, (low, high) in zip(kept.shape, added, strict=True)], fill, x.dtype)
            result[tuple(slice(low, low + n) for n, (low, _) in zip(kept.shape, added, strict=True))] = kept
            return result
        case "edge":
            return np.pad(kept, added, "edge")
        case "reflect":
            return np.pad(kept, added, "reflect")
        case _:
            return np.pad(kept, added, "wrap")


@meaning(TriluOp)
def trilu(op: TriluOp, x: Array) -> Array:
    rows, columns = np.indices(x.shape[-2:], dtype=np.int64)
    distance = np.asarray(columns - rows - op.k.value.data)
    kept = distance >= 0 if op.upper.value.data else distance <= 0
    return np.where(kept, x, np.zeros((), x.dtype))
