"""`kernel-map-groups`: the invocations of a workgroup compute long sums together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp, f32, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import WriteOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.kernel.workgroup import BarrierOp, workgroup_memory
from webdnn.passes.kernel.fusion.inlining import points_of
from webdnn.passes.kernel.fusion.invocation_cost import weight
from webdnn.passes.kernel.mapping.map_points import UNROLL, has_lanes, row_blocks, unroll
from webdnn.passes.kernel.mapping.partial_sums import Partial, identity_of, total_of
from webdnn.passes.kernel.mapping.subgroups import SUBGROUPS, Subgroups
from webdnn.passes.kernel.mapping.variants import ALONE, add_variants
from webdnn.passes.kernel.scheduling.lane_analysis import depends_on
from webdnn.support.device import BUSY, WGSL
from webdnn.support.index import Index, constant, delinearize, floordiv, mod, stays_inside, symbol
from webdnn.support.scheduling.workgroups import RADIX, Sum, Workgroup, best_workgroup, meetings

GROUPS = "groups"
"""The variant of a kernel whose workgroups share sums."""

WORD = 4
"""Bytes of an element of the types whose partial sums are kept."""


def sums_of(compute: ComputeOp) -> dict[ReduceOp, Sum]:
    """The reductions that an invocation makes one after another."""
    column = compute.axes[-1] if compute.shape else None
    found = dict[ReduceOp, Sum]()
    for op in compute.body.block.ops:
        if isinstance(op, ReduceOp):
            inner = sum(weight(o) * points_of(o) for o in op.body.walk()) // points_of(op)
            steps = prod(op.shape)
            common = column is None or not depends_on(op.result, column)
            found[op] = Sum(steps, 1 + inner // steps, common)
    return found


# What a workgroup does.


@dataclass
class Sharing:
    """A compute being shared by the invocations of workgroups; `made` are the operations that replace it.

    With `by_subgroups`, subgroups put together what would meet behind several barriers.
    """

    compute: ComputeOp
    workgroup: Workgroup
    lanes: int
    by_subgroups: bool = False
    made: list[Operation] = field(default_factory=list[Operation])
    partials: dict[ReduceOp, Partial] = field(default_factory=dict[ReduceOp, Partial])

    def __post_init__(self) -> None:
        group, local = IdOp(prod(self.extents), "group.x"), IdOp(self.workgroup.invocations, "local")
        self.made += [group, local]
        self.local = symbol(local.result)
        self.subgroups = Subgroups(self.workgroup.invocations, self.local, self.made)
        self.digits = delinearize(symbol(group.result), self.extents, range_of)
        columns = self.workgroup.columns
        self.part = floordiv(self.local, columns, range_of)
        self.column = mod(self.local, columns, range_of)

    @property
    def columns(self) -> int:
        """How many invocations a row would need, if they worked alone."""
        return self.compute.shape[-1] // self.lanes if self.compute.shape else 1

    @property
    def extents(self) -> list[int]:
        """How many workgroups there are along each axis."""
        return [*self.compute.shape[:-1], -(-self.columns // self.workgroup.columns)]

    def run(self) -> None:
        unroll(self.compute)
        for op, sum in sums_of(self.compute).items():
            if (parts := self.workgroup.parts_of(sum)) > 1:
                self.share(op, sum, parts)
        self.finish()
        Rewriter.replace_op(self.compute, self.made, [])

    def share(self, op: ReduceOp, sum: Sum, parts: int) -> None:
        """Each invocation leaves the result of its part, and some add up those of others until few are left."""
        has_lanes = self.lanes > 1 and depends_on(op.result, self.compute.axes[-1])
        lanes = self.lanes if has_lanes else 1
        memory = workgroup_memory(self.workgroup.invocations * lanes, op.result.type)
        part, stride, first = (
            (self.local, 1, constant(0)) if sum.common else (self.part, self.workgroup.columns, self.column)
        )

        def leave(cloner: Cloner, lane: Index) -> None:
            result = Part(cloner, op, part, parts).result()
            cloner.emit(WriteOp(result, memory.memref, [self.local * lanes + lane]))

        self.made += [memory, self.block([], lanes, leave, op), BarrierOp()]
        if self.by_subgroups and parts > RADIX:
            left = Partial(memory.memref, parts, stride, first, has_lanes)
            self.partials[op] = self.subgroups.total(op, left, lanes, lambda end: self.block([], lanes, end))
            return
        for fewer in meetings(parts):
            self.meet(op, Partial(memory.memref, RADIX, fewer * stride, self.local, has_lanes), fewer * stride)
            parts = fewer
        self.partials[op] = Partial(memory.memref, parts, stride, first, has_lanes)

    def meet(self, op: ReduceOp, partial: Partial, count: int) -> None:
        """The first `count` invocations put together what others have left."""
        lanes = self.lanes if partial.has_lanes else 1

        def leave(cloner: Cloner, lane: Index) -> None:
            unit = identity_of(op, cloner)
            total = cloner.emit(total_of(op, partial, unit, lanes, lane)).results[0]
            cloner.emit(WriteOp(total, partial.memory, [self.local * lanes + lane]))

        self.made += [*only_where([self.local], [count], self.block([], lanes, leave)), BarrierOp()]

    def finish(self) -> None:
        """What is left to do with the sums is done by one invocation of each column."""
        writes = [op for op in self.compute.body.block.ops if isinstance(op, WriteOp)]
        found = self.block(
            [o for write in writes for o in write.operands], self.lanes, lambda cloner, _: cloner.clone_all(writes)
        )
        self.made += only_where(
            [self.local if self.workgroup.parts > 1 else constant(0), self.place],
            [self.workgroup.columns, self.columns],
            found,
        )

    # Blocks of an invocation.

    @property
    def place(self) -> Index:
        """Which of the invocations that a row needs this is."""
        return (self.digits[-1] * self.workgroup.columns if self.digits else constant(0)) + self.column

    def block(
        self,
        needed: Sequence[SSAValue],
        lanes: int,
        end: Callable[[Cloner, Index], None],
        op: ReduceOp | None = None,
    ) -> ComputeOp:
        """What the values that are needed, and the body of a reduction, are made of, and what comes behind it."""
        sizes = [lanes] if lanes > 1 else []
        schedule = ScheduleAttr.of(sizes, vector=(0, lanes)) if sizes else ScheduleAttr.of([])
        body = Block(arg_types=[INDEX] * len(sizes))
        block = ComputeOp(sizes, Region(body), schedule=schedule)
        block.location = self.compute.location
        lane = constant(0)
        for axis in block.axes:
            axis.name_hint, lane = "lane", symbol(axis)
        cloner = Cloner(self.axes_at(lane))
        wanted = self.behind([*needed, *([] if op is None else operands_in(op)[len(op.operands) :])])
        for inner in self.compute.body.block.ops:
            if inner in wanted:
                self.copy(inner, cloner, lanes, lane)
        end(cloner, lane)
        body.add_ops([*cloner.ops, YieldOp([])])
        return block

    def axes_at(self, lane: Index) -> dict[SSAValue, Index]:
        """What the axes of the compute are in this invocation."""
        if not self.compute.shape:
            return {}
        *others, column = self.compute.axes
        return {**dict(zip(others, self.digits, strict=False)), column: self.place * self.lanes + lane}

    def copy(self, op: Operation, cloner: Cloner, lanes: int, lane: Index) -> None:
        """An operation of the body, or the sum of the partial results that there are instead."""
        if not isinstance(op, ReduceOp) or (partial := self.partials.get(op)) is None:
            cloner.clone(op)
            return
        width = self.lanes if partial.has_lanes else 1
        assert width in (1, lanes), "what has lanes is read where there are some"
        total = total_of(op, partial, cloner.value(op.init), width, lane)
        cloner.values[op.result] = cloner.emit(total).results[0]

    def behind(self, needed: Sequence[SSAValue]) -> set[Operation]:
        """The operations of the body that values are made of; of a shared reduction only what it starts from."""
        found, pending = set[Operation](), list(needed)
        while pending:
            owner = pending.pop().owner
            if isinstance(owner, Block) or owner in found or owner.parent is not self.compute.body.block:
                continue
            found.add(owner)
            pending += [owner.init] if isinstance(owner, ReduceOp) and owner in self.partials else operands_in(owner)
        return found


def operands_in(op: Operation) -> list[SSAValue]:
    """What an operation and its body use."""
    return [operand for inner in op.walk() for operand in inner.operands]


def only_where(indices: Sequence[Index], extents: Sequence[int], block: ComputeOp) -> list[Operation]:
    """A block that is left out where an index lies outside, as far as that is not known."""
    open = [(e, n) for e, n in zip(indices, extents, strict=True) if not stays_inside([e], [n], range_of)]
    if not open:
        return [block]
    inside = InsideOp([e for e, _ in open], [n for _, n in open])
    return [inside, scf.IfOp(inside.result, [], Region(Block([block, scf.YieldOp()])))]


@dataclass(frozen=True)
class Part:
    """The steps of a reduction that one invocation takes: every so many of them, by four where there are enough."""

    cloner: Cloner
    op: ReduceOp
    part: Index
    parts: int

    @property
    def axis(self) -> int:
        """The axis that is shared out: the longest one."""
        return max(range(len(self.op.shape)), key=lambda i: (self.op.shape[i], i))

    def result(self) -> SSAValue:
        size = self.op.shape[self.axis]
        step = UNROLL if size >= UNROLL * self.parts else 1
        trips, rest = divmod(size, step * self.parts)
        value = identity_of(self.op, self.cloner)
        if trips:
            value = self.steps(0, trips, step, value, masked=False)
        return self.steps(trips, 1, step, value, masked=True) if rest else value

    def steps(self, begin: int, trips: int, step: int, init: SSAValue, *, masked: bool) -> SSAValue:
        """`trips` times `step` neighbours of the shared axis; what lies beyond its end counts for nothing."""
        op, axis = self.op, self.axis
        others = [size for i, size in enumerate(op.shape) if i != axis]
        block = Block(arg_types=[INDEX] * (len(others) + 2))
        unrolled = UnrollAttr.of([*[1] * (len(others) + 1), step])
        new = ReduceOp(op.kind.data, [*others, trips, step], init, Region(block), unrolled)
        *outer, trip, neighbour = map(symbol, block.args)
        place = ((trip + begin) * self.parts + self.part) * step + neighbour
        outer.insert(axis, place)
        for argument, old in zip(
            block.args, [a for i, a in enumerate(op.axes) if i != axis] + [op.axes[axis]] * 2, strict=True
        ):
            argument.name_hint = old.name_hint
        inner = self.cloner.nested(dict(zip(op.axes, outer, strict=True)))
        inner.clone_all(list(op.body.block.ops)[:-1])
        value = inner.value(op.yielded)
        if masked:
            inside = inner.emit(InsideOp([place], [op.shape[axis]])).results[0]
            value = inner.emit(arith.SelectOp(inside, value, identity_of(op, inner))).results[0]
        inner.emit(YieldOp([value]))
        block.add_ops(inner.ops)
        return self.cloner.emit(new).results[0]


# The choice.


def chosen(compute: ComputeOp, lanes: int, rows: int) -> Workgroup | None:
    """The workgroup that should compute a kernel together; None where invocations work alone."""
    sums = sums_of(compute)
    if not any(s.is_long for s in sums.values()) or any(op.init.type not in (f32, i32) for op in sums):
        return None
    if any(isinstance(op, FoldOp) for op in compute.walk()) or row_blocks(compute, lanes, rows, BUSY):
        return None
    columns = compute.shape[-1] // lanes if compute.shape else 1
    others = prod(compute.shape[:-1])
    found = best_workgroup(list(sums.values()), others, columns)
    limits = WGSL.limits
    assert limits.workgroup_bytes
    assert limits.workgroups
    if found is None or others * -(-columns // found.columns) > limits.workgroups:
        return None
    kept = sum(found.parts_of(s) > 1 for s in sums.values()) * found.invocations * lanes * WORD
    return found if kept <= limits.workgroup_bytes else None


@dataclass(frozen=True)
class KernelMapGroupsPass(ModulePass):
    """Let the invocations of a workgroup compute long sums together, where they would be few, or repeat one another.

    A workgroup takes neighbours of the last axis. Of a sum that differs between them each invocation takes a part, if
    there are more invocations than neighbours; of one that they have in common all of them do. Partial results meet
    in memory of the workgroup, eight at a time, behind barriers that every invocation reaches. The kernel whose
    invocations work alone stays as a variant, for devices in software, to which a barrier is dear. With `subgroups`
    there is another variant where partial results would meet behind more than one barrier: behind the first, the
    invocations of each subgroup put all of them together.

    Before:

        kernel.compute () {
          %s = kernel.reduce max (%k = 4096) from %low : f32 { kernel.read %x[%k] … }
          kernel.write %s, %y[0]
        }

    After:

        %local = kernel.id "local" of 256
        %m = memref.alloca() : memref<256xf32, "workgroup">
        kernel.compute () { %p = kernel.reduce max (%k = 4, …) … kernel.write %p, %m[%local] }
        kernel.barrier
        …
        scf.if … { kernel.compute () { … kernel.reduce max (%part = 4) from %low { kernel.read %m[%part] } … } }

    Leaves alone: products in blocks of rows, folds, short sums, and kernels that have enough invocations whose sums
    differ. Run after `kernel-collapse-axes`, and before `kernel-map-points` with as many lanes and rows.
    """

    name = "kernel-map-groups"
    lanes: int = 4
    rows: int = 4
    subgroups: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.body.block.ops):
            if isinstance(function, FuncOp) and (compute := only_compute(function)):
                lanes = self.lanes if has_lanes(compute, self.lanes) else 1
                if workgroup := chosen(compute, lanes, self.rows):
                    self.share(function, workgroup, lanes, list(sums_of(compute).values()))

    def share(self, function: FuncOp, workgroup: Workgroup, lanes: int, sums: Sequence[Sum]) -> None:
        by_subgroups = self.subgroups and any(workgroup.parts_of(s) > RADIX for s in sums)
        names = [GROUPS, *([SUBGROUPS] if by_subgroups else []), ALONE]
        for variant, name in zip(add_variants(function, names)[:-1], names, strict=False):
            compute = only_compute(variant)
            assert compute
            Sharing(compute, workgroup, lanes, by_subgroups=name == SUBGROUPS).run()


def only_compute(function: FuncOp) -> ComputeOp | None:
    """The compute of a kernel that has just one, and no invocations yet."""
    ops = function.body.block.ops
    computes = [op for op in ops if isinstance(op, ComputeOp)]
    return computes[0] if len(computes) == 1 and not any(isinstance(op, IdOp) for op in ops) else None
