"""Converters of loops: they stay loops (`rolled.py`), or their steps are written out one after another."""

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
from webdnn.frontends.onnx.rolled import Step, rolled
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
    if (found := rolled_loop(node, body, most, trips)) is not None:
        return found
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


def rolled_loop(node: Node, body: GraphProto, most: int | None, trips: Term | None) -> list[SSAValue] | None:
    """The results where the loop stays one; None where it is written out."""
    states = [node.operand(i) for i in range(2, len(node.operands))]
    may_begin, begins = (True, None) if node.optional(1) is None else settled(Term.operand(node, 1).reshaped())
    if not may_begin:
        return None

    def emit(number: SSAValue, states: Sequence[SSAValue]) -> Step:
        running = node.constant_value(as_array(np.array(np.bool_(True))))
        condition, *results = node.inline(body, [number, running, *states])
        if trips is not None:
            condition = (trips.cast("i64").greater(Term(node, number) + 1) & Term(node, condition).reshaped()).value
        return Step(condition, results[: len(states)], results[len(states) :])

    begins = both(begins, None if trips is None else trips.greater(0))
    found = rolled(node, operators_of(body), most, states, emit, None if begins is None else begins.value)
    if found is None or found.taken is None:
        return None if found is None else [*found.states, *found.stacks]
    if most is not None:
        node.emitter.counting.note(found.taken, 0 if begins else 1, most)
    return [*found.states, *(counted(node, stack, {0: Term(node, found.taken)}) for stack in found.stacks)]


def operators_of(graph: GraphProto) -> int:
    """The nodes of a graph, and of those inside of them; at least one."""
    inner = sum(operators_of(a.g) for node in graph.node for a in node.attribute if a.HasField("g"))
    return max(1, len(graph.node) + inner)


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
    outputs = len(body.output) - len(states)
    turned = node.integers("scan_output_directions", [0] * outputs)
    along = node.integers("scan_output_axes", [0] * outputs)

    def emit(number: SSAValue, states: Sequence[SSAValue]) -> Step:
        forwards = Term(node, number)
        at = [(steps - 1) - forwards if backwards else forwards for backwards in directions]
        slices = [x.gathered(i, axis).value for x, i, axis in zip(inputs, at, places, strict=True)]
        results = node.inline(body, [*states, *slices])
        return Step(None, results[: len(states)], results[len(states) :])

    if (found := rolled(node, operators_of(body), steps, states, emit)) is not None:
        stacks = [Term(node, stack) for stack in found.stacks]
        return [*(Term(node, s) for s in found.states), *map(placed, stacks, turned, along)]
    check_steps(node, steps)
    rows: list[list[Term]] = [[] for _ in range(outputs)]
    for step in range(steps):
        at = [steps - 1 - step if backwards else step for backwards in directions]
        slices = [x.at(axis, i).value for x, axis, i in zip(inputs, places, at, strict=True)]
        results = node.inline(body, [*states, *slices])
        states = results[: len(states)]
        for row, value in zip(rows, results[len(states) :], strict=True):
            row.append(Term(node, value))
    stacks = [
        stacked(row[::-1] if backwards else row, normalize_axis(axis, len(row[0].shape) + 1))
        for row, backwards, axis in zip(rows, turned, along, strict=True)
    ]
    return [*(Term(node, s) for s in states), *stacks]


def placed(stack: Term, backwards: int, axis: int) -> Term:
    """A stack of rows along its first axis, perhaps from the last row on, with that axis at another place."""
    if backwards:
        last = stack.shape[0] - 1
        stack = stack.gathered(Term.known(stack.node, as_array(np.arange(last, -1, -1))), 0)
    place = normalize_axis(axis, len(stack.shape))
    others = range(1, len(stack.shape))
    return stack.transposed(*others[:place], 0, *others[place:]) if place else stack
