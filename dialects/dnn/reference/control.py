"""Numpy meaning of loops."""

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Block, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import array_of, grouped_operands
from webdnn.dialects.dnn.reference.registry import evaluate, meaning


@meaning(LoopOp)
def loop(op: LoopOp, *operands: Array) -> Sequence[Array]:
    carried, captured = list(operands[: len(op.inits)]), operands[len(op.inits) :]
    rows: list[Sequence[Array]] = []
    for step in range(op.steps):
        given = [as_array(np.array(step, np.int64)), *carried, *captured]
        found = evaluated(op.body.block, given, op.end.values)
        carried = found[: len(carried)]
        rows.append(found[len(carried) :])
    return [*carried, *(as_array(np.stack(stack)) for stack in zip(*rows, strict=True))]


def evaluated(block: Block, arguments: Sequence[Array], wanted: Sequence[SSAValue]) -> list[Array]:
    """Values of a block of operators, given its arguments."""
    values = dict[SSAValue, Array](zip(block.args, arguments, strict=True))
    for op in block.ops:
        if isinstance(op, ConstantOp):
            values[op.output] = array_of(op)
        elif isinstance(op, DnnOp):
            operands = [None if o is None else values[o] for o in grouped_operands(op)]
            values |= zip(op.results, evaluate(op, operands), strict=True)
    return [values[value] for value in wanted]
