"""`kernel-split-rows`: consecutive kernels run in strips of rows, so that what lies between them is never whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import tensor_type
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import ints
from webdnn.dialects.kernel.builder import Body, compute
from webdnn.dialects.kernel.clone import Cloner, clone_compute
from webdnn.dialects.kernel.program import ConcatOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.assign_buffers import mark_once
from webdnn.passes.kernel.memory.places import shape
from webdnn.passes.kernel.memory.scan_buffers import copied
from webdnn.passes.kernel.splitting.row_graph import RowGraph, reads
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index, symbol
from webdnn.support.planning.row_program import Program, Rows
from webdnn.support.planning.strips import Plan, Planner, Segment, rows_of_strips

MULTIPLY_ADDS, DONE_AGAIN = "kernel.multiply_adds", "kernel.done_again"
"""Attributes of the function: products of a run, each once, and those that strips make again."""

PLANNED_PEAK = "kernel.planned_peak"
"""Attribute of the function: the bytes that the plan of strips needs."""

NEAR = 4
"""So many operations before a concatenation, its operands may be made in their place."""

NAMED = 4
"""How many of the values that hold the peak are told."""


def with_rows(type: TensorType[Attribute], axis: int, rows: int) -> TensorType[Attribute]:
    return TensorType(type.element_type, [rows if i == axis else n for i, n in enumerate(type.get_shape())])


@dataclass
class Strip:
    """One strip of a segment being written: the pieces made so far, each with the row that it begins at."""

    graph: RowGraph
    rows: Mapping[SSAValue, Rows]
    pieces: dict[SSAValue, tuple[SSAValue, int]] = field(default_factory=dict[SSAValue, tuple[SSAValue, int]])
    ops: list[Operation] = field(default_factory=list[Operation])

    def add(self, op: Operation) -> None:
        """The part of an operation that the strip needs, if it needs any."""
        rows = self.rows.get(op.results[0])
        if rows is None:
            return
        if isinstance(op, ComputeOp):
            new = self.compute(op, rows)
        else:
            assert isinstance(op, ConcatOp)
            parts = [self.part(part, rows) for part in op.parts]
            new = ConcatOp(
                op.axis.data, parts, with_rows(tensor_type(op.result), self.graph.rows[op.result], len_of(rows))
            )
        new.location = op.location
        self.ops.append(new)
        for old, result in zip(op.results, new.results, strict=True):
            result.name_hint = old.name_hint
            self.pieces[old] = result, rows[0]

    def part(self, value: SSAValue, rows: Rows) -> SSAValue:
        """Rows of what is joined: a piece, or a copy from what is whole."""
        if value in self.pieces:
            return self.pieces[value][0]
        axis = self.graph.rows[value]
        type = with_rows(tensor_type(value), axis, len_of(rows))

        def element(body: Body, *at: Index) -> SSAValue:
            return body.add(ReadOp(value, [e + rows[0] if i == axis else e for i, e in enumerate(at)]))

        self.ops.append(copy := compute(type.get_shape(), [type], element))
        return copy.res[0]

    def compute(self, op: ComputeOp, rows: Rows) -> ComputeOp:
        """The compute at some rows of its result, the border included, on pieces."""
        axis = self.graph.rows[op.res[0]]
        inset = [i.data for i in op.inset] if op.inset else [0] * len(op.shape)
        first, last = max(0, rows[0] - inset[axis]), min(op.shape[axis], rows[1] - inset[axis])
        sizes = [last - first if i == axis else n for i, n in enumerate(op.shape)]

        def to_index(axes: Sequence[SSAValue]) -> Mapping[SSAValue, Index]:
            return {
                old: symbol(new) + (first if i == axis else 0)
                for i, (old, new) in enumerate(zip(op.axes, axes, strict=True))
            }

        types = [with_rows(tensor_type(result), axis, len_of(rows)) for result in op.res]
        values = {old: piece for old, (piece, _) in self.pieces.items()}
        new = clone_compute(op, sizes, to_index, cloner=Cloner(values=values), types=types)
        inset[axis] = max(0, inset[axis] - rows[0])
        plain = tuple(sizes) == types[0].get_shape()
        new.inset = None if plain else ints(inset)
        begins = {piece: (low, self.graph.rows[old]) for old, (piece, low) in self.pieces.items()}
        for read in reads(new):
            if read.source in begins:
                low, along = begins[read.source]
                exprs = [e - low if i == along else e for i, e in enumerate(read.exprs)]
                Rewriter.replace_op(read, ReadOp(read.source, exprs, read.outside, read.result.type))
        return new


def len_of(rows: Rows) -> int:
    return rows[1] - rows[0]


def split(graph: RowGraph, program: Program, segment: Segment) -> None:
    """Write the operations of a segment strip by strip, and join what is needed of them elsewhere."""
    ops = graph.ops[segment.first : segment.last]
    needs = rows_of_strips(program, segment)
    strips = [Strip(graph, {graph.values[v]: rows for v, rows in needed.items()}) for needed in needs]
    for strip in reversed(strips) if segment.upside_down else strips:
        for op in ops:
            strip.add(op)
        Rewriter.insert_op(strip.ops, InsertPoint.before(ops[-1]))
    for value in [result for op in ops for result in op.results]:
        if any(graph.block.find_ancestor_op_in_block(use.operation) not in ops for use in value.uses):
            join(graph, value, [strip.pieces[value][0] for strip in strips], ops)
    for op in reversed(ops):
        Rewriter.erase_op(op)


def join(graph: RowGraph, value: SSAValue, pieces: Sequence[SSAValue], inside: Sequence[Operation]) -> None:
    """Let what stands outside of a segment use the pieces of a value side by side."""
    assert isinstance(value.owner, Operation)
    whole = ConcatOp(graph.rows[value], pieces, value.type)
    whole.location, whole.result.name_hint = value.owner.location, value.name_hint
    graph.rows[whole.result] = graph.rows[value]
    Rewriter.insert_op(whole, InsertPoint.before(inside[-1]))
    value.replace_uses_with_if(
        whole.result, lambda use: graph.block.find_ancestor_op_in_block(use.operation) not in inside
    )


def part_early(graph: RowGraph) -> bool:
    """Copy into a concatenation what is made long before it: else the memory of all of it would live from then on.

    Where only whole rows are joined, what is made early lies beside what is not there yet.
    """
    time = {op: t for t, op in enumerate(graph.ops)}
    found = False
    for op in [op for op in graph.ops if isinstance(op, ConcatOp)]:
        outer = shape(op.result)[: op.axis.data]
        for i, part in enumerate(list(op.parts)):
            made = part.owner if isinstance(part.owner, ComputeOp) else op
            if max(outer, default=1) > 1 and time[op] - time.get(made, time[op]) > NEAR:
                copied(op, i)
                found = True
    return found


@lru_cache(maxsize=2)
def planner(program: Program) -> Planner:
    """What plans a program; one limit after another is tried on it, and its segments are the same for all."""
    return Planner(program)


def chosen(planner: Planner, limit: int, graph: RowGraph) -> Plan:
    """The plan within the limit with the least work; without a limit, that of the least peak."""
    found = planner.plan(limit) if limit else None
    if found is not None:
        return found
    (*_, least) = planner.curve(sum(value.bytes for value in planner.program.values))
    if limit:
        refuse(planner.program, least, limit, graph)
    return least


def refuse(program: Program, least: Plan, limit: int, graph: RowGraph) -> None:
    """Say what is possible, and what stands in the way of less."""
    worst = least.worst
    live = sorted(program.live(worst.first, worst.last), key=lambda v: -program.values[v].bytes)
    between = least.peak - sum(program.values[v].bytes for v in live)
    values = ", ".join(f"{program.values[v].name} ({program.values[v].bytes} bytes)" for v in islice(live, NAMED))
    values += f", and {between} bytes of strips" if between > 0 else ""
    fail(
        graph.ops[worst.last - 1],
        f"needs {least.peak} bytes of memory at least, more than the limit of {limit}: there live {values}",
        hint=f"allow {least.peak} bytes or more",
    )


@dataclass(frozen=True)
class KernelSplitRowsPass(ModulePass):
    """Run consecutive kernels in strips along rows where the memory of a run would exceed a limit.

    A strip computes the rows of each value that its rows of the last result need, as the indices of all reads say;
    rows that two strips need are computed twice. Results that are needed elsewhere are joined. Of all partitions of the
    program into such segments, that with the least work done twice is chosen. The function then says how many
    multiply-adds a run has, how many are done again, and what the plan needs.

    Before:

        %a = kernel.compute (%y = 8, …) -> tensor<8x…xf32> { … }
        %b = kernel.compute (%y = 8, …) -> tensor<8x…xf32> { … kernel.read %a[%y + %k + -1, …] outside %zero … }

    After:

        %a0 = kernel.compute (%y = 5, …) -> tensor<5x…xf32> { … }
        %b0 = kernel.compute (%y = 4, …) -> tensor<4x…xf32> { … kernel.read %a0[%y + %k + -1, …] outside %zero … }
        %a1 = kernel.compute (%y = 5, …) -> tensor<5x…xf32> { … }
        %b1 = kernel.compute (%y = 4, …) -> tensor<4x…xf32> { … kernel.read %a1[%y + %k, …] outside %zero … }
        %b = kernel.concat 0 %b0, %b1 : …

    Without a `limit`, which is in bytes, the plan of the least peak is chosen. With `overlay`, buffers whose bytes are
    used at different times may lie in one another, as `kernel-assign-offsets` places them: then a kernel alone may run
    in strips, which write over rows of its operand. What is written over such a result runs from the last strip to the
    first, so that results lie now below and now above their operands.

    Leaves alone: programs within the limit; kernels that need all rows of what is made before them. What cannot run
    within the limit is refused. Run after `kernel-pad-operands`, before `kernel-assign-buffers`.
    """

    name = "kernel-split-rows"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    limit: int = 0
    overlay: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                self.split(function)

    def split(self, function: func.FuncOp) -> None:
        mark_once(function.body.block)
        graph = RowGraph(function.body.block, self.overlay)
        program = graph.program()
        plan = planner(program).whole()
        if not self.limit or plan.peak > self.limit:
            if part_early(graph):
                graph = RowGraph(function.body.block, self.overlay)
            program = graph.program()
            plan = chosen(planner(program), self.limit, graph)
        for segment in plan.segments:
            if segment.height:
                split(graph, program, segment)
        noted = {MULTIPLY_ADDS: program.macs, DONE_AGAIN: plan.extra, PLANNED_PEAK: plan.peak}
        function.attributes |= {name: IntegerAttr(number, i64) for name, number in noted.items()}
