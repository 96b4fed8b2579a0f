"""Affine maps of a value become part of all that reads the value: of weights behind it, as far as it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, SubOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.shape import ConcatOp
from webdnn.dialects.dnn.traits import Moving
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.aggregation.commuting import commutes
from webdnn.passes.dnn.aggregation.plan import (
    NOTHING,
    Plan,
    best,
    changed,
    elements,
    exact,
    reparametrize,
    together,
)
from webdnn.passes.dnn.aggregation.producers import exchange
from webdnn.passes.dnn.aggregation.steps import Step, cost_of, shortest, step_of, trimmed
from webdnn.passes.dnn.rewriting import as_moved, forward, replace
from webdnn.support.affine import Affine, scaling, shifting
from webdnn.support.operator_cost import Cost


@dataclass(frozen=True)
class Reading:
    """How an operator reads x in place of x * s + b: by a plan, after which its result is still to be mapped."""

    plan: Plan
    left: Affine | None = None

    @property
    def done(self) -> bool:
        return self.left is None or not (self.left.scales or self.left.shifts)


Rule = Callable[..., Reading | None]
"""(operator, number of the operand, map of it)"""


def pushed(value: SSAValue, affine: Affine) -> Plan | None:
    """value * scale + bias -> value, for all readers, whose results stay as they are; None where one cannot."""
    readers = [use.operation for use in value.uses]
    if not element_type(value.type).is_float or len(set(readers)) < len(readers) or not readers:
        return None
    plans: list[Plan] = []
    for use in value.uses:
        plan = read_by(use.operation, use.index, affine)
        if plan is None:
            return None
        plans.append(plan)
    return together(plans)


def read_by(op: Operation, at: int, affine: Affine) -> Plan | None:
    """f(x * s + b) -> f'(x), with the same result"""
    if not isinstance(op, DnnOp):
        return None
    step = step_of(op)
    if step and step.at == at:
        return merged(step, affine)
    reading = reading_of(op, at, affine)
    if reading is None or reading.done:
        return reading.plan if reading else None
    assert reading.left
    plans: list[Plan | None] = []
    for rest in (pushed(op.results[0], reading.left), appended(op, reading.left)):
        plans.append(together([reading.plan, rest]) if rest else None)
    return best(plans)


def merged(step: Step, affine: Affine) -> Plan | None:
    """(x * s + b) * t + u -> x * s' + b', here or further on"""
    value, op = step.value, step.op
    both = affine.then(step.affine)
    plans: list[Plan | None] = []
    here = shortest(both, value)
    if here:

        def become() -> None:
            made = here.made(op.operands[step.at])
            replace(op, made) if made else forward(op, op.operands[step.at])

        plans.append(Plan(cost_of(step) - here.cost, frozenset({(op, step.at)}), become))
    rest = pushed(op.results[0], both)
    if rest:
        gone = Plan(cost_of(step), frozenset({(op, step.at)}), lambda: forward(op, op.operands[step.at]))
        plans.append(together([rest, gone]))
    return best(plans)


def appended(op: DnnOp, affine: Affine) -> Plan | None:
    """matmul(x) -> matmul(x) + b: what is added is smaller than what was added to x, or it does not gain."""
    if not isinstance(op, MatmulOp) or affine.scales:
        return None
    value = op.results[0]
    new = changed(trimmed(affine.bias), value)
    if new is None:
        return None

    def build() -> None:
        constant = new.made()
        total = AddOp(value, constant.output)
        constant.location = total.location = op.location
        total.output.name_hint, value.name_hint = value.name_hint, None
        Rewriter.insert_op([constant, total], InsertPoint.after(op))
        value.replace_uses_with_if(total.output, lambda use: use.operation is not total)

    return Plan(-(new.cost + Cost(elements=elements(value))), frozenset({(op, -1)}), build)


def reading_of(op: DnnOp, at: int, affine: Affine) -> Reading | None:
    if op.has_trait(Moving):
        return Reading(NOTHING, moved(op, affine))
    if type(op) in RULES:
        return RULES[type(op)](op, at, affine)
    rank = len(shape_of(op.results[0])) if len(op.results) == 1 else 0
    if at or not rank or not all(axis < rank for axis in affine.varies) or not commutes(op, affine):
        return None
    return Reading(NOTHING, affine.with_rank(rank))


def moved(op: DnnOp, affine: Affine) -> Affine:
    """move(x * s + b) -> move(x) * move(s) + move(b)"""
    if not affine.varies:
        return affine.with_rank(0).of_rank(len(shape_of(op.results[0])))
    return affine.moved(lambda part: as_moved(op, part), shape_of(op.operands[0]))


