"""`kernel-alternate-panels`: where steps read the same weights, every other one goes through them backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of, range_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.streams import most_trips
from webdnn.support.index import Index, constant, mod, symbol


def bound(value: SSAValue) -> Index:
    """The bound of a loop as an index."""
    known = constant_of(value)
    return symbol(value) if known is None else constant(known)


def streamed_bytes(loop: scf.ForOp) -> int:
    """The bytes of the buffers through which a loop moves in sums, that it reads at the same places in each call."""
    counter, sizes = loop.body.block.args[0], dict[SSAValue, int]()
    counters = {inner.body.block.args[0] for inner in loop.walk() if isinstance(inner, scf.ForOp)}
    for op in loop.walk():
        if isinstance(op, ReadOp) and isinstance(sums := op.parent_op(), scf.ForOp) and sums.iter_args:
            (expr,) = op.exprs
            if (stride := expr.coefficient(counter)) and expr.symbols <= counters:
                sizes[op.source] = abs(stride) * element_type(buffer_type(op.source)).bytes * most_trips(loop)
    return sum(sizes.values())


def runs_in_any_order(loop: scf.ForOp) -> bool:
    """Do the trips of a loop read nothing that they write, and carry nothing?"""
    written = {op.target for op in loop.walk() if isinstance(op, WriteOp)}
    return not loop.iter_args and not any(isinstance(op, ReadOp) and op.source in written for op in loop.walk())


def alternate(loop: scf.ForOp, even: SSAValue) -> None:
    """Count the trips of a loop downwards where `even` does not hold."""
    counter, count = loop.body.block.args[0], most_trips(loop)
    forwards = IndexOp(symbol(counter))
    backwards = IndexOp(bound(loop.lb) + bound(loop.ub) - 1 - symbol(counter))
    chosen = arith.SelectOp(even, forwards.result, backwards.result)
    place = IndexOp(symbol(chosen.result), count)
    counter.replace_uses_with_if(place.result, lambda use: use.operation not in (forwards, backwards))
    Rewriter.insert_op([forwards, backwards, chosen, place], InsertPoint.at_start(loop.body.block))


@dataclass(frozen=True)
class KernelAlternatePanelsPass(ModulePass):
    """Go through the panels of weights backwards in every other call from a loop, if the weights are large.

    The steps of a recurrent layer read the same matrix again and again. A cache that holds nearly all of it keeps what
    was read last: a step that begins there finds it, where one that begins at the start finds each line just gone.

    Before:

        kernel.func @gates(%w: …, %h: …, %x: …, %y: …, %step: index) {
          scf.for %p = 0 to 21 { … kernel.read %w[%p * 12288 + %k * 16] … } }

    After:

        %even = kernel.inside [%step mod 2] of [1]
        scf.for %p = 0 to 21 {
          %back = kernel.index [20 - %p]
          %panel = arith.select %even, %p, %back
          … kernel.read %w[%panel * 12288 + %k * 16] … }

    Leaves alone: kernels that no loop calls, weights of fewer than `bytes`, what each call reads elsewhere, and loops
    whose trips depend on each other. Run after `kernel-prefetch-panels`.
    """

    name = "kernel-alternate-panels"
    stage_before: ClassVar = "loops"
    stage_after: ClassVar = "loops"
    bytes: int = 1 << 19

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp) and function.counters:
                if loops := [o for o in function.body.block.ops if isinstance(o, scf.ForOp) and self.pays(o)]:
                    even = InsideOp([mod(symbol(function.counters[0]), 2, range_of)], [1])
                    Rewriter.insert_op(even, InsertPoint.at_start(function.body.block))
                    for loop in loops:
                        alternate(loop, even.result)

    def pays(self, loop: scf.ForOp) -> bool:
        """Is there more to read than a cache keeps beside all else, in an order that is free?"""
        return runs_in_any_order(loop) and streamed_bytes(loop) >= self.bytes
