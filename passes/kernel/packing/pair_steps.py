"""`kernel-pair-steps`: steps of sums of products of small integers come in pairs, as dot products take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.pairs import PAIR
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.passes.kernel.packing.pad_operands import GROWTH, wanted
from webdnn.support.index import Index, symbol

FEWEST = 8
"""Steps that are worth pairing: few are unrolled whole, and an axis of one pair is none."""


@dataclass(frozen=True)
class Factors:
    """What a sum of products multiplies: the elements of a buffer by those of a constant."""

    activation: ReadOp
    weight: ReadOp


def factors_of(reduce: ReduceOp) -> Factors | None:
    """The factors where a body is nothing but a product of two reads, one of them of a constant or of weights."""
    ops = [op for op in reduce.body.block.ops if not isinstance(op, arith.ConstantOp)]
    product = reduce.yielded.owner
    if reduce.kind.data is not ReduceKind.ADD or not isinstance(product, arith.MuliOp) or len(ops) != 4:
        return None
    if not isinstance(ops[-1], YieldOp):
        return None
    a, b = product.lhs.owner, product.rhs.owner
    if not isinstance(a, ReadOp) or not isinstance(b, ReadOp) or a is b or a.source is b.source:
        return None
    return Factors(a, b)


def pairs_up(read: ReadOp, axis: SSAValue) -> bool:
    """Are the elements of each two steps along an axis neighbours, the first of them at an even place?"""
    shape = buffer_type(read.source).get_shape()
    *outer, last = read.exprs
    if last.coefficient(axis) != 1 or any(axis in e.symbols for e in outer) or shape[-1] % PAIR:
        return False
    rest = last - symbol(axis)
    return axis not in rest.symbols and is_even(rest)


def is_even(index: Index) -> bool:
    return index.constant % PAIR == 0 and all(by % PAIR == 0 for by in index.terms.values())


def may_pair(reduce: ReduceOp) -> bool:
    """Is it a sum of products of i16 by a constant of i8 or i16, an even number along neighbours?"""
    factors = factors_of(reduce)
    if factors is None or reduce.shape[-1] % PAIR or reduce.shape[-1] < FEWEST:
        return False
    activation, weight = factors.activation, factors.weight
    if isinstance(activation.source.owner, ConstantOp):
        activation, weight = weight, activation
    if not isinstance(weight.source.owner, ConstantOp) or element_type(weight.source.type).name not in ("i8", "i16"):
        return False
    if element_type(activation.source.type).name != "i16" or weight.outside:
        return False
    if activation.outside and not may_pad(activation):
        return False
    return pairs_up(activation, reduce.axes[-1]) and is_only_read_there(activation)


def may_pad(read: ReadOp) -> bool:
    """Will `kernel-pad-operands` store what lies outside?"""
    halo, shape = wanted(read), buffer_type(read.source).get_shape()
    padded = [low + n + high for n, (low, high) in zip(shape, halo or (), strict=False)]
    return halo is not None and prod(padded) <= GROWTH * prod(shape)


def is_only_read_there(read: ReadOp) -> bool:
    """Does the kernel read nothing else of the buffer?"""
    compute = read.parent_op()
    while not isinstance(compute, ComputeOp):
        assert compute is not None
        compute = compute.parent_op()
    return all(o is read or o.source is not read.source for o in compute.walk() if isinstance(o, ReadOp))


def pair(reduce: ReduceOp) -> None:
    """reduce(…, k) f(k) -> reduce(…, p, h) f(2 p + h)"""
    *outer, last = reduce.shape

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        *kept, pairs, half = map(symbol, axes)
        return dict(zip(reduce.axes, [*kept, pairs * PAIR + half], strict=True))

    new = Cloner().reduce(reduce, [*outer, last // PAIR, PAIR], to_index)
    new.axes[-1].name_hint = "half"
    Rewriter.replace_op(reduce, new)


@dataclass(frozen=True)
class KernelPairStepsPass(ModulePass):
    """Give sums of products of small integers an axis for the two halves of a pair.

    Before:

        kernel.reduce add (%c = 64) from %zero : i32 { %x[%p, %c] · %w[%n, %c] }

    After:

        kernel.reduce add (%c = 32, %half = 2) from %zero : i32 { %x[%p, %c * 2 + %half] · %w[%n, %c * 2 + %half] }

    `kernel-pack-weights{pairs=true}` then puts both halves of a weight side by side, and `kernel-form-dots` makes one
    step of the two.

    Leaves alone: activations of other elements than i16, or that do not lie side by side along the last axis of the
    sum, an odd number of steps or a few, factors that are not constant, and what a kernel reads for something else too.
    Run after fusion, before `kernel-pack-weights`.
    """

    name = "kernel-pair-steps"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for reduce in [o for o in op.walk() if isinstance(o, ReduceOp)]:
            if may_pair(reduce):
                pair(reduce)
