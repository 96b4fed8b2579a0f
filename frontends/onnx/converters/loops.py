"""Converters of loops whose steps have a bound: their bodies one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.choice import chosen
from webdnn.frontends.onnx.filled import counted, extents_of, merged
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, stacked, total
from webdnn.support.shapes import normalize_axis

ENDLESS = 1 << 31
"""More steps than these are no bound: exporters write the largest integer where there is none."""

MOST_STEPS = 1024
"""Steps of a loop that are written out; each is as long in the compiled model as its body."""


def check_steps(node: Node, count: int) -> None:
    if count > MOST_STEPS:
        hint = f"export the model for at most {MOST_STEPS} steps, or with an operator for what it computes"
        node.refuse(f"has {count} steps", hint=hint)


@converter("Loop", listing=True, counting=True)
def loop(node: Node) -> Sequence[SSAValue]:
    """As many steps as are said, while the condition holds.

    Where one of these is computed, there are as many steps as there can be, and those behind the last change nothing:
    each state is what it was, and what steps give is counted.
    """
    body, (most, trips) = node.graph("body"), step_counts(node)
    goes_on, live = (True, None) if node.optional(1) is None else settled(Term.operand(node, 1).reshaped())
    carried = [node.operand(i) for i in range(2, len(node.operands))]
    rows: list[list[SSAValue]] = [[] for _ in body.output[1 + len(carried) :]]
    taken: list[Term | None] = []
    while goes_on and (most is None or len(taken) < most):
        step = len(taken)
        live = both(live, None if trips is None else settled(trips.greater(step))[1])
        check_bound(node, step, most, live)
        counter, running = (node.constant_value(as_array(np.array(v))) for v in (np.int64(step), np.bool_(True)))
        condition, *results = node.inline(body, [counter, running, *carried])
        carried = kept(node, live, carried, results[: len(carried)])
        for row, value in zip(rows, results[len(carried) :], strict=True):
            row.append(value)
        taken.append(live)
        goes_on, holds = settled(Term(node, condition).reshaped())
        live = both(live, holds)
    if rows and not taken:
        node.refuse("takes no step, and stacks what each computes", hint="remove the loop from the model")
    return [*carried, *(gathered_up(node, row, taken) for row in rows)]


def step_counts(node: Node) -> tuple[int | None, Term | None]:
    """The most steps of a loop, if that is said, and how many there are, if that varies."""
    if node.optional(0) is None:
        return None, None
    ((most, varies),) = extents_of(node, 0)
    return (most if most <= ENDLESS else None), varies


def settled(condition: Term) -> tuple[bool, Term | None]:
    """Whether a condition may hold, and itself where that is not known."""
    array = known(condition.value)
    return (True, condition) if array is None else (bool(array), None)


def both(a: Term | None, b: Term | None) -> Term | None:
    """Where two conditions hold, each of which always does if there is none."""
    return a & b if a is not None and b is not None else a or b


def check_bound(node: Node, step: int, most: int | None, live: Term | None) -> None:
    """Refuse a loop that has too many steps, or that nothing but a condition ends, which is computed."""
    if most is None and live is not None:
        hint = "export the model with a greatest number of steps, which is the first operand of the loop"
        node.refuse("ends on a condition that is computed at run time, after any number of steps", hint=hint)
    check_steps(node, step + 1 if most is None else most)


def kept(node: Node, live: Term | None, before: Sequence[SSAValue], after: Sequence[SSAValue]) -> list[SSAValue]:
    """The states behind a step, which are what they were where it was not taken."""
    if live is None:
        return list(after)
    if any(value in node.emitter.sequences for value in (*before, *after)):
        hint = "export the model with tensors as the states of the loop"
        node.refuse("carries a sequence, and ends on what is computed at run time", hint=hint)
    fixed = "let the loop end after a number of steps that is known"
    pairs = zip(before, after, strict=True)
    return [chosen(live, i, Term(node, new), Term(node, old), fixed) for i, (old, new) in enumerate(pairs)]


def gathered_up(node: Node, row: Sequence[SSAValue], taken: Sequence[Term | None]) -> SSAValue:
    """What each step gives, along a new first axis; as many as steps are taken."""
    parts, counting = [Term(node, value) for value in row], node.emitter.counting
    inside = merged(node, [(axis + 1, Term(node, n)) for value in row for axis, n in counting.of(value).items()])
    if any(len(counting.of(value)) != len(inside) or shape_of(value) != shape_of(row[0]) for value in row):
        node.refuse("stacks values of several sizes", hint="let each step give values of one size")
    whole = stacked(parts)
    computed = [live.cast("i32") for live in taken if live is not None]
    if not computed:
        return counted(node, whole.value, inside)
    count = total(computed) + len(taken) - len(computed)
    counting.note(count.value, len(taken) - len(computed), len(taken))
    return counted(node, whole.value, {**inside, 0: count})


@converter("Scan")
def scan(node: Node) -> Sequence[SSAValue]:
    """A step for each place of an axis of the scanned operands; before opset 9, for each row of a batch apart."""
    body, count = node.graph("body"), node.integer("num_scan_inputs")
    if node.opset >= 9:
        operands = [Term.operand(node, i) for i in range(len(node.operands))]
        axes = node.integers("scan_input_axes", [0] * count)
        directions = node.integers("scan_input_directions", [0] * count)
        return [t.value for t in scanned(node, body, operands, axes, directions)]
    if node.optional(0) is not None:
        node.refuse("has sequences of several lengths", hint="export the model for opset 9 or newer")
    operands = [Term.operand(node, i) for i in range(1, len(node.operands))]
    directions = node.integers("directions", [0] * count)
    batches = [
        scanned(node, body, [o.at(0, b) for o in operands], [0] * count, directions)
        for b in range(operands[0].shape[0])
    ]
    return [stacked(results).value for results in zip(*batches, strict=True)]


def scanned(
    node: Node, body: GraphProto, operands: Sequence[Term], axes: Sequence[int], directions: Sequence[int]
) -> list[Term]:
    """The states after the last step, then what each step gave, stacked along `scan_output_axes`."""
    states = [o.value for o in operands[: len(operands) - len(axes)]]
    inputs = operands[len(states) :]
    places = [normalize_axis(axis, len(x.shape)) for axis, x in zip(axes, inputs, strict=True)]
    lengths = {x.shape[axis] for x, axis in zip(inputs, places, strict=True)}
    if len(lengths) != 1 or 0 in lengths:
        node.refuse(f"scans axes of {sorted(lengths)} places", hint="they must have one length, at least 1")
    (steps,) = lengths
    check_steps(node, steps)
    outputs = len(body.output) - len(states)
    rows: list[list[Term]] = [[] for _ in range(outputs)]
    for step in range(steps):
        at = [steps - 1 - step if backwards else step for backwards in directions]
        slices = [x.at(axis, i).value for x, axis, i in zip(inputs, places, at, strict=True)]
        results = node.inline(body, [*states, *slices])
        states = results[: len(states)]
        for row, value in zip(rows, results[len(states) :], strict=True):
            row.append(Term(node, value))
    turned = node.integers("scan_output_directions", [0] * outputs)
    along = node.integers("scan_output_axes", [0] * outputs)
    stacks = [
        stacked(row[::-1] if backwards else row, normalize_axis(axis, len(row[0].shape) + 1))
        for row, backwards, axis in zip(rows, turned, along, strict=True)
    ]
    return [*(Term(node, s) for s in states), *stacks]
