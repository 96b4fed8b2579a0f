"""`kernel-fuse-producers`: computes are inlined where their results are read, as far as nothing dear is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import ModuleOp, i32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import AxesOp, LoopOp, range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.dnn.rewriting import fused_location
from webdnn.passes.kernel.forming.integer_ranges import WORD, OverflowRisk, Ranges, integer_limits, within
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index, delinearize, linearize, stays_inside, substitute, symbol

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


def reads_in(op: Operation) -> list[ReadOp]:
    return [o for o in op.walk() if isinstance(o, ReadOp)]


def has_reduction(op: ComputeOp) -> bool:
    return any(isinstance(o, ReduceOp | FoldOp) for o in op.walk())


def moves_only(op: ComputeOp) -> bool:
    return all(isinstance(o, FREE) for o in list(op.body.block.ops)[:-1])


def widens_only(op: ComputeOp) -> bool:
    """Does it give integers of 32 bits for smaller ones, which a read does anyway?"""
    read, *rest = op.body.block.ops
    if len(rest) != 1 or len(op.res) != 1 or not isinstance(read, ReadOp) or op.yielded[0] is not read.result:
        return False
    before, after = element_type(read.source.type), element_type(op.res[0].type)
    return before.is_integer and after.is_integer and before.bits < after.bits == 32


def narrows(op: ComputeOp) -> bool:
    """Does it make small integers, which are read again faster than made again?"""
    return all(element.is_integer and element.bits < 32 for r in op.res for element in [element_type(r.type)])


def is_dear(op: ComputeOp | ReduceOp) -> bool:
    return any(o.name.startswith("math.") and not isinstance(o, CHEAP) for o in op.walk())


def points_of(op: Operation) -> int:
    """How often an operation runs: at every point of every space around it, in every step."""
    total, parent = 1, op.parent_op()
    while isinstance(parent, AxesOp | LoopOp):
        total *= prod(parent.shape) if isinstance(parent, AxesOp) else parent.trip_count
        parent = parent.parent_op()
    return total


def runs_of(op: ComputeOp) -> int:
    """How many points a compute makes, in every step."""
    total, parent = prod(op.shape), op.parent_op()
    while isinstance(parent, LoopOp):
        total *= parent.trip_count
        parent = parent.parent_op()
    return total


@dataclass(frozen=True)
class Seen:
    """A read and the compute whose result it reads, perhaps through reshapes; `exprs` index that compute's points.

    `tests` are indices and extents of the reshapes: where one is left, the read has its value outside.
    """

    read: ReadOp
    producer: ComputeOp
    result: int
    exprs: list[Index]
    views: tuple[ReshapeOp, ...]
    tests: tuple[tuple[Index, int], ...]


def may_leave(exprs: Sequence[Index], extents: Sequence[int]) -> list[tuple[Index, int]]:
    """The indices that are not proven to be inside, with their extents."""
    return [(e, n) for e, n in zip(exprs, extents, strict=True) if not stays_inside([e], [n], range_of)]


def seen(read: ReadOp, tested: bool = False) -> Seen | None:
    """The compute behind a read, or None where there is none, or a view may be left and that is not tested."""
    source, exprs, views, tests = read.source, read.exprs, list[ReshapeOp](), list[tuple[Index, int]]()
    while isinstance(source.owner, ReshapeOp):
        view = source.owner
        tests += may_leave(exprs, buffer_type(source).get_shape())
        if tests and not (tested and read.outside):
            return None
        position = linearize(exprs, buffer_type(source).get_shape())
        exprs = delinearize(position, buffer_type(view.source).get_shape(), range_of)
        views.append(view)
        source = view.source
    producer = source.owner
    if not isinstance(producer, ComputeOp) or producer.inset is not None:
        return None
    return Seen(
        read, producer, next(i for i, r in enumerate(producer.res) if r is source), exprs, tuple(views), tuple(tests)
    )


def reads_of(producer: ComputeOp, consumer: ComputeOp) -> list[ReadOp]:
    """The reads of one compute that see the results of another."""
    return [r for r in reads_in(consumer) if (s := seen(r)) and s.producer is producer]


def behind(value: SSAValue, compute: ComputeOp | ReduceOp) -> list[Operation]:
    """The operations of a body that a value needs, in the body's order."""
    needed: set[Operation] = set()
    pending = [value]
    while pending:
        owner = pending.pop().owner
        if isinstance(owner, Block):
            continue
        top = owner
        while top is not None and top.parent is not compute.body.block:
            top = top.parent_op()
        if top is not None and top not in needed:
            needed.add(top)
            pending += [operand for inner in top.walk() for operand in inner.operands]
    return [op for op in compute.body.block.ops if op in needed]


def scatters(at: Seen, consumer: ComputeOp) -> bool:
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


def readers(producer: ComputeOp) -> set[Operation]:
    """The operations between kernels that use the producer's results, directly or through reshapes."""
    found: set[Operation] = set()
    pending: list[SSAValue] = list(producer.res)
    while pending:
        for use in pending.pop().uses:
            user = use.operation
            if isinstance(user, ReshapeOp):
                pending.append(user.result)
            else:
                found.add(outermost(user))
    return found


