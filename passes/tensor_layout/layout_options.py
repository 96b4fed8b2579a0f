"""The ways to run an operator: which layouts of its operands go with which of its results, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.pooling import PoolOp
from webdnn.dialects.dnn.shape import ReshapeOp, TransposeOp
from webdnn.dialects.element import shape_of
from webdnn.passes.tensor_layout.layout_candidates import Candidates
from webdnn.passes.tensor_layout.layout_costs import operator_cost
from webdnn.passes.tensor_layout.layout_rules import CONVOLUTIONS, follows, keeps_axes, variables
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.device import DeviceModel
from webdnn.support.planning.layouts import Option
from webdnn.support.reshaped_layout import in_order

MOST_COMBINATIONS = 256
"""Of layouts of one operator's operands under one layout of its results."""


def options(op: Operation, known: Candidates, device: DeviceModel) -> tuple[Option[AxisLayout], ...]:
    """Every sensible way to run an operator; the layouts of its operands are those of the operands with layouts."""
    at = variables(op, known.of)
    found: list[Option[AxisLayout]] = []
    for inputs, outputs in dict.fromkeys(combinations(op, known, device)):
        whole = dict(zip(at, inputs, strict=True))
        cost = operator_cost(op, [whole.get(i) for i in range(len(op.operands))], outputs, device)
        found.append(Option(inputs, outputs, cost))
    return tuple(found)


Layouts = tuple[AxisLayout, ...]


def combinations(op: Operation, known: Candidates, device: DeviceModel) -> Iterator[tuple[Layouts, Layouts]]:
    """Layouts of the operands that have one, and of the results."""
    scattered = device.scatters and isinstance(op, PoolOp) and len(op.results) == 1
    if scattered or isinstance(op, (*CONVOLUTIONS, MatmulOp, TransposeOp, ReshapeOp)):
        yield from free(op, known)
    elif keeps_axes(op):
        yield from following(op, known)
    yield from row_major_only(op, known)


def ordered(value: SSAValue, known: Candidates) -> list[AxisLayout]:
    """The candidates in which the axes lie in their own order."""
    return [layout for layout in known.of[value] if in_order(layout, shape_of(value))]


def row_major_only(op: Operation, known: Candidates) -> Iterator[tuple[Layouts, Layouts]]:
    """Under whichever alignment."""
    inputs = [ordered(op.operands[i], known) for i in variables(op, known.of)]
    for outputs in product(*(ordered(result, known) for result in op.results)):
        if stored_alike(op, outputs):
            yield from ((chosen, outputs) for chosen in few(inputs))


def stored_alike(op: Operation, outputs: Layouts) -> bool:
    """Results of one shape come from one kernel, which writes all of them at the same place."""
    found: dict[tuple[int, ...], object] = {}
    shapes = [shape_of(result) for result in op.results]
    essences = [layout.essence(shape) for layout, shape in zip(outputs, shapes, strict=True)]
    return all(found.setdefault(s, e) == e for s, e in zip(shapes, essences, strict=True))


def free(op: Operation, known: Candidates) -> Iterator[tuple[Layouts, Layouts]]:
    """Input and output of a window, of a product of matrices, or of what only moves elements, lie as they like."""
    data = 2 if isinstance(op, MatmulOp) else 1
    at = [(i, op.operands[i]) for i in variables(op, known.of)]
    inputs = [known.of[value] if i < data else ordered(value, known) for i, value in at]
    for output in known.of[op.results[0]]:
        yield from ((chosen, (output,)) for chosen in few(inputs))


def following(op: Operation, known: Candidates) -> Iterator[tuple[Layouts, Layouts]]:
    """One order of axes for all; operands that broadcast lie as they like."""
    for output in known.of[op.results[0]]:
        outputs = tuple(known.like(result, output) or ordered(result, known)[0] for result in op.results)
        if not stored_alike(op, outputs):
            continue
        inputs = [
            [layout for layout in known.of[op.operands[i]] if follows(op, op.operands[i], layout, output)]
            for i in variables(op, known.of)
        ]
        yield from ((chosen, outputs) for chosen in few(inputs))


def few(choices: Sequence[Sequence[AxisLayout]]) -> Iterator[Layouts]:
    """Every combination; where they are too many, only that of the first choices."""
    if prod(map(len, choices)) > MOST_COMBINATIONS:
        choices = [choice[:1] for choice in choices]
    return product(*choices)
