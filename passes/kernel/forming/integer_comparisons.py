"""Comparisons of integers that a target has no words for: of and with numbers beyond its own, and without signs."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i1, i32, i64
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.forming.integer_ranges import INT32, OverflowRisk, Ranges, restrict, within
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


def is_number(type: Attribute) -> bool:
    return type in (i32, i64, INDEX)


def compare_factors(function: FuncOp, ranges: Ranges) -> None:
    """a · b = 0 -> a = 0 or b = 0, where the target may not hold the product.

    64 bits hold that of any two numbers of 32 bits, so that none but zero is cut to zero.
    """
    for op in list(function.walk()):
        if not isinstance(op, arith.CmpiOp) or op.lhs.type != i64 or constant_of(op.rhs) != 0:
            continue
        product, predicate = op.lhs.owner, predicate_of(op)
        if predicate in ("eq", "ne") and isinstance(product, arith.MuliOp) and exceeds(product, ranges):
            body = Body()
            a, b = (body.add(arith.CmpiOp(factor, op.rhs, predicate)) for factor in product.operands)
            Rewriter.replace_op(op, [*body.ops, (arith.AndIOp if predicate == "ne" else arith.OrIOp)(a, b)])
            if product.result.first_use is None:
                Rewriter.erase_op(product)


def exceeds(product: arith.MuliOp, ranges: Ranges) -> bool:
    """May the product of two numbers of 32 bits leave the machine's?"""
    try:
        if not all(within(ranges.of(factor), INT32) for factor in product.operands):
            return False
        ranges.of(product.result)
    except OverflowRisk as risk:
        return risk.op is product
    return False


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
