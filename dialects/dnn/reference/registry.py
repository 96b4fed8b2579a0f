"""The table from operators to their numpy meanings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from xdsl.ir import Operation

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.element import element_type, shape_of, tensor_type
from webdnn.support.diagnostic import fail
from webdnn.support.weights import numpy_dtype

Meaning = Callable[..., Array | Sequence[Array]]
"""(operator, an array for each operand or None where an optional one is absent) -> its result or results"""

OpT = TypeVar("OpT", bound=DnnOp)
MeaningT = TypeVar("MeaningT", bound=Meaning)

MEANINGS: dict[type[Operation], Meaning] = {}


def meaning(*kinds: type[DnnOp]) -> Callable[[MeaningT], MeaningT]:
    """Decorate the numpy meaning of an operator: `def conv(op, x, w, b) -> array`."""

    def register(function: MeaningT) -> MeaningT:
        for kind in kinds:
            assert kind not in MEANINGS, f"{kind.name} has two meanings"
            MEANINGS[kind] = function
        return function

    return register


def evaluate(op: Operation, operands: Sequence[Array | None]) -> list[Array]:
    """The results of an operator on arrays, one per operand definition (None for an absent optional operand).

    Operands that a definition takes as a list are passed one after another.
    """
    if type(op) not in MEANINGS:
        fail(op, "has no numpy meaning", hint="add one in dialects/dnn/reference/")
    with np.errstate(all="ignore"):
        found = MEANINGS[type(op)](op, *operands)
    arrays = [found] if isinstance(found, np.ndarray | np.generic) else list(found)
    return [checked(op, i, np.asarray(a)) for i, a in enumerate(arrays)]


def checked(op: Operation, i: int, array: Array) -> Array:
    """Arrays have exactly the type that the operator's result says; a meaning that breaks this is our bug."""
    type = tensor_type(op.results[i])
    assert array.shape == shape_of(type), f"{op.name} gave {array.shape}, expected {type}"
    stored = array.astype(numpy_dtype(element_type(type)), copy=False)
    return as_array(np.ascontiguousarray(stored).reshape(array.shape))
