"""One register-sized compute as straight-line code: every value made on demand, once, in the loop that it needs.

The body is asked for its written values at each unrolled point; a value is made when it is first asked for, keyed by
the point's coordinates along the axes it depends on, in the outermost loop whose axes it depends on. So there is no
unrolling of IR and no common subexpression to eliminate afterwards, and the order of points alone is the order of
instructions: rows outside, columns inside leaves one splat alive at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import FloatAttr, f32, f64
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import AxesOp, Lane, is_value, range_of
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.lanewise import applied
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.loops.dependence import Axes, Dependence, is_carried
from webdnn.passes.kernel.scheduling.vectors import dense, extract, vector_access, vector_of
from webdnn.support.index import ZERO, Index, linearize, substitute, symbol

Point = Mapping[SSAValue, int]
"""Axis -> its place in the unrolled block"""

Reducer = Callable[["BlockLowering", ReduceOp | FoldOp, Point], None]
"""Makes the results of a reduction known, at the given point and any others that it shares a loop with"""


@dataclass
class Scope:
    """A loop body being written, the values made in it, and the axes that its loop moves."""

    axes: frozenset[SSAValue] = frozenset()
    values: dict[Hashable, SSAValue] = field(default_factory=dict[Hashable, SSAValue])
    ops: list[Operation] = field(default_factory=list[Operation])


@dataclass(frozen=True)
class Placed:
    """An index without divisions: what it is at the loops' places where all axes are 0, and how it grows with each."""

    rest: Index
    strides: Mapping[SSAValue, int]

    def at(self, point: Point) -> Index:
        return self.rest + sum(stride * point[axis] for axis, stride in self.strides.items())


