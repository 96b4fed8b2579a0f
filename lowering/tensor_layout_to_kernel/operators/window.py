"""Windows over spatial axes: where their taps lie, and reads that leave the tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.index import Index, stays_inside


def tap_names(rank: int) -> list[str]:
    """Hints for the axes of a kernel's taps."""
    return ["kz", "ky", "kx"][-rank:] if rank <= 3 else [f"k{axis}" for axis in range(rank)]


def places(
    at: Sequence[Index],
    tap: Sequence[Index],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> list[Index]:
    """Which elements the taps of the window at `at` see."""
    rank = len(at)
    return [p * s + t * d - low for p, s, t, d, low in zip(at, strides, tap, dilations, pads[:rank], strict=True)]


def padded_axes(layout: AxisLayout, shape: Sequence[int]) -> frozenset[int]:
    """The axes behind whose ends the stored array has elements that mean nothing."""
    axis, factor = layout.block or (layout.order[-1], layout.align)
    return frozenset({axis} if shape[axis] % factor else ())


def read_or(
    low: Lowering, body: Body, value: SSAValue, indices: Sequence[Index], outside: SSAValue, axes: Iterable[int]
) -> SSAValue:
    """The element at logical indices, `outside` where one of `axes` leaves the tensor.

    A layout may store padding there, which then is inside the stored array: such axes are tested.
    """
    shape, found = shape_of(value), low.read(body, value, indices, outside)
    tested = [
        axis
        for axis in sorted(padded_axes(low.layout(value), shape) & set(axes))
        if not stays_inside([indices[axis]], [shape[axis]], range_of)
    ]
    if not tested:
        return found
    inside = body.inside([indices[axis] for axis in tested], [shape[axis] for axis in tested])
    return body.select(inside, found, outside)
