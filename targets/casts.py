"""Casts of one bit, which languages do not have, in terms of selects and comparisons."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.builder import Body


def legalize_cast(op: Operation) -> None:
    """A number of one bit is 0 or -1 where it has a sign, and the lowest bit of another."""
    body = Body()
    if isinstance(op, arith.SIToFPOp | arith.ExtSIOp) and op.input.type == i1:
        result = op.result.type
        value = body.select(op.input, body.constant(-1, result), body.constant(0, result))
    elif isinstance(op, arith.TruncIOp) and op.result.type == i1:
        lowest = body.add(arith.AndIOp(op.input, body.constant(1, op.input.type)))
        value = body.add(arith.CmpiOp(lowest, body.constant(0, op.input.type), "ne"))
    else:
        return
    Rewriter.replace_op(op, body.ops, [value])
