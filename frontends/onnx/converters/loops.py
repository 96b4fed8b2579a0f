"""Converters of loops whose number of steps is known: their bodies one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, stacked
from webdnn.support.shapes import normalize_axis

MOST_STEPS = 1024
"""Steps of a loop that are written out; each is as long in the compiled model as its body."""


def check_steps(node: Node, count: int) -> None:
    if count > MOST_STEPS:
        hint = f"export the model for at most {MOST_STEPS} steps, or with an operator for what it computes"
        node.refuse(f"has {count} steps", hint=hint)


@converter("Loop", listing=True)
def loop(node: Node) -> Sequence[SSAValue]:
    """As many steps as are said, while the condition holds; both have to be known at import."""
    body = node.graph("body")
    limit = None if node.optional(0) is None else int(node.constant(0).reshape(()))
    goes_on = node.optional(1) is None or bool(node.constant(1).reshape(()))
    carried = [node.operand(i) for i in range(2, len(node.operands))]
    rows: list[list[SSAValue]] = [[] for _ in body.output[1 + len(carried) :]]
    step = 0
    while goes_on and (limit is None or step < limit):
        check_steps(node, step + 1 if limit is None else limit)
        counter, running = (node.constant_value(as_array(np.array(v))) for v in (np.int64(step), np.bool_(True)))
        condition, *results = node.inline(body, [counter, running, *carried])
        carried = results[: len(carried)]
        for row, value in zip(rows, results[len(carried) :], strict=True):
            row.append(value)
        array = known(condition)
        if array is None:
            hint = "export the model with a number of steps, without a condition that depends on its inputs"
            node.refuse("ends on a condition that is computed at run time", hint=hint)
        goes_on, step = bool(array.reshape(())), step + 1
    if rows and not step:
        node.refuse("takes no step, and stacks what each computes", hint="remove the loop from the model")
    return [*carried, *(stacked([Term(node, v) for v in row]).value for row in rows)]


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