@dataclass
class BlockLowering:
    """A compute (or a reduction that stands alone, when there is none) being lowered.

    `scopes` runs from the function's constants over the block to the innermost loop; `base` holds what loops add to
    an axis. With a lane axis, a point stands for `lanes` neighbours along it.
    """

    compute: ComputeOp | None
    constants: Scope
    reducer: Reducer
    scopes: list[Scope] = field(default_factory=list[Scope])
    base: dict[SSAValue, Index] = field(default_factory=dict[SSAValue, Index])
    lane_axis: SSAValue | None = None
    lanes: int = 1
    dependence: Dependence = field(default_factory=Dependence)
    placed: dict[AccessOp, list[Placed] | None] = field(default_factory=dict[AccessOp, "list[Placed] | None"])

    def __post_init__(self) -> None:
        self.scopes = [self.constants, Scope()]
        if self.compute and self.compute.schedule and (lanes := self.compute.schedule.vector):
            self.lane_axis, self.lanes = self.compute.axes[lanes[0]], lanes[1]

    def lower(self) -> list[Operation]:
        """The block's operations, without the compute."""
        assert self.compute is not None
        for op in self.compute.body.block.ops:
            if isinstance(op, ReduceOp | FoldOp):  # in their order, each with all points of the block in one loop
                self.value(op.results[0], self.points(self.compute.axes)[0])
        self.functions()
        for op in self.compute.body.block.ops:
            if isinstance(op, WriteOp):
                for point in self.points(self.compute.axes):
                    self.store(op, point)
        return self.scopes[1].ops

    def functions(self) -> None:
        """Without reductions, make each function of the block at all points before the next one.

        A function is a long chain of instructions that wait for each other: processors run several chains at once, as
        far as they look ahead.
        """
        assert self.compute is not None
        ops = list(self.compute.body.block.ops)
        if any(isinstance(op, ReduceOp | FoldOp) for op in ops):
            return
        for op in ops:
            if op.name.startswith("math."):
                for point in self.points(list(self.axes_of(op.results[0]))):
                    self.value(op.results[0], point)

    def points(self, axes: Sequence[SSAValue]) -> list[Point]:
        """Every point of the block along these axes of the compute."""
        if self.compute is None:
            return [{}]
        sizes = dict(zip(self.compute.axes, self.compute.shape, strict=True))
        steps = [range(0, sizes[a], self.lanes if a is self.lane_axis else 1) for a in axes]
        return [dict(zip(axes, p, strict=True)) for p in product(*steps)]

    # Which axes a value depends on.

    def axes_of(self, value: SSAValue) -> Axes:
        return self.dependence.of(value)

    def has_lanes(self, value: SSAValue) -> bool:
        return self.lane_axis is not None and self.lane_axis in self.axes_of(value)

    # Where values are made.

    def emit(self, op: Operation) -> SSAValue:
        self.scopes[-1].ops.append(op)
        return op.results[0]

    def home(self, value: SSAValue) -> int:
        """The innermost scope whose loop moves an axis of the value; the block where none does."""
        axes = self.axes_of(value)
        for depth in range(len(self.scopes) - 1, 1, -1):
            if not self.scopes[depth].axes.isdisjoint(axes):
                return depth
        return 1

    @contextmanager
    def loop_scope(self, axis: SSAValue, index: Index) -> Generator[Scope]:
        """Write into the body of a loop that adds `index` to an axis, in place of what a loop around it adds."""
        scope = Scope(axes=frozenset({axis}))
        around = self.base.get(axis)
        self.scopes.append(scope)
        self.base[axis] = index
        self.placed.clear()
        try:
            yield scope
        finally:
            self.scopes.pop()
            if around is None:
                del self.base[axis]
            else:
                self.base[axis] = around
            self.placed.clear()

    @contextmanager
    def scope_at(self, depth: int) -> Generator[Scope]:
        """Write into an outer scope: before the loop that is being made inside it."""
        inner, self.scopes = self.scopes[depth + 1 :], self.scopes[: depth + 1]
        try:
            yield self.scopes[-1]
        finally:
            self.scopes += inner

    @contextmanager
    def without_lanes(self) -> Generator[None]:
        saved, self.lane_axis, self.lanes = (self.lane_axis, self.lanes), None, 1
        try:
            yield
        finally:
            self.lane_axis, self.lanes = saved

    def key(self, value: SSAValue, point: Point) -> Hashable:
        lanes = self.lanes if self.has_lanes(value) else 1
        return value, lanes, *(point.get(axis) for axis in self.axes_of(value))

    def remember(self, value: SSAValue, point: Point, made: SSAValue) -> None:
        self.scopes[self.home(value)].values[self.key(value, point)] = made

    # Values.

    def value(self, value: SSAValue, point: Point) -> SSAValue:
        """The value at a point: a vector where it depends on the lane axis, else a scalar."""
        owner = value.owner
        if is_carried(value):
            return self.scopes[self.home(value)].values[self.key(value, point)]
        if isinstance(owner, Block) or not isinstance(owner.parent_op(), AxesOp):
            return value
        if isinstance(owner, arith.ConstantOp):
            return self.constant(owner, 1)
        depth, key = self.home(value), self.key(value, point)
        if (found := self.scopes[depth].values.get(key)) is not None:
            return found
        with self.scope_at(depth) as scope:
            if isinstance(owner, ReduceOp | FoldOp):
                self.reducer(self, owner, point)
                return scope.values[key]
            made = scope.values[key] = self.make(owner, point, self.lanes if self.has_lanes(value) else 1)
            made.name_hint = value.name_hint
        return made

    def wide(self, value: SSAValue, point: Point, lanes: int) -> SSAValue:
        """The value with as many lanes: a scalar is broadcast, once."""
        if lanes == 1:
            return self.value(value, point)
        if isinstance(value.owner, arith.ConstantOp):
            return self.constant(value.owner, lanes)
        if isinstance(value.owner, TableOp) and (known := self.element(value.owner, point)):
            return self.constant(known, lanes)
        scalar = self.value(value, point)
        return scalar if is_vector(scalar.type) else self.splat(scalar, self.home(value), lanes)

    def splat(self, scalar: SSAValue, depth: int, lanes: int) -> SSAValue:
        with self.scope_at(depth) as scope:
            key = ("splat", scalar)
            if key not in scope.values:
                scope.values[key] = self.emit(vector.BroadcastOp(scalar, vector_of(scalar.type, lanes)))
            return scope.values[key]

    def constant(self, op: arith.ConstantOp, lanes: int) -> SSAValue:
        """Constants stand at the start of the function, each once."""
        key = "constant", op.value, lanes
        if key not in self.constants.values:
            made = arith.ConstantOp(dense(op, lanes) if lanes > 1 else op.value)
            self.constants.ops.append(made)
            self.constants.values[key] = made.result
        return self.constants.values[key]

    def make(self, op: Operation, point: Point, lanes: int) -> SSAValue:
        match op:
            case ReadOp():
                return self.load(op, point, lanes)
            case InsideOp() | IndexOp() | TableOp() if lanes > 1:
                return self.gather_lanes(op, point)
            case TableOp():
                return self.look_up(op, point)
            case InsideOp():
                return self.emit(InsideOp(self.address(op, point), [e.data for e in op.extents]))
            case IndexOp():
                return self.emit(IndexOp(self.address(op, point)[0]))
            case arith.SelectOp() if (known := self.decided(op.cond, point)) is not None:
                return self.wide(op.lhs if known else op.rhs, point, lanes)
            case arith.SelectOp() if lanes > 1 and not self.has_lanes(op.cond):
                yes, no = (self.wide(o, point, lanes) for o in (op.lhs, op.rhs))
                return self.emit(arith.SelectOp(self.value(op.cond, point), yes, no))
            case _:
                operands = [self.wide(o, point, lanes) for o in op.operands]
                scalar = op.results[0].type
                type = vector_of(scalar, lanes) if lanes > 1 else scalar
                return self.emit(applied(op, operands, type))

    def decided(self, condition: SSAValue, point: Point) -> bool | None:
        """Whether indices lie inside at a point, where that is known: at one of even steps, for instance."""
        test = condition.owner
        if not isinstance(test, InsideOp) or self.has_lanes(condition):
            return None
        found = [span_inside(place, n.data) for place, n in zip(self.address(test, point), test.extents, strict=True)]
        return False if False in found else None if None in found else True

    def element(self, op: TableOp, point: Point) -> arith.ConstantOp | None:
        """The element of a table, where the point says which one it is, for all lanes alike."""
        if self.has_lanes(op.result):
            return None
        place = linearize(self.address(op, point), op.shape)
        return table_element(op, place.constant) if place.is_constant else None

    def look_up(self, op: TableOp, point: Point) -> SSAValue:
        """The element of a table: a constant, or a choice by its row-major place."""
        if known := self.element(op, point):
            return self.constant(known, 1)
        place = linearize(self.address(op, point), op.shape)
        found = self.constant(table_element(op, 0), 1)
        for i in range(1, len(op.elements)):
            here = self.emit(InsideOp([place - i], [1]))
            found = self.emit(arith.SelectOp(here, self.constant(table_element(op, i), 1), found))
        return found

    def gather_lanes(self, op: Operation, point: Point) -> SSAValue:
        """A vector of what the operation gives at each of its lanes."""
        axis, lanes = self.lane_axis, self.lanes
        assert axis is not None
        with self.without_lanes():
            scalars = [self.value(op.results[0], {**point, axis: point[axis] + lane}) for lane in range(lanes)]
        return self.emit(LanesOp(scalars))

    # Memory.

    def place(self, op: AccessOp) -> list[Placed] | None:
        """The operation's indices inside the loops being made; None where they divide, or use computed indices."""
        if op not in self.placed:
            self.placed[op] = self.find_place(op)
        return self.placed[op]

    def find_place(self, op: AccessOp) -> list[Placed] | None:
        found: list[Placed] = []
        for expr in op.exprs:
            strides, rest = dict[SSAValue, int](), Index(expr.constant, {})
            for atom, coefficient in expr.terms.items():
                if not is_value(atom) or is_computed(atom):
                    return None
                if not is_axis(atom):
                    rest = rest + symbol(atom) * coefficient
                    continue
                strides[atom] = coefficient
                if (base := self.base.get(atom)) is not None:
                    rest = rest + base * coefficient
            found.append(Placed(rest, strides))
        return found

    def address(self, op: AccessOp, point: Point, lane: Index = ZERO) -> list[Index]:
        """The operation's indices at a point: axes become what loops and the point say of them."""
        if lane is ZERO and (placed := self.place(op)) is not None:
            return [index.at(point) for index in placed]
        by: dict[SSAValue, Index] = {}
        for value in op.index_operands:
            if is_axis(value):
                by[value] = self.base.get(value, ZERO) + point[value]
                if value is self.lane_axis:
                    by[value] = by[value] + lane
            elif is_computed(value):
                by[value] = symbol(self.value(value, point))
        return [substitute(e, by, range_of) for e in op.exprs]

    def lane_stride(self, op: ReadOp | WriteOp, point: Point) -> int | None:
        """The distance between lanes, folded at this very point: 16 columns may cross packed panels of 8, 4 do not."""
        if (placed := self.place(op)) is not None:
            assert self.lane_axis is not None
            *before, stride = [index.strides.get(self.lane_axis, 0) for index in placed]
            return None if any(before) else stride
        lane = Lane(self.lanes)
        *outer, last = self.address(op, point, symbol(lane))
        return None if any(lane in e.symbols for e in outer) else last.coefficient(lane)

    def load(self, op: ReadOp, point: Point, lanes: int) -> SSAValue:
        if lanes == 1:
            return self.emit(ReadOp(op.source, self.address(op, point), None, op.result.type))
        index_has_lanes = any(self.has_lanes(i) for i in op.indices if not isinstance(i.owner, Block))
        stride = None if index_has_lanes else self.lane_stride(op, point)
        if stride == 1 and vector_access(op):
            return self.emit(ReadOp(op.source, self.address(op, point), None, vector_of(op.result.type, lanes)))
        if stride == 0:
            with self.without_lanes():
                return self.value(op.result, point)
        return self.gather_lanes(op, point)

    def lanes_inside(self, point: Point) -> int:
        """How many lanes at a point lie inside the block: fewer than all in a masked vector."""
        if self.lane_axis is None or self.compute is None or self.lane_axis not in point:
            return self.lanes
        sizes = dict(zip(self.compute.axes, self.compute.shape, strict=True))
        return min(self.lanes, sizes[self.lane_axis] - point[self.lane_axis])

    def store(self, op: WriteOp, point: Point) -> None:
        lanes = self.lanes
        value = self.wide(op.value, point, lanes)
        stored = self.lanes_inside(point)
        if lanes == 1 or (stored == lanes and vector_access(op) and self.lane_stride(op, point) == 1):
            self.scopes[-1].ops.append(WriteOp(value, op.target, self.address(op, point)))
            return
        axis = self.lane_axis
        assert axis is not None
        for lane in range(stored):
            scalar = self.emit(extract(value, lane))
            with self.without_lanes():
                place = self.address(op, {**point, axis: point[axis] + lane})
            self.scopes[-1].ops.append(WriteOp(scalar, op.target, place))


def table_element(op: TableOp, place: int) -> arith.ConstantOp:
    """An element of a table, by its row-major place."""
    return arith.ConstantOp(FloatAttr(op.elements[place], f64 if op.result.type == f64 else f32))


def span_inside(place: Index, extent: int) -> bool | None:
    """Does an index lie in 0 .. extent - 1, as far as its range tells?"""
    span = place.bounds(range_of)
    if span is None or (span[0] < 0 <= span[1]) or (span[0] < extent <= span[1]):
        return None
    return 0 <= span[0] and span[1] < extent


def is_axis(value: SSAValue) -> bool:
    """Is it an axis of the block or of a reduction in it?"""
    return isinstance(value, BlockArgument) and isinstance(value.block.parent_op(), AxesOp)


def is_computed(value: SSAValue) -> bool:
    """Is it made in the body, as an index that was read is?"""
    owner = value.owner
    return not isinstance(owner, Block) and isinstance(owner.parent_op(), AxesOp)
