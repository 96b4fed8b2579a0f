"""A function of computes as the planner of strips sees it: which rows of its operands each compute reads."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from xdsl.dialects import func
from xdsl.ir import Block, Operation, OpResult, SSAValue

from webdnn.dialects.element import is_tensor, tensor_type
from webdnn.dialects.kernel.access import ReadOp, byte_size
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.memory.places import same_position, shape, users
from webdnn.passes.kernel.splitting.handed_on import bytes_at_a_time
from webdnn.support.diagnostic import origins
from webdnn.support.index import FloorDiv, Index, linearize, symbol
from webdnn.support.planning.row_program import Program, Reach, Read, Task, Value

Dimension = tuple[SSAValue, int]
"""One dimension of a tensor."""


def reach_of(index: Index, axis: Hashable) -> Reach | None:
    """The positions that an index takes for each point of an axis; None where that is no straight line."""
    outer, scale, divisor = index, index.coefficient(axis), 1
    inner = Index(0, {})
    if scale is None:
        atoms = [a for a in index.terms if isinstance(a, FloorDiv) and axis in a.numerator.symbols]
        if len(atoms) != 1 or index.terms[atoms[0]] != 1 or axis in index.terms:
            return None
        inner, divisor = atoms[0].numerator, atoms[0].divisor
        scale, outer = inner.coefficient(axis), index - Index(0, {atoms[0]: 1})
    else:
        outer = index - symbol(axis) * scale
    if not scale:
        return None
    around, within = outer.bounds(range_of), (inner - symbol(axis) * (scale if divisor > 1 else 0)).bounds(range_of)
    if around is None or within is None:
        return None
    low, high = (a * divisor + w for a, w in zip(around, within, strict=True))
    return Reach(scale, low, high, divisor)


@dataclass
class Directions:
    """Sets of dimensions that computes follow together, such as the rows of all pictures of a network."""

    parent: dict[Dimension, Dimension] = field(default_factory=dict[Dimension, Dimension])

    def of(self, dimension: Dimension) -> Dimension:
        """The one that stands for the set."""
        root = dimension
        while (above := self.parent.get(root, root)) != root:
            root = above
        self.parent[dimension] = root
        return root

    def join(self, one: Dimension, other: Dimension) -> None:
        self.parent[self.of(other)] = self.of(one)

    def add(self, op: Operation) -> None:
        """Join what an operation follows."""
        if isinstance(op, ConcatOp):
            for part in op.parts:
                for d in range(len(shape(part))):
                    if d != op.axis.data:
                        self.join((op.result, d), (part, d))
        elif isinstance(op, ComputeOp):
            axes: dict[Hashable, int] = {axis: a for a, axis in enumerate(op.axes) if op.shape[a] > 1}
            for read in reads(op):
                for d, index in enumerate(read.exprs):
                    for axis in index.symbols & axes.keys() if is_tensor(read.source.type) else ():
                        self.join((op.res[0], axes[axis]), (read.source, d))


def reads(op: Operation) -> list[ReadOp]:
    return [o for o in op.walk() if isinstance(o, ReadOp)]


def multiply_adds(op: ComputeOp) -> int:
    """Products at all points of a compute, each in as many copies as the reductions around it make."""

    def within(block: Block) -> int:
        inner = sum(prod(o.shape) * within(o.body.block) for o in block.ops if isinstance(o, ReduceOp | FoldOp))
        return inner + sum(o.name in ("arith.mulf", "arith.muli") for o in block.ops)

    return prod(op.shape) * within(op.body.block)


@dataclass
class RowGraph:
    """The program of a block, and what each of its values and tasks is in the IR.

    `rows` is the dimension of a tensor along which it may be cut. Where loops over strips will hold at most `strips`
    bytes of what their kernels hand on, `held` is how much of such a value is there at a time.
    """

    block: Block
    overlay: bool
    strips: int = 0
    values: list[SSAValue] = field(default_factory=list[SSAValue])
    number: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    rows: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    ops: list[Operation] = field(default_factory=list[Operation])
    held: Mapping[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def __post_init__(self) -> None:
        """Number what a run makes, and find its rows."""
        self.values += [argument for argument in self.block.args if is_tensor(argument.type)]
        for op in self.block.ops:
            if isinstance(op, ComputeOp | ConcatOp | ReshapeOp | ScanOp) and not self.is_constant(op):
                self.ops.append(op)
                self.values += op.results
        self.number |= {value: v for v, value in enumerate(self.values)}
        self.find_rows()
        if self.strips:
            self.held = bytes_at_a_time(self.ops, self.strips)

    def is_constant(self, op: Operation) -> bool:
        """Does an operation depend on nothing but constants?"""
        if isinstance(op, ComputeOp):
            return op.once is not None
        return isinstance(op, ReshapeOp) and op.source not in self.number and op.source not in self.values

    def find_rows(self) -> None:
        """Choose the direction that most bytes follow, and of several dimensions in it the outermost."""
        directions = Directions()
        for op in self.ops:
            directions.add(op)
        weight: dict[Dimension, int] = {}
        for value in self.values:
            dimensions = [(value, d) for d, n in enumerate(shape(value)) if n > 1]
            for root in dict.fromkeys(map(directions.of, dimensions)):
                weight[root] = weight.get(root, 0) + byte_size(value)
        if not weight:
            return
        chosen = max(weight, key=lambda root: weight[root])
        for value in self.values:
            along = [d for d, n in enumerate(shape(value)) if n > 1 and directions.of((value, d)) == chosen]
            if along:
                self.rows[value] = along[0]

    # The program.

    def program(self) -> Program:
        """What the planner needs to know."""
        return Program(tuple(map(self.value, self.values)), tuple(map(self.task, self.ops)), self.overlay)

    def value(self, value: SSAValue) -> Value:
        d = self.rows.get(value)
        rows = 1 if d is None else shape(value)[d]
        kept = any(isinstance(use.operation, func.ReturnOp) for use in value.uses)
        given, planes = isinstance(value.owner, Block), prod(shape(value)[: d or 0])
        held = self.held.get(value, 0)
        return Value(name_of(value), rows, byte_size(value) // rows, given, kept, self.home(value), planes, held)

    def home(self, value: SSAValue) -> int | None:
        """What a value lies in: what it is a view of, or what it is joined in if that is the first such use of it."""
        if isinstance(value.owner, ReshapeOp):
            return self.number[value.owner.source]
        if isinstance(value.owner, ConcatOp | ComputeOp):
            joined = [op.result for op in users(value) if isinstance(op, ConcatOp) and op.result in self.number]
            return self.number[joined[0]] if joined else None
        return None

    def task(self, op: Operation) -> Task:
        makes = tuple(self.number[result] for result in op.results)
        if isinstance(op, ComputeOp) and op.res[0] in self.rows:
            return self.compute(op, makes, self.rows[op.res[0]])
        if isinstance(op, ConcatOp) and self.joins_rows(op):
            rows = shape(op.result)[self.rows[op.result]]
            return Task(tuple(Read(self.number[p]) for p in op.parts), makes, rows, cuttable=True, joins=True)
        used = dict.fromkeys(operand for o in op.walk() for operand in o.operands if operand in self.number)
        macs = multiply_adds(op) if isinstance(op, ComputeOp) else 0
        in_place = tuple(self.in_place(op)) if isinstance(op, ComputeOp) else ()
        return Task(tuple(Read(self.number[value]) for value in used), makes, macs=macs, in_place=in_place)

    def joins_rows(self, op: ConcatOp) -> bool:
        """Do all operands lie side by side in every row?"""
        rows = self.rows.get(op.result)
        parts = list(op.parts)
        same = all(part in self.number and self.rows.get(part) == rows for part in parts)
        return rows is not None and rows != op.axis.data and same and len(set(parts)) == len(parts)

    def compute(self, op: ComputeOp, makes: tuple[int, ...], axis: int) -> Task:
        """A compute that runs along rows: axes are dimensions of its results."""
        found = tuple(Read(self.number[read.source], self.reach(read, op, axis)) for read in reads_of(op, self.number))
        inset = op.inset.data[axis].data if op.inset else 0
        alike = all(self.rows.get(result) == axis for result in op.res)
        constants = {read.source for read in reads(op)} - self.number.keys()
        weights = sum(map(byte_size, constants))
        return Task(found, makes, op.shape[axis], inset, multiply_adds(op), weights, tuple(self.in_place(op)), alike)

    def reach(self, read: ReadOp, op: ComputeOp, axis: int) -> Reach | None:
        rows = self.rows.get(read.source)
        return None if rows is None else reach_of(read.exprs[rows], op.axes[axis])

    def in_place(self, op: ComputeOp) -> Iterator[int]:
        """The operands that are read nowhere but where a result is written."""
        if len(op.res) != 1:
            return
        result = op.res[0]
        inset = [i.data for i in op.inset] if op.inset else [0] * len(op.shape)
        written = linearize([symbol(a) + i for a, i in zip(op.axes, inset, strict=True)], shape(result))
        for source in dict.fromkeys(read.source for read in reads_of(op, self.number)):
            same = tensor_type(source).element_type == tensor_type(result).element_type
            at_point = all(
                not read.outside
                and read.parent_op() is op
                and same_position(linearize(read.exprs, shape(source)), written)
                for read in reads(op)
                if read.source is source
            )
            if same and at_point and byte_size(source) == byte_size(result) and isinstance(source, OpResult):
                yield self.number[source]


def reads_of(op: ComputeOp, known: dict[SSAValue, int]) -> list[ReadOp]:
    return [read for read in reads(op) if read.source in known]


def name_of(value: SSAValue) -> str:
    """What a user may know a value by."""
    names = origins(value.owner.location) if isinstance(value.owner, Operation) else []
    return names[-1] if names else value.name_hint or "a value"
