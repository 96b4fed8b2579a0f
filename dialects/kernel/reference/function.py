"""Run a function of any level of tensors (`dnn`, `tensor_layout`, `kernel`) on numpy arrays.

Arrays are logical as long as types carry layouts, and stored arrays once operators have become kernels: an argument
has the shape of its type in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference import evaluate
from webdnn.dialects.dnn.reference.constants import array_of, grouped_operands
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.reference.casts import dtype_of
from webdnn.dialects.kernel.reference.points import Values, evaluate_compute, evaluate_op, evaluate_read
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.dialects.tensor_layout.convert import ConvertOp
from webdnn.support.diagnostic import DiagnosticError, fail
from webdnn.support.weights import Array

OPERATOR_MEANING: Callable[..., Sequence[Array]] = evaluate
"""(operator, an array for each operand definition) -> its results"""


def run_function(module: ModuleOp, inputs: Sequence[Array], name: str = "main") -> list[Array]:
    """The results of a function. Raises DiagnosticError where inputs do not fit or an operation has no meaning."""
    function = function_named(module, name)
    body = function.body.block
    check_inputs(function, inputs)
    values: Values = {a: np.asarray(i, dtype_of(a.type)) for a, i in zip(body.args, inputs, strict=True)}
    for op in body.ops:
        if isinstance(op, func.ReturnOp):
            return [values[v] for v in op.operands]
        values.update(zip(op.results, results_of(op, values), strict=True))
    fail(function, "returns nothing", hint="end its body in func.return")


def function_named(module: ModuleOp, name: str) -> func.FuncOp:
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and op.sym_name.data == name:
            return op
    raise DiagnosticError(f"the module has no function @{name}", hint="name one that it has")


def check_inputs(function: func.FuncOp, inputs: Sequence[Array]) -> None:
    wanted = [shape_of(a) for a in function.body.block.args]
    found = [np.shape(i) for i in inputs]
    if wanted != found:
        fail(function, f"takes inputs of shapes {wanted}, found {found}", hint="pass an array for each argument")


def evaluate_scan(op: ScanOp, outer: Values) -> list[Array]:
    """The carried values after the last step, and the rows of all steps."""
    carried = [outer[i] for i in op.inits]
    stacked = [np.zeros(shape_of(s), dtype_of(s.type)) for s in op.stacked]
    steps = range(op.trip_count)
    for step in reversed(steps) if op.reverse is not None else steps:
        values = {**outer, op.counter: np.array(step), **dict(zip(op.carried, carried, strict=True))}
        for inner in op.body.block.ops:
            if inner is not op.end:
                values.update(zip(inner.results, results_of(inner, values), strict=True))
        carried = [values[v] for v in op.nexts]
        for stack, row in zip(stacked, op.rows, strict=True):
            stack[step] = values[row]
    return [*carried, *stacked]


def results_of(op: Operation, values: Values) -> Sequence[Array]:
    """An array for each result of an operation."""
    match op:
        case ConstantOp():
            return [array_of(op)]
        case DnnOp():
            return OPERATOR_MEANING(op, [None if o is None else values[o] for o in grouped_operands(op)])
        case ConvertOp():
            return [values[op.source]]
        case ComputeOp():
            return evaluate_compute(op, values)
        case ReshapeOp():
            return [values[op.source].reshape(shape_of(op.result))]
        case ConcatOp():
            return [np.concatenate([values[p] for p in op.parts], axis=op.axis.data)]
        case ScanOp():
            return evaluate_scan(op, values)
        case _:
            return [evaluate_op(op, values, 0, evaluate_read)]
