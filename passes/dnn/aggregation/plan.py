"""Plans of rewritings: what each would save, which operators it would change, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, constant_of, known
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.rewriting import fused_location, replace
from webdnn.support.affine import stored
from webdnn.support.operator_cost import FREE, Cost
from webdnn.support.weights import numpy_dtype


@dataclass(frozen=True)
class Plan:
    """A rewriting that is not done yet. `changed` operands, by their numbers, are changed by no other part of it."""

    saved: Cost
    changed: frozenset[tuple[Operation, int]]
    build: Callable[[], None]

    @property
    def gains(self) -> bool:
        return self.saved.total > 0

    def build_for(self, *ops: Operation) -> None:
        """Do it, so that what is changed comes from where these operators come from too."""
        for op in {op: None for op, _ in self.changed}:
            op.location = fused_location(op, *ops)
        self.build()


NOTHING = Plan(FREE, frozenset(), lambda: None)


def together(plans: Sequence[Plan]) -> Plan | None:
    """All of these plans, one after another; None where two of them would change one operand."""
    changed = [operand for plan in plans for operand in plan.changed]
    if len(set(changed)) < len(changed):
        return None
    saved = sum((plan.saved for plan in plans), FREE)

    def build() -> None:
        for plan in plans:
            plan.build()

    return Plan(saved, frozenset(changed), build)


def best(plans: Sequence[Plan | None]) -> Plan | None:
    """The plan that saves most."""
    return max((plan for plan in plans if plan), key=lambda plan: plan.saved.total, default=None)


def elements(value: SSAValue) -> int:
    return prod(shape_of(value))


def dtype_of(value: SSAValue) -> np.dtype[np.generic]:
    return numpy_dtype(element_type(value.type))


def exact(value: SSAValue) -> Array | None:
    """The finite elements of a constant, floats in f64; None of anything else."""
    array = known(value)
    if array is None or array.dtype == np.bool_ or array.size == 0:
        return None
    if not element_type(value.type).is_float:
        return array
    wide = as_array(array.astype(np.float64))
    return wide if np.isfinite(wide).all() else None


@dataclass(frozen=True)
class Changed:
    """A constant that takes the place of another one, or is new; `array` has the type of its elements."""

    array: Array
    cost: Cost

    def made(self) -> ConstantOp:
        return constant_of(self.array)


def changed(array: Array, like: SSAValue, old: SSAValue | None = None) -> Changed | None:
    """The constant of these elements in the place of `old`; None where its type cannot hold them.

    Its bytes are downloaded too where others read `old`.
    """
    found = stored(array, dtype_of(like))
    if found is None:
        return None
    alone = old is not None and isinstance(old.owner, ConstantOp) and old.has_one_use()
    return Changed(as_array(found), Cost(weight_bytes=found.nbytes - (byte_size(old) if old and alone else 0)))


def reparametrize(op: DnnOp, *parameters: Changed | SSAValue | None) -> None:
    """Let an operator read other constants behind its first operand; None where an optional one is absent."""
    constants = [part.made() for part in parameters if isinstance(part, Changed)]
    made = iter(constants)
    operands = [next(made).output if isinstance(part, Changed) else part for part in parameters]
    replace(op, [*constants, type(op).of(op.operands[0], *operands, **op.properties)])
