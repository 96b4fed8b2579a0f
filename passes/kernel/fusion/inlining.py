"""A compute is inlined where another reads its results: what a read sees, who else reads it, and the copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import AxesOp, LoopOp, range_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.forming.integer_ranges import WORD, OverflowRisk, Ranges, integer_limits, within
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index, delinearize, linearize, stays_inside, substitute, symbol


def reads_in(op: Operation) -> list[ReadOp]:
    return [o for o in op.walk() if isinstance(o, ReadOp)]


def has_reduction(op: ComputeOp) -> bool:
    return any(isinstance(o, ReduceOp | FoldOp) for o in op.walk())


def widens_only(op: ComputeOp) -> bool:
    """Does it give integers of 32 bits for smaller ones, which a read does anyway?"""
    read, *rest = op.body.block.ops
    if len(rest) != 1 or len(op.res) != 1 or not isinstance(read, ReadOp) or op.yielded[0] is not read.result:
        return False
    before, after = element_type(read.source.type), element_type(op.res[0].type)
    return before.is_integer and after.is_integer and before.bits < after.bits == 32


MOST_OPERATIONS = 192
"""A kernel of so many operations has no more put into it: it waits for them, not for memory, and compiles slowly."""


def is_long(*ops: ComputeOp) -> bool:
    """Would these be more operations than one kernel should have?"""
    counted = sum(1 for _ in islice(chain.from_iterable(op.walk() for op in ops), MOST_OPERATIONS + 1))
    return counted > MOST_OPERATIONS


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
