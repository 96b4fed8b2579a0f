"""Operators that scale and shift a tensor by constants, chains of them, and the shortest operators that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.base import BinaryOp, DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, NegOp, SubOp
from webdnn.dialects.dnn.normalization import BatchNormOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, known
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.aggregation.plan import Changed, changed, dtype_of, elements, exact
from webdnn.passes.dnn.rewriting import is_read_once
from webdnn.support.affine import Affine, aligned, rounds, scaling, shifting
from webdnn.support.operator_cost import Cost

NORMALIZATION = 4
"""How many element-wise operations a batch normalization is before its parameters are combined."""


@dataclass(frozen=True)
class Step:
    """An operator that maps its operand of number `at`, and none of constants, by `affine`."""

    op: DnnOp
    at: int
    affine: Affine

    @property
    def value(self) -> SSAValue:
        return self.op.operands[self.at]


def step_of(op: Operation) -> Step | None:
    """x + c, c + x, x - c, c - x, x * c, c * x, x / c, -x and batch_norm(x), where c does not broadcast or round x."""
    step = any_step_of(op)
    if step and element_type(step.value.type).is_float and rounds(step.affine.bias, dtype_of(step.value)):
        return None
    return step


def any_step_of(op: Operation) -> Step | None:
    if isinstance(op, NegOp):
        one = np.ones([1] * len(shape_of(op.input)), arithmetic(op.input))
        return Step(op, 0, scaling(as_array(np.negative(one))))
    if isinstance(op, BatchNormOp):
        affine = normalization(op)
        return Step(op, 0, affine) if affine else None
    if not isinstance(op, AddOp | SubOp | MulOp | DivOp):
        return None
    for at in (0, 1):
        x, constant = op.operands[at], exact(op.operands[1 - at])
        if constant is None or known(x) is not None or shape_of(op.output) != shape_of(x):
            continue
        affine = by_constant(op, at, constant.reshape(aligned(constant.shape, len(shape_of(x)))))
        return Step(op, at, affine) if affine else None
    return None


def by_constant(op: BinaryOp, at: int, c: Array) -> Affine | None:
    """The map of the operand `at`, where the other one is `c`; None of a division that is no multiplication."""
    match op, at:
        case AddOp(), _:
            return shifting(c)
        case MulOp(), _:
            return scaling(c)
        case SubOp(), 0:
            return shifting(as_array(np.negative(c)))
        case SubOp(), _:
            return Affine(as_array(np.negative(np.ones([1] * c.ndim, c.dtype))), c)
        case DivOp(), 0 if element_type(op.lhs.type).is_float and (c != 0).all():
            return scaling(as_array(1 / c))
        case _:
            return None


def arithmetic(value: SSAValue) -> np.dtype[np.generic]:
    """The type in which the maps of a value are held."""
    return np.dtype(np.float64) if element_type(value.type).is_float else dtype_of(value)


def normalization(op: BatchNormOp) -> Affine | None:
    """(x - m) / sqrt(v + e) * s + b -> x * (s / sqrt(v + e)) + (b - m * s / sqrt(v + e))"""
    scale, bias, mean, variance = (exact(v) for v in (op.scale, op.bias, op.mean, op.variance))
    if scale is None or bias is None or mean is None or variance is None:
        return None
    spread = variance + op.epsilon.value.data
    if (spread <= 0).any():
        return None
    factor = scale / np.sqrt(spread)
    channels = (1, -1, *[1] * (len(shape_of(op.input)) - 2))
    return Affine(as_array(factor.reshape(channels)), as_array((bias - mean * factor).reshape(channels)))


@dataclass(frozen=True)
class Chain:
    """Steps one after another, the first one first, each read by the next one alone; `affine` is what they do."""

    steps: Sequence[Step]
    affine: Affine

    @property
    def value(self) -> SSAValue:
        """What the chain maps."""
        return self.steps[0].value

    @property
    def result(self) -> SSAValue:
        return self.steps[-1].op.results[0]

    @property
    def cost(self) -> Cost:
        return sum((cost_of(step) for step in self.steps), Cost())


def cost_of(step: Step) -> Cost:
    constants = [v for v in step.op.operands if isinstance(v.owner, ConstantOp) and is_read_once(v)]
    operations = NORMALIZATION if isinstance(step.op, BatchNormOp) else 1
    return Cost(elements=operations * elements(step.value), weight_bytes=sum(byte_size(v) for v in constants))


def chain_to(op: Operation) -> Chain | None:
    """The longest chain that ends with an operator."""
    last = step_of(op)
    if last is None:
        return None
    steps, affine = [last], last.affine
    while is_read_once(steps[0].value):
        value = steps[0].value
        step = step_of(value.owner) if isinstance(value.owner, Operation) else None
        if step is None:
            break
        steps.insert(0, step)
        affine = step.affine.then(affine)
    return Chain(steps, affine)


@dataclass(frozen=True)
class Shortest:
    """The operators that map a value, in as few as there can be."""

    affine: Affine
    scale: Changed | None
    bias: Changed | None
    cost: Cost

    @property
    def negates(self) -> bool:
        return self.scale is None and self.affine.scales

    def made(self, x: SSAValue) -> list[Operation]:
        """The operators, with their constants before them; none where nothing is to be done."""
        scale, bias = (part.made() if part else None for part in (self.scale, self.bias))
        made: list[Operation] = [constant for constant in (scale, bias) if constant]
        if self.negates:
            return [*made, SubOp(bias.output, x) if bias else NegOp(x)]
        if scale:
            made.append(MulOp(x, scale.output))
            x = made[-1].results[0]
        return [*made, AddOp(x, bias.output)] if bias else made


def shortest(affine: Affine, value: SSAValue) -> Shortest | None:
    """x * s + b, x + b, x * s, b - x or -x; None where the type of the elements cannot hold s or b."""
    negates = bool((affine.scale == -1).all())
    scale = changed(trimmed(affine.scale), value) if affine.scales and not negates else None
    bias = changed(trimmed(affine.bias), value) if affine.shifts else None
    if (affine.scales and not negates and scale is None) or (affine.shifts and bias is None):
        return None
    operators = [*([scale or negates] if affine.scales else []), *([bias] if bias else [])]
    count = 1 if negates else len(operators)
    weights = sum((part.cost for part in (scale, bias) if part), Cost())
    return Shortest(affine, scale, bias, weights + Cost(elements=count * elements(value)))


def trimmed(part: Array) -> Array:
    """Without extents of 1 in front, which broadcasting adds again."""
    shape = list(part.shape)
    while shape and shape[0] == 1:
        shape.pop(0)
    return part.reshape(shape)