def outermost(op: Operation) -> Operation:
    """The operation of the function's or a loop's body around this one."""
    while isinstance(parent := op.parent_op(), AxesOp):
        op = parent
    return op


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
    """Operations that make an element of a decoder's result, and of what it reads."""
    found, reads = list(op.body.block.ops)[:-1], reads_in(op)
    halves = sum(element.is_float and element.bits == 16 for r in reads for element in [element_type(r.source.type)])
    inner = {s.producer for r in reads if not isinstance(r.source.owner, ConstantOp) and (s := seen(r))}
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
            return repeats <= REPEATS or (self.prologues and alone and not scatters(at, consumer))
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
        wanted = frozenset[object]().union(*(e.symbols for e in at.exprs))
        axes = {axis for axis, size in zip(consumer.axes, consumer.shape, strict=True) if size > 1}
        return wanted >= axes and stays_inside(at.exprs, at.producer.shape, range_of)


class GuardedCloner(Cloner):
    """Copies a body to where its indices may leave, or can no longer be proven not to.

    Reads that were proven inside get a value outside there.
    """

    def read(self, op: ReadOp) -> ReadOp:
        source, exprs = self.value(op.source), [self.index(e) for e in op.exprs]
        if op.outside or stays_inside(exprs, buffer_type(source).get_shape(), range_of):
            return super().read(op)
        body = Body()
        zero = body.constant(0, op.result.type)
        self.ops += body.ops
        return ReadOp(source, exprs, zero, op.result.type)


def fits(value: SSAValue, element: ElementType) -> bool:
    """Would an integer come back unchanged from memory?"""
    try:
        return within(Ranges(WORD).of(value), integer_limits(element))
    except OverflowRisk:
        return False


def as_stored(value: SSAValue, at: Seen, body: Body) -> SSAValue:
    """What a read gives of a value that was stored: short integers wrap. Half floats keep the precision they have."""
    element = element_type(at.producer.res[at.result].type)
    if not element.is_integer or element.bits >= 32 or fits(at.producer.yielded[at.result], element):
        return value
    count = body.constant(32 - element.bits, i32)
    back = arith.ShRUIOp if element.kind is Kind.UNSIGNED else arith.ShRSIOp
    return body.add(back(body.add(arith.ShLIOp(value, count)), count))


def read_through(at: Seen) -> ReadOp | None:
    """The read of what a producer only widens, which is outside where the producer is; None where it is none."""
    read = at.producer.body.block.first_op
    if not widens_only(at.producer) or at.tests or not isinstance(read, ReadOp) or read.outside:
        return None
    by = dict(zip(at.producer.axes, at.exprs, strict=True))
    sizes = {symbol(axis): size for axis, size in zip(at.producer.axes, at.producer.shape, strict=True)}
    moved = {e for e, n in zip(read.exprs, buffer_type(read.source).get_shape(), strict=True) if sizes.get(e) == n}
    kept = [(by[a], n) for a, n in zip(at.producer.axes, at.producer.shape, strict=True) if symbol(a) not in moved]
    if may_leave([e for e, _ in kept], [n for _, n in kept]):
        return None
    return ReadOp(read.source, [substitute(e, by, range_of) for e in read.exprs], at.read.outside, at.read.result.type)


def inline(at: Seen) -> None:
    """read(compute(i){f(i)}, e) -> f(e), or select(inside(e), f(e), outside)."""
    if through := read_through(at):
        Rewriter.replace_op(at.read, through)
        return
    leaves = may_leave(at.exprs, at.producer.shape)
    cloner = GuardedCloner(by=dict(zip(at.producer.axes, at.exprs, strict=True)))
    made = at.producer.yielded[at.result]
    cloner.clone_all(behind(made, at.producer))
    body = Body()
    value = as_stored(cloner.value(made), at, body)
    cloner.ops += body.ops
    tests = [*at.tests, *leaves]
    if at.read.outside and tests:
        guard = cloner.emit(InsideOp([e for e, _ in tests], [n for _, n in tests]))
        value = cloner.emit(arith.SelectOp(guard.results[0], value, at.read.outside)).results[0]
    Rewriter.insert_op(cloner.ops, InsertPoint.before(at.read))
    Rewriter.replace_op(at.read, [], [value])


def between_kernels(block: Block) -> Iterator[Operation]:
    """The operations of a block, each loop followed by those of its body."""
    for op in block.ops:
        yield op
        if isinstance(op, ScanOp):
            yield from between_kernels(op.body.block)


def erase_unread(producer: ComputeOp, views: Iterable[ReshapeOp]) -> bool:
    """Dead reads would make the next producer look shared, so what nobody reads goes at once."""
    for view in views:
        if not list(view.result.uses):
            Rewriter.erase_op(view)
    if any(list(result.uses) for result in producer.res):
        return False
    Rewriter.erase_op(producer)
    return True


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
    arithmetic that another kernel needs too or that the reader would repeat; what would bind more than `max-inputs`
    buffers. Moves (transposes, slices, broadcasts) may be repeated where `prologues` is set, but for those that put
    side by side what is then read in vectors. What is made of constants alone is computed once, when the model is
    loaded, unless a run reads few of its elements, or each once and one takes at most `decode` operations.
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
