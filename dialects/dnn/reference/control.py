"""Numpy meaning of loops."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import grouped_operands, known
from webdnn.dialects.dnn.reference.registry import evaluate, meaning


@meaning(LoopOp)
def loop(op: LoopOp, *operands: Array) -> Sequence[Array]:
    carried, captured = list(operands[: len(op.inits)]), operands[len(op.inits) :]
    rows: list[Sequence[Array]] = []
    for step in range(op.steps):
        given = [as_array(np.array(step, np.int64)), *carried, *captured]
        values = dict[SSAValue, Array](zip(op.body.block.args, given, strict=True))
        evaluate_all(op.step_ops, values)
        found = [value_of(value, values) for value in op.end.values]
        carried = found[: len(carried)]
        rows.append(found[len(carried) :])
    return [*carried, *(as_array(np.stack(stack)) for stack in zip(*rows, strict=True))]


def evaluate_all(ops: Iterable[Operation], values: dict[SSAValue, Array]) -> None:
    """Add what operators give, one after another, to the values that there are."""
    for op in ops:
        if isinstance(op, DnnOp) and not isinstance(op, ConstantOp):
            operands = [None if o is None else value_of(o, values) for o in grouped_operands(op)]
            values |= zip(op.results, evaluate(op, operands), strict=True)


def value_of(value: SSAValue, values: Mapping[SSAValue, Array]) -> Array:
    """A value that has been computed, or is known."""
    array = values[value] if value in values else known(value)
    assert array is not None, f"{value} has not been computed"
    return array
