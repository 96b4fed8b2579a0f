"""Affine maps of a value become part of what computes the value: of weights, biases and constants before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, SubOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.normalization import GroupNormOp, LayerNormOp, RmsNormOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ConcatOp
from webdnn.dialects.dnn.traits import Moving
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.aggregation.commuting import commutes
from webdnn.passes.dnn.aggregation.plan import (
    NOTHING,
    Changed,
    Plan,
    best,
    changed,
    dtype_of,
    elements,
    exact,
    reparametrize,
    together,
)
from webdnn.passes.dnn.rewriting import as_moved, erase_dead, is_read_once
from webdnn.support.affine import Affine, fits, rounds, scaling
from webdnn.support.operator_cost import FREE, Cost

Rule = Callable[..., Plan | None]
"""(operator, map of its result, reach) -> how the operator gives what the map would make of its result"""


DEEPEST = 24
"""Operators that a map may go through: chains of sums and products, such as polynomials, have no end."""


def absorbed(value: SSAValue, affine: Affine, reach: int = DEEPEST) -> Plan | None:
    """value -> value * scale + bias, by what computes the value; all that read it then read that.

    `reach` is how many operators further this may look.
    """
    if not affine.scales and not affine.shifts:
        return NOTHING
    op = value.owner
    if not isinstance(op, DnnOp) or isinstance(op, ConstantOp) or not element_type(value.type).is_float:
        return None
    if op.has_trait(Moving):
        return move(op, affine, reach)
    if type(op) in RULES:
        return RULES[type(op)](op, affine, reach)
    before = affine.with_rank(len(shape_of(op.operands[0]))) if op.operands and follows(op, affine) else None
    return through(op, 0, before, reach) if before and commutes(op, before) else None


def follows(op: DnnOp, affine: Affine) -> bool:
    """Does the operand have all axes along which the result is treated differently?"""
    return all(axis < len(shape_of(op.operands[0])) for axis in affine.varies)


def through(op: DnnOp, at: int, affine: Affine, reach: int) -> Plan | None:
    """f(…, x, …) -> f(…, x * scale + bias, …), where x is a constant, or computed and read by nothing else."""
    value = op.operands[at]
    if not affine.scales and not affine.shifts:
        return NOTHING
    if not fits(affine.scale, shape_of(value)) or not fits(affine.bias, shape_of(value)):
        return None
    affine = affine.of_rank(len(shape_of(value)))
    if known(value) is None:
        return absorbed(value, affine, reach - 1) if is_read_once(value) and reach else None
    array = exact(value)
    new = None if array is None else changed(as_array(array * affine.scale + affine.bias), value, value)
    if new is None:
        return None
    return Plan(-new.cost, frozenset({(op, at)}), lambda: exchange(op, at, new))


def exchange(op: DnnOp, at: int, new: Changed) -> None:
    """Let an operator read another constant."""
    constant, old = new.made(), op.operands[at]
    constant.location = op.location
    constant.output.name_hint = old.name_hint
    Rewriter.insert_op(constant, InsertPoint.before(op))
    op.operands[at] = constant.output
    if isinstance(old.owner, DnnOp):
        erase_dead(old.owner)


def move(op: DnnOp, affine: Affine, reach: int) -> Plan | None:
    """move(x) * s + b -> move(x * s' + b'), where nothing else reads what changes of x: other parts may be taken."""
    value = op.operands[0]
    shape = shape_of(value)
    readers = [use.operation for use in value.uses if use.operation is not op]
    if not readers and not affine.varies:
        return absorbed(value, affine.with_rank(0).of_rank(len(shape)), reach - 1) if reach else None
    places = as_moved(op, as_array(np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)))
    before = affine.before(places.astype(np.int64, copy=False), shape)
    if readers:
        touched = as_array(np.broadcast_to((before.scale != 1) | (before.bias != 0), shape))
        if not all(isinstance(r, DnnOp) and r.has_trait(Moving) and not as_moved(r, touched).any() for r in readers):
            return None
    return absorbed(value, before, reach - 1) if reach else None


def convolution(op: ConvOp | ConvTransposeOp, affine: Affine, reach: int) -> Plan | None:
    """conv(x, w, b) * s + t -> conv(x, w * s, b * s + t), of channels"""
    w, b = exact(op.weight), exact(op.bias) if op.bias else None
    if affine.varies - {1} or w is None or (op.bias and b is None):
        return None
    scale, shift = affine.vectors(len(w))
    weight = changed(as_array(w * scale.reshape(-1, *[1] * (w.ndim - 1))), op.weight, op.weight)
    bias = changed(shift if b is None else as_array(b * scale + shift), op.weight, op.bias)
    if weight is None or bias is None:
        return None
    bias_too = bias if op.bias or affine.shifts else None
    cost = weight.cost + bias_too.cost if bias_too else weight.cost
    return Plan(-cost, frozenset({(op, 1)}), lambda: reparametrize(op, weight, bias_too))


def product(op: MatmulOp, affine: Affine, reach: int) -> Plan | None:
    """matmul(a, b) * s -> matmul(a, b * s) or matmul(a * s, b), with scales of columns or rows"""
    if affine.shifts:
        return None
    columns = through(op, 1, affine, reach) if affine.scale.shape[-2] == 1 else None
    rows = through(op, 0, affine, reach) if affine.scale.shape[-1] == 1 else None
    return best([columns, rows])


def sum_(op: AddOp | SubOp, affine: Affine, reach: int) -> Plan | None:
    """(x + y) * s + b -> (x * s + b) + y * s, and also (x * s) + (y * s + b); so of differences"""
    if any(rounds(c, dtype_of(op.output)) for value in op.operands if (c := exact(value)) is not None):
        return None
    plans: list[Plan | None] = []
    scale = scaling(affine.scale)
    at_hand = sorted((0, 1), key=lambda i: isinstance(op.operands[i].owner, DnnOp))  # these tell soonest that they fail
    for at in (0, 1) if affine.shifts else (0,):
        bias = -affine.bias if at == 1 and isinstance(op, SubOp) else affine.bias
        parts = {at: Affine(affine.scale, as_array(bias)), 1 - at: scale}
        found = list(takewhile(bool, (through(op, i, parts[i], reach) for i in at_hand)))
        plans.append(together([part for part in found if part]) if len(found) == len(parts) else None)
    return best(plans)


def factor(op: MulOp | DivOp, affine: Affine, reach: int) -> Plan | None:
    """(x * y) * s -> x * (y * s), and also (x * s) * y; (x / y) * s -> (x * s) / y"""
    if affine.shifts:
        return None
    return best([through(op, at, affine, reach) for at in ((0, 1) if isinstance(op, MulOp) else (0,))])


def concat(op: ConcatOp, affine: Affine, reach: int) -> Plan | None:
    """concat(x, y) * s + b -> concat(x * s + b, y * s + b), of the parts of s and b"""
    plans: list[Plan] = []
    axis, start = op.axis.value.data, 0
    for at, value in enumerate(op.inputs):
        size = shape_of(value)[axis]
        plan = through(op, at, affine.part(axis, start, size), reach)
        if plan is None:
            return None
        plans.append(plan)
        start += size
    return together(plans)


def normalization(op: LayerNormOp | RmsNormOp, affine: Affine, reach: int) -> Plan | None:
    """norm(x, s, b) * t + u -> norm(x, s * t, b * t + u)"""
    scale, old = exact(op.scale), op.bias if isinstance(op, LayerNormOp) else None
    bias = exact(old) if old else None
    if scale is None or (old and bias is None) or (affine.shifts and isinstance(op, RmsNormOp)):
        return None
    factor = as_array(scale * affine.scale)
    shift = affine.bias if bias is None else as_array(bias * affine.scale + affine.bias)
    new = [changed(factor, op.scale, op.scale), changed(shift, op.scale, old)]
    shifts = bool(old or affine.shifts)
    more = int((factor != 1).any()) - int((scale != 1).any()) + int(shifts) - int(old is not None)
    absent = [None] * int(isinstance(op, LayerNormOp) and not shifts)
    plan = parameters(op, new if shifts else new[:1], *absent)
    return replace(plan, saved=plan.saved - Cost(elements=more * elements(op.output))) if plan else None


def group_normalization(op: GroupNormOp, affine: Affine, reach: int) -> Plan | None:
    """norm(x, s, b) * t + u -> norm(x, s * t, b * t + u), of channels"""
    scale, bias = exact(op.scale), exact(op.bias)
    if scale is None or bias is None or affine.varies - {1}:
        return None
    factor, shift = affine.vectors(len(scale))
    first = changed(as_array(scale * factor), op.scale, op.scale)
    return parameters(op, [first, changed(as_array(bias * factor + shift), op.bias, op.bias)])


def parameters(op: DnnOp, new: Sequence[Changed | None], *absent: None) -> Plan | None:
    """An operator with other constants behind its first operand."""
    found = [part for part in new if part]
    if len(found) < len(new):
        return None
    cost = sum((part.cost for part in found), FREE)
    return Plan(-cost, frozenset({(op, 1)}), lambda: reparametrize(op, *found, *absent))


def embedding(op: GatherOp, affine: Affine, reach: int) -> Plan | None:
    """gather(t, i) * s + b -> gather(t * s + b, i), where s and b are the same for all indices"""
    axis, indices = op.axis.value.data, len(shape_of(op.indices))
    if affine.varies & set(range(axis, axis + indices)):
        return None
    parts = (p.reshape(*p.shape[:axis], 1, *p.shape[axis + indices :]) for p in (affine.scale, affine.bias))
    return through(op, 0, Affine(*parts), reach)


RULES: Mapping[type[Operation], Rule] = {
    ConvOp: convolution,
    ConvTransposeOp: convolution,
    MatmulOp: product,
    AddOp: sum_,
    SubOp: sum_,
    MulOp: factor,
    DivOp: factor,
    ConcatOp: concat,
    LayerNormOp: normalization,
    RmsNormOp: normalization,
    GroupNormOp: group_normalization,
    GatherOp: embedding,
}
