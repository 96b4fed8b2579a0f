"""How a tensor's elements lie in memory: an order of axes, one of them perhaps in blocks, the last perhaps padded.

A layout maps logical indices (the axes of the tensor's type) to the indices of a row-major array, the *stored* array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from webdnn.support.index import Index, RangeOf, floordiv, mod


class Storage(Enum):
    """Where stored elements live: a linear buffer, or RGBA texels of four neighbours each."""

    LINEAR = "linear"
    TEXTURE = "texture"


@dataclass(frozen=True)
class AxisLayout:
    """`order` lists the logical axes, outermost first.

    With `block = (axis, factor)` that axis is cut in blocks of `factor`, which lie innermost; its extent is rounded up
    to whole blocks. `align` rounds the extent of the last stored axis up to a multiple.
    """

    order: tuple[int, ...]
    block: tuple[int, int] | None = None
    align: int = 1
    storage: Storage = Storage.LINEAR

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"the order {list(self.order)} does not name each of {len(self.order)} axes once")
        if self.block and (self.block[0] not in self.order or self.block[1] < 2):
            raise ValueError(f"cannot cut axis {self.block[0]} in blocks of {self.block[1]}")
        if self.align < 1:
            raise ValueError(f"an alignment of {self.align} elements is not positive")

    @property
    def rank(self) -> int:
        return len(self.order)

    @property
    def is_row_major(self) -> bool:
        """Axes in their own order, without blocks."""
        return self.order == tuple(range(self.rank)) and self.block is None

    def stored_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The extents of the stored array."""
        extents = [shape[axis] for axis in self.order]
        if self.block:
            axis, factor = self.block
            at = self.order.index(axis)
            extents[at] = -(-extents[at] // factor)
            extents.append(factor)
        if extents and self.align > 1:
            extents[-1] = -(-extents[-1] // self.align) * self.align
        return tuple(extents)

    def stored_indices(self, indices: Sequence[Index], range_of: RangeOf) -> list[Index]:
        """Where the element at logical indices is stored."""
        stored = [indices[axis] for axis in self.order]
        if self.block:
            axis, factor = self.block
            stored[self.order.index(axis)] = floordiv(indices[axis], factor, range_of)
            stored.append(mod(indices[axis], factor, range_of))
        return stored

    def logical_indices(self, stored: Sequence[Index]) -> list[Index]:
        """Which element a place of the stored array holds; beyond the tensor's extents the place is padding."""
        logical = dict(zip(self.order, stored[: self.rank], strict=True))
        if self.block:
            axis, factor = self.block
            logical[axis] = logical[axis] * factor + stored[-1]
        return [logical[axis] for axis in range(self.rank)]

    def essence(self, shape: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], Storage]:
        """Equal for two layouts that store a tensor of this shape alike: stored axes of extent 1 have no place."""
        axes = (*self.order, *([self.block[0]] if self.block else ()))
        places = zip(axes, self.stored_shape(shape), strict=True)
        return tuple((axis, extent) for axis, extent in places if extent > 1), self.storage

    def permuted(self, permutation: Sequence[int]) -> AxisLayout:
        """The layout of a transposed tensor that moves nothing: its axis i is axis permutation[i] of the source."""
        position = {axis: i for i, axis in enumerate(permutation)}
        block = self.block and (position[self.block[0]], self.block[1])
        return AxisLayout(tuple(position[axis] for axis in self.order), block, self.align, self.storage)


def row_major(rank: int, align: int = 1, storage: Storage = Storage.LINEAR) -> AxisLayout:
    """Axes in their own order."""
    return AxisLayout(tuple(range(rank)), None, align, storage)


def channels_last(rank: int, align: int = 1, storage: Storage = Storage.LINEAR) -> AxisLayout:
    """Axis 1 innermost: N, spatial axes, C."""
    return AxisLayout((0, *range(2, rank), 1), None, align, storage)
