"""Outputs of integers that a run checks: what floats may not hold is written as a float beyond those that are taken.

An integer that is rounded to a float stays within the exact ones only if it is one of them. So a result that no kernel
reads need not be proven: the runner refuses it where it is too large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import f32
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.forming.integer_ranges import OverflowRisk, Ranges, within

FLOAT_FORM: Mapping[type[Operation], type[arith.AddfOp | arith.SubfOp | arith.MulfOp]] = {
    arith.AddiOp: arith.AddfOp,
    arith.SubiOp: arith.SubfOp,
    arith.MuliOp: arith.MulfOp,
}
"""Arithmetic that floats do exactly, or with a result that is too large as well"""


def checked_arguments(programs: Iterable[func.FuncOp], kernels: Mapping[str, FuncOp]) -> frozenset[SSAValue]:
    """The buffers of kernels that always are outputs of a program, and never read."""
    given: dict[SSAValue, set[SSAValue]] = {}
    outputs, read = set[SSAValue](), set[SSAValue]()
    for program in programs:
        end = program.body.block.last_op
        outputs.update(end.operands if isinstance(end, func.ReturnOp) else ())
        for call in program.walk():
            if isinstance(call, CallOp):
                kernel = kernels[call.callee.root_reference.data]
                for argument, value in zip(kernel.buffers, call.buffers, strict=True):
                    given.setdefault(argument, set()).add(value)
                    if any(isinstance(use.operation, ReadOp) for use in argument.uses):
                        read.add(value)
    return frozenset(argument for argument, values in given.items() if values <= outputs - read)


def as_float(ranges: Ranges, value: SSAValue, body: Body) -> SSAValue:
    """An integer as the nearest float, or one that is too large as well. Raises OverflowRisk."""
    op = value.owner
    match op:
        case arith.FPToSIOp() | arith.FPToUIOp() if op.input.type == f32:
            return body.add(math.TruncOp(op.input))
        case arith.SelectOp():
            yes, no = (as_float(ranges, side, body) for side in (op.lhs, op.rhs))
            return body.select(op.cond, yes, no)
        case _:
            pass
    try:
        ranges.of(value)
    except OverflowRisk:
        if not isinstance(op, arith.AddiOp | arith.SubiOp | arith.MuliOp):
            raise
        if not all(within(ranges.of(o), ranges.machine.memory) for o in op.operands):
            raise
        a, b = (body.add(arith.SIToFPOp(o, f32)) for o in op.operands)
        return body.add(FLOAT_FORM[type(op)](a, b))
    return body.add(arith.SIToFPOp(value, f32))