def convolution(op: ConvOp, at: int, affine: Affine) -> Reading | None:
    """conv(x * s + t, w, b) -> conv(x, w * s, b + sum(w * t)), of channels; t only where nothing is padded"""
    w, b = exact(op.weight), exact(op.bias) if op.bias else None
    if at or affine.varies - {1} or w is None or (op.bias and b is None):
        return None
    if affine.shifts and any(op.pads.get_values()):
        return None
    groups = op.groups.value.data
    scale, shift = (part.reshape(groups, 1, -1) for part in affine.vectors(shape_of(op.input)[1]))
    grouped = w.reshape(groups, len(w) // groups, w.shape[1], -1)
    weight = changed(as_array((grouped * scale[..., None]).reshape(w.shape)), op.weight, op.weight)
    given = as_array(np.einsum("gock,gxc->go", grouped, shift).reshape(-1))
    bias = changed(given if b is None else as_array(b + given), op.weight, op.bias)
    if weight is None or bias is None:
        return None
    cost = weight.cost + bias.cost if affine.shifts else weight.cost
    after = bias if affine.shifts else op.bias
    return Reading(Plan(-cost, frozenset({(op, 0), (op, 1)}), lambda: reparametrize(op, weight, after)))


def transposed_convolution(op: ConvTransposeOp, at: int, affine: Affine) -> Reading | None:
    """conv_transpose(x * s, w) -> conv_transpose(x, w * s), of channels"""
    w = exact(op.weight)
    if at or affine.varies - {1} or affine.shifts or w is None:
        return None
    groups = op.groups.value.data
    scale = affine.vectors(shape_of(op.input)[1])[0].reshape(groups, 1, -1, 1)
    grouped = w.reshape(groups, len(w) // groups, w.shape[1], -1)
    weight = changed(as_array((grouped * scale).reshape(w.shape)), op.weight, op.weight)
    if weight is None:
        return None
    return Reading(Plan(-weight.cost, frozenset({(op, 0), (op, 1)}), lambda: exchange(op, 1, weight)))


def product(op: MatmulOp, at: int, affine: Affine) -> Reading | None:
    """matmul(x * s + t, w) -> matmul(x, s * w) + matmul(t, w), of what is summed over; other scales stay behind it"""
    other, summed = op.operands[1 - at], len(affine.scale.shape) - (1 if at == 0 else 2)
    w, rank = exact(other), len(shape_of(op.output))
    if w is not None and affine.varies <= {summed}:
        extent = shape_of(op.operands[at])[summed]
        scale, shift = affine.vectors(extent)
        weight = changed(as_array(w * (scale[:, None] if at == 0 else scale)), other, other)
        left = as_array(np.matmul(shift[None, :], w) if at == 0 else np.matmul(w, shift[:, None]))
        if weight is None:
            return None
        changes = Plan(-weight.cost, frozenset({(op, 0), (op, 1)}), lambda: exchange(op, 1 - at, weight))
        return Reading(changes if affine.scales else NOTHING, shifting(left).of_rank(rank))
    if affine.shifts or summed in affine.varies:
        return None
    return Reading(NOTHING, scaling(affine.scale).of_rank(rank))


def sum_(op: AddOp | SubOp, at: int, affine: Affine) -> Reading | None:
    """(x + b) + y -> (x + y) + b, and so of differences"""
    if affine.scales:
        return None
    bias = as_array(-affine.bias) if isinstance(op, SubOp) and at == 1 else affine.bias
    return Reading(NOTHING, shifting(bias).of_rank(len(shape_of(op.output))))


def factor(op: MulOp | DivOp, at: int, affine: Affine) -> Reading | None:
    """(x * s) * y -> (x * y) * s; (x * s) / y -> (x / y) * s; y / (x * s) -> (y / x) * (1 / s)"""
    if affine.shifts or (affine.scale == 0).any():
        return None
    scale = as_array(1 / affine.scale) if isinstance(op, DivOp) and at == 1 else affine.scale
    return Reading(NOTHING, scaling(scale).of_rank(len(shape_of(op.output))))


def concat(op: ConcatOp, at: int, affine: Affine) -> Reading | None:
    """concat(x * s + b, y) -> concat(x, y) * s' + b', which does nothing to y"""
    axis, extents = op.axis.value.data, [shape_of(o)[op.axis.value.data] for o in op.inputs]
    start, size = sum(extents[:at]), extents[at]
    parts: list[Array] = []
    for part, neutral in ((affine.scale, 1.0), (affine.bias, 0.0)):
        whole = np.full([sum(extents) if a == axis else n for a, n in enumerate(part.shape)], neutral)
        whole[(slice(None),) * axis + (slice(start, start + size),)] = part
        parts.append(whole)
    return Reading(NOTHING, Affine(*parts))


RULES: Mapping[type[Operation], Rule] = {
    ConvOp: convolution,
    ConvTransposeOp: transposed_convolution,
    MatmulOp: product,
    AddOp: sum_,
    SubOp: sum_,
    MulOp: factor,
    DivOp: factor,
    ConcatOp: concat,
}
