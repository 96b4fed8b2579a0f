"""`kernel-fuse-producers`: computes are inlined where their results are read, as far as nothing dear is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.dnn.rewriting import fused_location
from webdnn.passes.kernel.fusion.inlining import (
    Seen,
    between_kernels,
    erase_unread,
    has_reduction,
    inline,
    is_long,
    points_of,
    readers,
    reads_in,
    reads_of,
    runs_of,
    seen,
    widens_only,
)
from webdnn.support.index import Index, stays_inside, substitute, symbol

REPEATS = 4
"""How often an element may be computed anew by the kernel that reads it, where its computation is cheap."""

FEW = 8
"""A run that reads one of so many elements of a compressed weight decodes those alone: rows of an embedding."""

HALF = 7
"""Operations that make an f32 of a half float on a CPU"""

FREE = (arith.ConstantOp, ReadOp, IndexOp, InsideOp, TableOp, arith.SelectOp)
"""Operations that move elements but compute nothing."""

CHEAP = (math.AbsFOp, math.FloorOp, math.CeilOp, math.RoundEvenOp)
"""Functions that cost as little as arithmetic; every other one of the math dialect is dear."""


def moves_only(op: ComputeOp) -> bool:
    return all(isinstance(o, FREE) for o in list(op.body.block.ops)[:-1])


def narrows(op: ComputeOp) -> bool:
    """Does it make small integers, which are read again faster than made again?"""
    return all(element.is_integer and element.bits < 32 for r in op.res for element in [element_type(r.type)])


def is_dear(op: ComputeOp | ReduceOp) -> bool:
    return any(o.name.startswith("math.") and not isinstance(o, CHEAP) for o in op.walk())


def breaks_vectors(at: Seen, consumer: ComputeOp) -> bool:
    """Is it a copy that puts side by side what the consumer then reads in vectors, and which is not so where it lies?

    Vectors are made of points that are neighbours, and of steps of sums.
    """
    if not moves_only(at.producer) or not at.exprs or not consumer.axes:
        return False
    axes, parent = [consumer.axes[-1]], at.read.parent_op()
    while isinstance(parent, ReduceOp):
        axes.append(parent.axes[-1])
        parent = parent.parent_op()
    by = dict(zip(at.producer.axes, at.exprs, strict=True))
    inner = [substitute(r.exprs[-1], by, range_of) for r in reads_in(at.producer) if r.exprs]

    def is_vector(index: Index) -> bool:
        return any(index.coefficient(axis) == 1 for axis in axes)

    return is_vector(at.exprs[-1]) and not all(map(is_vector, inner))


def turns_coefficients(at: Seen, consumer: ComputeOp) -> bool:
    """Would a sum with known coefficients lose its vectors of neighbours, or the blocks in which they are unrolled?

    It does where neighbours lie apart, and where a place is divided once more than the sum divides it.
    """
    if not consumer.axes or not any(isinstance(op, TableOp) for op in at.producer.walk()):
        return False
    apart = at.exprs[-1] != symbol(consumer.axes[-1]) or consumer.shape[-1] != at.producer.shape[-1]
    return apart or any(index.divided for index in at.exprs)


def decoders(ops: Iterable[Operation]) -> set[ComputeOp]:
    """The computes whose elements are made of those of constants alone, as that of a weight in few bits is."""
    found: set[ComputeOp] = set()

    def is_constant(read: ReadOp) -> bool:
        return isinstance(read.source.owner, ConstantOp) or bool((s := seen(read)) and s.producer in found)

    for op in ops:
        if isinstance(op, ComputeOp) and (reads := reads_in(op)) and all(map(is_constant, reads)):
            if not has_reduction(op):
                found.add(op)
    return found


def decoding_cost(op: ComputeOp) -> int:
    """Operations that make an element of a decoder's result, and of what it reads and memory should not hold.

    Small integers, and scales that many elements share, may be made before.
    """
    found, reads = list(op.body.block.ops)[:-1], reads_in(op)
    halves = sum(element.is_float and element.bits == 16 for r in reads for element in [element_type(r.source.type)])
    behind = {s.producer for r in reads if not isinstance(r.source.owner, ConstantOp) and (s := seen(r))}
    inner = [producer for producer in behind if not narrows(producer) and prod(producer.shape) * FEW > prod(op.shape)]
    own = sum(not isinstance(o, FREE) or isinstance(o, arith.SelectOp) for o in found)
    return own + HALF * halves + sum(map(decoding_cost, inner))


@dataclass(frozen=True)
class Policy:
    """What may run inside one kernel."""

    max_inputs: int
    prologues: bool
    decode: int
    decoders: Set[ComputeOp]

    def allows(self, at: Seen, consumer: ComputeOp) -> bool:
        producer, read = at.producer, at.read
        if is_long(producer, consumer):
            return False
        alone = readers(producer) == {consumer}
        left = {r.source for r in reads_in(consumer) if r is not read}
        if len(left | {r.source for r in reads_in(producer)}) > self.max_inputs:
            return False
        if has_reduction(producer):
            return alone and self.is_epilogue(at, consumer)
        if widens_only(producer):
            return True
        if producer in self.decoders:
            return self.decodes_inside(producer, consumer, alone)
        if not reads_in(producer) and not is_dear(producer):
            return True  # a number, or a few operations on indices
        repeats = points_of(read) / runs_of(producer)
        if moves_only(producer):
            return repeats <= REPEATS or (self.prologues and alone and not breaks_vectors(at, consumer))
        if not alone:
            return False
        repeats = sum(map(points_of, reads_of(producer, consumer))) / runs_of(producer)
        return repeats <= 1 or (repeats <= REPEATS and not is_dear(producer) and not narrows(producer))

    def decodes_inside(self, producer: ComputeOp, consumer: ComputeOp, alone: bool) -> bool:
        """Does a run read few of the elements, or each once and cheaply decoded? Memory then holds what is small."""
        if consumer in self.decoders:
            return alone
        reads, elements = sum(map(points_of, reads_of(producer, consumer))), prod(producer.shape)
        return alone and (reads * FEW <= elements or (reads <= elements and decoding_cost(producer) <= self.decode))

    def is_epilogue(self, at: Seen, consumer: ComputeOp) -> bool:
        """Is each point of the producer wanted exactly once, by a compute that has no reduction of its own?"""
        if has_reduction(consumer) or at.read.parent_op() is not consumer:
            return False
        if runs_of(at.producer) != runs_of(consumer) or len(reads_of(at.producer, consumer)) != 1:
            return False
        if turns_coefficients(at, consumer):
            return False
        wanted = frozenset[object]().union(*(e.symbols for e in at.exprs))
        axes = {axis for axis, size in zip(consumer.axes, consumer.shape, strict=True) if size > 1}
        return wanted >= axes and stays_inside(at.exprs, at.producer.shape, range_of)


def fuse(ops: Sequence[Operation], policy: Policy) -> None:
    """One backward sweep: consumers first, so that whole chains collapse without a fixpoint."""
    place = {op: i for i, op in enumerate(ops)}
    for compute in reversed(ops):
        if not isinstance(compute, ComputeOp) or compute.parent is None:
            continue
        refused: set[ReadOp] = set()
        while pending := [s for r in reads_in(compute) if r not in refused and (s := seen(r))]:
            at = max(pending, key=lambda s: place[s.producer])  # the latest producer first
            if not policy.allows(at, compute):
                refused.add(at.read)
                continue
            inline(at)
            compute.location = fused_location(at.producer, compute)
            erase_unread(at.producer, at.views)


@dataclass(frozen=True)
class KernelFuseProducersPass(ModulePass):
    """Inline computes into the kernels that read them: epilogues, prologues and chains of element-wise work.

    Before:

        %s = kernel.compute (%m = 2, %n = 4) … { matrix product }
        %r = kernel.compute (%i = 2, %j = 4) … { %v = kernel.read %s[%i, %j] … arith.maximumf %v, %zero … }

    After:

        %r = kernel.compute (%i = 2, %j = 4) … { matrix product … arith.maximumf … }

    Integers of less than 32 bits wrap as if they had been stored; half floats are not rounded in between.

    Leaves alone: a reduction that is read elsewhere, more than once, or by a kernel with a reduction of its own;
    one with tables of coefficients whose neighbours would lie apart or whose places are divided; arithmetic that
    another kernel needs too or that the reader would repeat; what would bind more than `max-inputs` buffers, or be
    more than 192 operations. Moves (transposes, slices, broadcasts) may be repeated where `prologues` is set, but for
    those that put side by side what is then read in vectors. What is made of constants alone is computed once, when
    the model is loaded, unless a run reads few of its elements, or each once and one takes at most `decode` operations.
    Run after `convert-tensor-layout-to-kernel`.
    """

    name = "kernel-fuse-producers"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    max_inputs: int = 64
    prologues: bool = False
    decode: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                ops = list(between_kernels(function.body.block))
                fuse(ops, Policy(self.max_inputs, self.prologues, self.decode, decoders(ops)))
