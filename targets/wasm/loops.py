"""What pointers need to know of loops: which one is around, where it begins and ends, whose counters are used."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects import arith, scf
from xdsl.ir import BlockArgument, Operation, SSAValue

from webdnn.dialects.kernel.affine import constant_of
from webdnn.support.index import FloorDiv, Index


def loop_around(op: Operation) -> scf.ForOp | None:
    """The innermost loop in which an operation stands."""
    parent = op.parent_op()
    while isinstance(parent, scf.IfOp):
        parent = parent.parent_op()
    return parent if isinstance(parent, scf.ForOp) else None


def trip_of(bound: SSAValue) -> int | SSAValue:
    """A bound of a loop: a constant, or what was computed as an index."""
    if (known := constant_of(bound)) is not None:
        return known
    assert isinstance(bound.owner, arith.IndexCastOp), "bounds are constants or kernel.index"
    return bound.owner.input


def counters(exprs: Iterable[Index]) -> dict[SSAValue, None]:
    """The loop counters that index expressions use."""
    found: dict[SSAValue, None] = {}
    for expr in exprs:
        for symbol in expr.terms:
            if isinstance(symbol, FloorDiv):
                found |= counters([symbol.numerator])
            elif isinstance(symbol, BlockArgument):
                found[symbol] = None
    return found
