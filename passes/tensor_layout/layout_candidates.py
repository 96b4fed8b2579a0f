"""In which layouts each value of a function may lie on a device."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from webdnn.dialects.element import shape_of
from webdnn.passes.tensor_layout.layout_rules import CHANNEL_WISE, Moved, links
from webdnn.support.axis_layout import AxisLayout, channels_last, row_major
from webdnn.support.device import DeviceModel

MOST_CANDIDATES = 6
"""Of one value; what is found first, nearest to the operator that asks for it, counts."""


Links = dict[SSAValue, list[tuple[SSAValue, Moved]]]


def neighbours(ops: Sequence[Operation]) -> Links:
    """For each value, those whose layouts follow from its own."""
    found: Links = {}
    for op in ops:
        for source, target, moved in links(op):
            found.setdefault(source, []).append((target, moved))
    return found


@dataclass(frozen=True)
class Candidates:
    """The layouts of each value, no two of which store it alike."""

    of: Mapping[SSAValue, Sequence[AxisLayout]]

    def like(self, value: SSAValue, layout: AxisLayout) -> AxisLayout | None:
        """The candidate that stores a value as a layout does."""
        shape = shape_of(value)
        essence = layout.essence(shape)
        return next((known for known in self.of[value] if known.essence(shape) == essence), None)


def compact(layout: AxisLayout, shape: Sequence[int]) -> AxisLayout:
    """The same order of elements, so that no axis of extent 1 is padded."""
    if layout.align == 1 or not shape or shape[layout.order[-1]] > 1:
        return layout
    return replace(layout, order=tuple(sorted(layout.order, key=lambda axis: shape[axis] > 1)))


def internal(order: AxisLayout, shape: Sequence[int], device: DeviceModel) -> AxisLayout:
    """An order of axes as the device stores values between kernels."""
    return compact(replace(order, align=device.align, storage=device.storage), shape)


def candidates(
    values: Sequence[SSAValue], fixed: Collection[SSAValue], ops: Sequence[Operation], device: DeviceModel
) -> Candidates:
    """Row-major and what operators ask for, spread over those that can keep it; for fixed ones the caller's layout."""
    known: dict[SSAValue, list[AxisLayout]] = {value: [] for value in values}
    for value in fixed:
        known[value].append(device.caller_layout(len(shape_of(value))))
    pending: deque[tuple[SSAValue, AxisLayout]] = deque()

    def offer(value: SSAValue, order: AxisLayout) -> None:
        shape = shape_of(value)
        layout = internal(order, shape, device)
        if value not in known or len(known[value]) >= MOST_CANDIDATES:
            return
        if layout.essence(shape) not in {other.essence(shape) for other in known[value]}:
            known[value].append(layout)
            pending.append((value, layout))

    for value in values:
        offer(value, row_major(len(shape_of(value))))
        if value in fixed:
            pending.append((value, row_major(len(shape_of(value)))))
    for op in ops:
        if isinstance(op, CHANNEL_WISE):
            for value in (op.operands[0], op.results[0]):
                offer(value, channels_last(len(shape_of(value))))
    joined = neighbours(ops)
    while pending:
        value, layout = pending.popleft()
        for target, moved in joined.get(value, ()):
            if (order := moved(layout)) is not None:
                offer(target, order)
    return Candidates(known)
