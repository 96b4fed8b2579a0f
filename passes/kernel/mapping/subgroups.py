"""Partial sums of a workgroup put together by its subgroups, behind one barrier, however large a device makes them.

Each subgroup adds up all that the workgroup has left: its invocations take turns, and then hand their sums to one
another. What lies side by side in memory for several columns stays so: of 32 invocations and 4 columns, 8 have each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, Region, SSAValue

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind, UnrollAttr
from webdnn.dialects.kernel.clone import Cloner
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import ComputeOp, IdOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.subgroup import LARGEST, SUBGROUP, SubgroupReduceOp, SubgroupShuffleOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.kernel.workgroup import own_memory
from webdnn.passes.kernel.mapping.partial_sums import Partial, identity_of, total_of
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.support.index import Index, constant, mod, symbol

SUBGROUPS = "subgroups"
"""The variant of a kernel whose workgroups share sums by subgroups."""

EachLane = Callable[[Cloner, Index], None]
"""Adds to a block what an invocation does in each of its lanes."""


@dataclass(frozen=True)
class Team:
    """How a subgroup goes through what lies in memory for some columns.

    Each invocation begins at `start` and goes on by `width`. It is one of as many that are `together`; else it goes
    through its own column alone: invocations are numbered as nobody expected, or too few for the columns.
    """

    together: SSAValue
    width: SSAValue
    start: SSAValue
    halves: Sequence[tuple[int, SSAValue]]
    """Bits by which the numbers of those differ that have the same column, and whether so many are together."""


@dataclass
class Subgroups:
    """The subgroups of a kernel whose workgroups have so many invocations; `made` are the kernel's operations."""

    invocations: int
    local: Index
    made: list[Operation]
    teams: dict[int, Team] = field(default_factory=dict[int, Team])

    def add(self, op: Operation) -> SSAValue:
        self.made.append(op)
        return op.results[0]

    def number(self, value: int) -> SSAValue:
        return self.add(index_constant(value))

    @cached_property
    def members(self) -> tuple[SSAValue, SSAValue, SSAValue]:
        """The number of this invocation, how many there are, and whether they count from 0 to a power of two."""
        number = self.add(IdOp(LARGEST, SUBGROUP))
        one, zero = self.number(1), self.number(0)
        count = self.add(SubgroupReduceOp(ReduceKind.ADD, one))
        last = self.add(SubgroupReduceOp(ReduceKind.MAX, number))
        dense = self.add(arith.CmpiOp(self.add(arith.AddiOp(last, one)), count, "eq"))
        power = self.add(arith.CmpiOp(self.add(arith.AndIOp(last, count)), zero, "eq"))
        return number, count, self.add(arith.AndIOp(dense, power))

    def team(self, columns: int) -> Team:
        """Those of a subgroup that go through so many columns."""
        if columns not in self.teams:
            self.teams[columns] = self.find_team(columns)
        return self.teams[columns]

    def find_team(self, columns: int) -> Team:
        number, count, together = self.members
        if columns > 1:
            # Each invocation goes through the column that it is to have in the end.
            other = self.add(IndexOp(mod(self.local - symbol(number), columns, range_of)))
            most = self.add(SubgroupReduceOp(ReduceKind.MAX, other))
            aligned = self.add(arith.CmpiOp(most, self.number(0), "eq"))
            enough = self.add(arith.CmpiOp(count, self.number(columns), "sge"))
            together = self.add(arith.AndIOp(together, self.add(arith.AndIOp(aligned, enough))))
        width = self.add(arith.SelectOp(together, count, self.number(columns)))
        own = self.add(IndexOp(mod(self.local, columns, range_of)))
        start = self.add(arith.SelectOp(together, number, own))
        masks = [columns << i for i in range(LARGEST.bit_length()) if columns << i < min(LARGEST, self.invocations)]
        halves = [(mask, self.add(arith.CmpiOp(self.number(mask), width, "slt"))) for mask in masks if columns > 1]
        return Team(together, width, start, halves)

    def total(self, op: ReduceOp, partial: Partial, lanes: int, block: Callable[[EachLane], ComputeOp]) -> Partial:
        """Where an invocation has the total of its column, of partial results that all have left.

        `block` makes a block of so many lanes.
        """
        team, own = self.team(partial.stride), own_memory(lanes, op.result.type)
        self.made.append(own)

        def clear(cloner: Cloner, lane: Index) -> None:
            cloner.emit(WriteOp(identity_of(op, cloner), own.memref, [lane]))

        def meet(cloner: Cloner, lane: Index) -> None:
            value = cloner.emit(ReadOp(own.memref, [lane])).results[0]
            value = self.exchanged(op, cloner, value, team)
            cloner.emit(WriteOp(value, own.memref, [lane]))

        self.made.append(block(clear))
        self.made.append(self.take_turns(op, partial, own.memref, team, lanes, block))
        self.made.append(block(meet))
        return Partial(own.memref, 1, 1, constant(0), partial.has_lanes)

    def take_turns(
        self,
        op: ReduceOp,
        partial: Partial,
        own: SSAValue,
        team: Team,
        lanes: int,
        block: Callable[[EachLane], ComputeOp],
    ) -> scf.ForOp:
        """A loop over what has been left, in steps of the width."""
        low, step = self.number(0), self.number(1)
        trips = self.add(arith.DivSIOp(self.number(self.invocations), team.width))
        body = Block(arg_types=[INDEX])
        skipped = arith.MuliOp(body.args[0], team.width)
        place = IndexOp(symbol(team.start) + symbol(skipped.result), self.invocations)
        found = Partial(partial.memory, 1, 1, symbol(place.result), partial.has_lanes)

        def add(cloner: Cloner, lane: Index) -> None:
            before = cloner.emit(ReadOp(own, [lane])).results[0]
            after = cloner.emit(total_of(op, found, before, lanes, lane)).results[0]
            cloner.emit(WriteOp(after, own, [lane]))

        loop = scf.ForOp(low, trips, step, [], Region(body))
        body.add_ops([skipped, place])
        body.add_ops([block(add), scf.YieldOp()])
        return loop

    def exchanged(self, op: ReduceOp, cloner: Cloner, value: SSAValue, team: Team) -> SSAValue:
        """The sums of those that have the same column, as one."""
        if not team.halves:
            all = cloner.emit(SubgroupReduceOp(op.kind.data, value)).results[0]
            return cloner.emit(arith.SelectOp(team.together, all, value)).results[0]
        for mask, inside in team.halves:
            other = cloner.emit(SubgroupShuffleOp(mask, value)).results[0]
            both = cloner.emit(sum_of(op, value, other)).results[0]
            value = cloner.emit(arith.SelectOp(inside, both, value)).results[0]
        return value


def sum_of(op: ReduceOp, a: SSAValue, b: SSAValue) -> ReduceOp:
    """Two results of a reduction as one."""
    block = Block([YieldOp([b])], arg_types=[INDEX])
    return ReduceOp(op.kind.data, [1], a, Region(block), UnrollAttr.of([1]))
