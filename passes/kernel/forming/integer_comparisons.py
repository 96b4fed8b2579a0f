"""Comparisons of integers that a target has no words for: with numbers beyond its own, and without signs."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i1
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.builder import Body
from webdnn.passes.kernel.forming.integer_ranges import OverflowRisk, Ranges, restrict, within
from webdnn.support.index import Range

SIGNED_PREDICATES = {"ult": "slt", "ule": "sle", "ugt": "sgt", "uge": "sge"}


def predicate_of(op: arith.CmpiOp) -> str:
    return arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]


def refuse_signs(op: Operation, ranges: Ranges, *, is_float: bool) -> None:
    """Raises OverflowRisk where a large unsigned number, read with a sign, would be another one."""
    if isinstance(op, arith.UIToFPOp) and op.input.type != i1 and is_float:
        if ranges.of(op.input)[0] < 0:
            raise OverflowRisk(op)
    elif isinstance(op, arith.CmpiOp) and op.lhs.type != i1 and predicate_of(op) in SIGNED_PREDICATES:
        spans = [ranges.of(o) for o in op.operands]
        beyond = not all(within(span, ranges.machine.limits) for span in spans)
        if beyond and any(span[0] < 0 for span in spans):
            raise OverflowRisk(op)


def decide(op: arith.CmpiOp, spans: Sequence[Range]) -> None:
    """A comparison with a number beyond the machine's has the same result for all that the machine has."""
    predicate = predicate_of(op)
    holds = restrict(spans[0], SIGNED_PREDICATES.get(predicate, predicate), spans[1])
    result = predicate == "ne" if predicate in ("eq", "ne") else holds is not None
    Rewriter.replace_op(op, arith.ConstantOp(IntegerAttr(int(result), i1)))


def compare_large(op: arith.CmpiOp) -> None:
    """An unsigned comparison, where negative numbers stand for large ones."""
    predicate = predicate_of(op)
    if predicate not in SIGNED_PREDICATES:
        return
    body = Body()
    zero = body.constant(0, op.lhs.type)
    large = [body.less(o, zero) for o in op.operands]
    same = body.add(arith.CmpiOp(op.lhs, op.rhs, SIGNED_PREDICATES[predicate]))
    smaller = large[1] if predicate in ("ult", "ule") else large[0]
    differ = body.add(arith.XOrIOp(large[0], large[1]))
    Rewriter.replace_op(op, body.ops, [body.select(differ, smaller, same)])
