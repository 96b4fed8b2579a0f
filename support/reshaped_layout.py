"""Layouts on the two sides of a reshape: when the same stored array serves both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from webdnn.support.axis_layout import AxisLayout
from webdnn.support.planning.atoms import Refinement, common_refinement


def reshaped(layout: AxisLayout, before: Sequence[int], after: Sequence[int]) -> AxisLayout | None:
    """The layout of shape `after` under which reshaping a tensor of shape `before` moves nothing; None if none does.

    (1, 192, 14, 14) stored as N, H, W, C becomes (1, 192, 196) stored as N, HW, C. Axes of extent 1 come first.
    """
    if layout.block:
        return None
    refinement = common_refinement(tuple(before), tuple(after))
    if refinement is None:
        order = tuple(range(len(after))) if in_order(layout, before) else None
    else:
        order = order_after(layout, refinement)
    if order is None:
        return None
    result = AxisLayout(order, None, layout.align, layout.storage)
    return result if rows(layout, before) == rows(result, after) else None


def in_order(layout: AxisLayout, shape: Sequence[int]) -> bool:
    """Do the axes that matter lie in their own order?"""
    return all(a < b for a, b in pairwise(axis for axis in layout.order if shape[axis] > 1))


def order_after(layout: AxisLayout, refinement: Refinement) -> tuple[int, ...] | None:
    """Each axis of the result must be a run of atoms in the stored order."""
    stored = [atom for axis in layout.order for atom in refinement.before[axis]]
    place = {atom: i for i, atom in enumerate(stored)}
    for atoms in refinement.after:
        if any(place[b] != place[a] + 1 for a, b in pairwise(atoms)):
            return None
    return tuple(sorted(range(len(refinement.after)), key=lambda axis: [place[a] for a in refinement.after[axis][:1]]))


def rows(layout: AxisLayout, shape: Sequence[int]) -> tuple[int, int] | None:
    """The length of what is padded and its stored length; None where nothing is padded."""
    stored = layout.stored_shape(shape)
    if not stored or stored[-1] == shape[layout.order[-1]]:
        return None
    return shape[layout.order[-1]], stored[-1]
