"""Arithmetic of shapes: broadcasting, axes, windows. Sizes are elements."""

from __future__ import annotations

from collections.abc import Sequence


class ShapeError(ValueError):
    """Shapes that do not fit together; the message says what was found and what was expected."""


def broadcast(shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The shape that all broadcast to, as in numpy and ONNX. Raises ShapeError."""
    rank = max((len(s) for s in shapes), default=0)
    result: list[int] = []
    for axis in range(rank):
        extents = {s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0} - {1}
        if len(extents) > 1:
            raise ShapeError(f"shapes {', '.join(str(list(s)) for s in shapes)} do not broadcast along axis {axis}")
        result.append(extents.pop() if extents else 1)
    return tuple(result)


def normalize_axis(axis: int, rank: int) -> int:
    """An axis counted from the end as one counted from the start. Raises ShapeError."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is not one of {rank} axes")
    return axis % rank


def normalize_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the start, sorted. Raises ShapeError where one occurs twice."""
    found = sorted(normalize_axis(axis, rank) for axis in axes)
    if len(set(found)) != len(found):
        raise ShapeError(f"axes {list(axes)} name one axis twice")
    return tuple(found)


def window_extent(kernel: int, dilation: int) -> int:
    """Elements from the first to the last tap."""
    return (kernel - 1) * dilation + 1


def window_count(size: int, kernel: int, stride: int, dilation: int, low: int, high: int, ceil: bool = False) -> int:
    """How many windows fit on `size` elements padded by `low` and `high`. Raises ShapeError where none does.

    With `ceil` a last window may hang over the end, unless it would start in the padding behind it.
    """
    room = size + low + high - window_extent(kernel, dilation)
    if room < 0:
        raise ShapeError(f"a window of {window_extent(kernel, dilation)} does not fit on {size}+{low}+{high} elements")
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + low:
        count -= 1
    return count


def same_padding(size: int, kernel: int, stride: int, dilation: int, upper: bool) -> tuple[int, int]:
    """ONNX `auto_pad` SAME: padding (low, high) so that there are ceil(size / stride) windows; `upper` pads the end."""
    windows = -(-size // stride)
    total = max(0, (windows - 1) * stride + window_extent(kernel, dilation) - size)
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)
