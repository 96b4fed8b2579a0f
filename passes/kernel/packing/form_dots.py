"""`kernel-form-dots`: two steps of a sum of products become one, on pairs of integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerType, MemRefType, ModuleOp, Signedness, i32
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.clone import hint
from webdnn.dialects.kernel.pairs import PAIR, DotPairsOp, SpreadBytesOp
from webdnn.dialects.kernel.structure import FuncOp, ReduceOp, YieldOp
from webdnn.passes.kernel.packing.pair_steps import factors_of, is_even
from webdnn.support.index import Index, substitute, symbol

UI16 = IntegerType(16, Signedness.UNSIGNED)
WORDS: dict[str, Attribute] = {"i16": i32, "i8": UI16}
"""What holds two neighbours: two integers of 8 bits are spread when they are read."""


def halved(index: Index) -> Index:
    return Index(index.constant // PAIR, {atom: by // PAIR for atom, by in index.terms.items()})


def is_paired(read: ReadOp, half: SSAValue) -> bool:
    """Does a flat buffer hold the two halves at 2 e and 2 e + 1?"""
    (index,) = read.exprs
    if element_type(read.source.type).name not in WORDS or index.terms.get(half) != 1:
        return False
    rest = index - symbol(half)
    return half not in rest.symbols and is_even(rest) and buffer_type(read.source).get_shape()[0] % PAIR == 0


@dataclass(frozen=True)
class Dot:
    """A sum whose last axis is the half of a pair, and the buffers that it reads."""

    reduce: ReduceOp
    reads: tuple[ReadOp, ReadOp]

    @property
    def half(self) -> SSAValue:
        return self.reduce.axes[-1]

    @classmethod
    def of(cls, reduce: ReduceOp) -> Dot | None:
        factors = factors_of(reduce)
        if factors is None or len(reduce.shape) < 2 or reduce.shape[-1] != PAIR:
            return None
        found = cls(reduce, (factors.activation, factors.weight))
        return found if all(is_paired(read, found.half) for read in found.reads) else None


def form(dot: Dot) -> None:
    """reduce(…, h) a[2 e + h] · b[2 f + h] -> reduce(…) dot_pairs(a'[e], b'[f])"""
    reduce = dot.reduce
    block = Block(arg_types=[axis.type for axis in reduce.axes[:-1]])
    new = ReduceOp(reduce.kind.data, reduce.shape[:-1], reduce.init, Region(block))
    hint(block.args, reduce.axes)
    Rewriter.insert_op(new, InsertPoint.before(reduce))
    axes = dict(zip(reduce.axes, map(symbol, block.args), strict=False))
    body = Body()
    pairs: list[SSAValue] = []
    for read in dot.reads:
        place = halved(read.exprs[0] - symbol(dot.half))
        word = body.add(ReadOp(read.source, [substitute(place, axes, range_of)], None, i32))
        is_bytes = element_type(read.source.type) == element_type(UI16)
        pairs.append(body.add(SpreadBytesOp(word)) if is_bytes else word)
    products = body.add(DotPairsOp(*pairs))
    block.add_ops([*body.ops, YieldOp([products])])
    Rewriter.replace_op(reduce, [], [new.result])


def form_all(function: FuncOp) -> None:
    """All such sums of a kernel, if nothing else accesses their buffers, which get words for elements."""
    dots = [dot for o in function.walk() if isinstance(o, ReduceOp) and (dot := Dot.of(o))]
    reads = {read for dot in dots for read in dot.reads}
    buffers = {read.source for read in reads}
    if any(use.operation not in reads for buffer in buffers for use in buffer.uses):
        return
    for buffer in list(buffers):
        type = buffer_type(buffer)
        words = MemRefType(WORDS[element_type(type).name], [type.get_shape()[0] // PAIR])
        Rewriter.replace_value_with_new_type(buffer, words)
    for dot in dots:
        form(dot)


@dataclass(frozen=True)
class KernelFormDotsPass(ModulePass):
    """Sum up pairs of integers of 16 bits that share a word, where a sum has an axis for the halves of pairs.

    Before:

        kernel.reduce add (%c = 32, %half = 2) from %zero : i32 { %x[%c * 2 + %half] · %w[%c * 16 + %n * 2 + %half] }

    After:

        kernel.reduce add (%c = 32) from %zero : i32 { kernel.dot_pairs %x[%c], spread_bytes(%w[%c * 8 + %n]) }

    The kernel's buffers of i16 hold words of two, and those of i8 halves of words, whose bytes are spread when they are
    read. As vectors these are single instructions of WebAssembly.

    Leaves alone: sums that `kernel-pair-steps` did not pair, and buffers that are read otherwise too.
    Run after `kernel-flatten-buffers`, before `kernel-collapse-axes`.
    """

    name = "kernel-form-dots"
    stage_before: ClassVar = "flat"
    stage_after: ClassVar = "flat"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                form_all(function)
