"""Plans of memory for large programs, checked without the planner and without computing.

The program on tensors and its planned form on buffers run side by side. On tensors every element of every value has a
number of its own; on buffers each byte of the arena knows the number of the element that was written there last.
Wherever a point of a kernel reads, both must see the same number. This holds index maps of views and places to account
too, and takes seconds where `helpers.memory` would compute for hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of, range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp, WeightOp
from webdnn.dialects.kernel.reference.points import Values, at
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.memory.loading import runs_once
from webdnn.support.index import Index, symbol
from webdnn.targets.program import Program, stored_type

NOBODY = -1
Numbers = NDArray[np.int64]
Counts = Mapping[SSAValue, int]


@dataclass
class Elements:
    """The number of each element of the tensor values of a function; equal constants have the same numbers.

    Constants that have no place in the arena have none.
    """

    of: dict[SSAValue, Numbers] = field(default_factory=dict[SSAValue, Numbers])
    constants: dict[tuple[str, str], Numbers] = field(default_factory=dict[tuple[str, str], Numbers])
    count: int = 0

    def add_constant(self, op: WeightOp) -> None:
        """Number what has a place in the arena."""
        shape = buffer_type(op.result).get_shape()
        if op.content not in self.constants:
            self.constants[op.content] = np.arange(self.count, self.count + prod(shape))
            self.count += prod(shape)

    def add(self, value: SSAValue) -> None:
        """Numbers that no other value has."""
        shape = buffer_type(value).get_shape()
        self.of[value] = np.arange(self.count, self.count + prod(shape)).reshape(shape)
        self.count += prod(shape)

    def run(self, op: Operation) -> None:
        """Number the results of an operation of the function."""
        match op:
            case ConstantOp():
                assert isinstance(op.value, WeightAttr)
                content = op.value.key.data, str(op.value.type.element_type)
                if content in self.constants:
                    self.of[op.output] = self.constants[content].reshape(buffer_type(op.output).get_shape())
            case ReshapeOp() if op.source in self.of:
                self.of[op.result] = self.of[op.source].reshape(buffer_type(op.result).get_shape())
            case ConcatOp():
                self.of[op.result] = np.concatenate([self.of[part] for part in op.parts], op.axis.data)
            case ComputeOp():
                for result in op.res:
                    self.add(result)
            case _:
                pass


@dataclass
class Arena:
    """The memory of a planned program in units of its smallest element: which element lies where."""

    program: Program
    unit: int
    holds: Numbers
    writer: Numbers
    """The point of the running kernel that writes there."""

    @classmethod
    def of(cls, program: Program) -> Arena:
        computes = [op for op in program.function.walk() if isinstance(op, ReadOp | WriteOp)]
        buffers = [op.source if isinstance(op, ReadOp) else op.target for op in computes]
        unit = gcd(*(stored_type(b).bytes for b in [*buffers, *program.inputs]))
        empty = np.full(program.arena_bytes // unit, NOBODY, np.int64)
        return cls(program, unit, empty, empty.copy())

    def units(self, buffer: SSAValue, position: Numbers) -> Numbers:
        """Where elements lie; a new last axis counts the units of each."""
        size = stored_type(buffer).bytes
        first = (self.program.offset(buffer) + position * size) // self.unit
        return first[..., None] + np.arange(size // self.unit)

    def whole(self, buffer: SSAValue) -> Numbers:
        return self.units(buffer, np.arange(prod(buffer_type(buffer).get_shape())))


@dataclass(frozen=True)
class Loops:
    """Everything that the indices of a compute are made of, in the order in which it stands there, and the counts."""

    symbols: list[SSAValue]
    counts: list[int]
    around: Counts
    """What the loops around the compute count at this moment."""

    @classmethod
    def of(cls, compute: ComputeOp, around: Counts) -> Loops:
        found: list[SSAValue] = []
        for op in compute.walk():
            found += [a for region in op.regions for a in region.block.args if isinstance(a.type, IndexType)]
            found += [r for r in op.results if isinstance(r.type, IndexType)]
        ranges = [range_of(value) for value in found]
        assert all(r is not None and r[0] == 0 for r in ranges), "every index counts from 0"
        return cls(found, [r[1] + 1 for r in ranges if r], around)

    def used(self, exprs: Sequence[Index]) -> set[int]:
        return {i for i, value in enumerate(self.symbols) if any(value in e.symbols for e in exprs)}

    def grid(self, used: set[int]) -> Values:
        """A numpy axis for each index that is used; the others stand still, for nothing depends on them."""
        ordered = sorted(used)
        found: Values = {value: np.array(count) for value, count in self.around.items()}
        for axis, i in enumerate(ordered):
            shape = [1] * axis + [-1] + [1] * (len(ordered) - 1 - axis)
            found[self.symbols[i]] = np.arange(self.counts[i]).reshape(shape)
        return found


def flat(exprs: Sequence[Index], values: Values, shape: Sequence[int]) -> tuple[Numbers, NDArray[np.bool]]:
    """Row-major positions, and where they are inside; those outside are of no use."""
    position, inside = np.zeros((), np.int64), np.ones((), np.bool)
    for expr, extent in zip(exprs, shape, strict=True):
        index = at(expr, values)
        position = position * extent + index
        inside = inside & (index >= 0) & (index < extent)
    return position, inside


@dataclass
class Kernel:
    """One compute on tensors, and the same on buffers."""

    before: ComputeOp
    after: ComputeOp
    elements: Elements
    arena: Arena
    step: Counts
    """What the scans around `before` count."""
    trip: Counts
    """What the loops around `after` count."""

    def run(self) -> None:
        """Check every read, and write. Raises AssertionError."""
        before, after = Loops.of(self.before, self.step), Loops.of(self.after, self.trip)
        assert before.counts == after.counts
        writes = [self.written(op, result) for op, result in zip(stores(self.after), self.before.res, strict=True)]
        points = np.arange(prod(self.after.shape)).reshape(*self.after.shape, 1)
        for units, _ in writes:
            self.arena.writer[units] = points
        for units, _ in writes:
            assert (self.arena.writer[units] == points).all(), "two points write one element"
        for old, new in zip(reads(self.before), reads(self.after), strict=True):
            self.check(old, new, before, after)
        for units, numbers in writes:
            self.arena.holds[units] = numbers[..., None]
            self.arena.writer[units] = NOBODY

    def written(self, op: WriteOp, result: SSAValue) -> tuple[Numbers, Numbers]:
        """Where the points write, and the elements that they are."""
        loops = Loops.of(self.after, self.trip)
        position, inside = flat(op.exprs, loops.grid(set(range(len(self.after.shape)))), shape_of(op.target))
        assert inside.all(), "a write leaves its buffer"
        inset = [i.data for i in self.before.inset] if self.before.inset else [0] * len(self.before.shape)
        place = tuple(slice(i, i + size) for i, size in zip(inset, self.before.shape, strict=True))
        units = self.arena.units(op.target, np.broadcast_to(position, self.after.shape))
        return units, self.elements.of[result][place]

    def check(self, old: ReadOp, new: ReadOp, before: Loops, after: Loops) -> None:
        if isinstance(new.source.owner, WeightOp) and new.source.owner.offset is None:
            assert is_constant(old.source), "a value of the program lies among the weights"
            return
        used = before.used(old.exprs) | after.used(new.exprs)
        element, wanted = flat(old.exprs, before.grid(used), shape_of(old.source))
        position, inside = flat(new.exprs, after.grid(used), shape_of(new.source))
        assert old.outside or wanted.all(), "a read leaves its tensor"
        assert (inside | ~wanted).all(), "a read leaves its buffer"
        units = self.arena.units(new.source, np.where(wanted, position, 0))
        numbers = self.elements.of[old.source].reshape(-1)[np.where(wanted, element, 0)]
        right = (self.arena.holds[units] == numbers[..., None]) | ~wanted[..., None]
        assert right.all(), "an element was overwritten, or never written"
        writer = self.arena.writer[units]
        alone = (writer == NOBODY) | (writer == self.points(after, used)) | ~wanted[..., None]
        assert alone.all(), "a point reads what another writes"

    def points(self, loops: Loops, used: set[int]) -> Numbers:
        """The point that reads, at every place of the grid; no point's number where several read there."""
        sizes = self.after.shape
        if any(size > 1 and axis not in used for axis, size in enumerate(sizes)):
            return np.array(NOBODY)
        values = {**{s: np.zeros(1, np.int64) for s in loops.symbols}, **loops.grid(used)}
        own = [symbol(axis) for axis in self.after.axes]
        return np.asarray(flat(own, values, sizes)[0])[..., None]


def shape_of(value: SSAValue) -> tuple[int, ...]:
    return buffer_type(value).get_shape()


def reads(compute: ComputeOp) -> list[ReadOp]:
    return [op for op in compute.walk() if isinstance(op, ReadOp)]


def stores(compute: ComputeOp) -> list[WriteOp]:
    return [op for op in compute.walk() if isinstance(op, WriteOp)]


def is_constant(value: SSAValue) -> bool:
    """Is it a constant, or a view of one?"""
    while isinstance(owner := value.owner, ReshapeOp):
        value = owner.source
    return isinstance(owner, ConstantOp)


def borders(compute: ComputeOp) -> int:
    """How many kernels fill what lies around the points."""
    if compute.inset is None:
        return 0
    sides = zip(compute.inset, compute.shape, shape_of(compute.res[0]), strict=True)
    return len(compute.res) * sum((low.data > 0) + (extent > low.data + size) for low, size, extent in sides)


def fill(op: ComputeOp, result: SSAValue, elements: Elements, arena: Arena) -> None:
    """Zeros beside the points of a result, which is alone in its buffer."""
    (write,) = stores(op)
    assert shape_of(write.target) == shape_of(result)
    loops = Loops.of(op, {})
    position, inside = flat(write.exprs, loops.grid(set(range(len(op.shape)))), shape_of(write.target))
    assert inside.all(), "a write leaves its buffer"
    arena.holds[arena.units(write.target, position)] = elements.of[result].reshape(-1)[position][..., None]


def once_on_tensors(block: Block, elements: Elements) -> Iterator[tuple[ComputeOp, Counts]]:
    """The computes that loading runs, their results numbered before."""
    for op in block.ops:
        if isinstance(op, ConstantOp | ReshapeOp) or runs_once(op):
            elements.run(op)
        if isinstance(op, ComputeOp) and op.once:
            yield op, {}


def on_tensors(block: Block, elements: Elements, counts: Counts) -> Iterator[tuple[ComputeOp, Counts]]:
    """The computes of a run in order, each as often as it runs, its results numbered before."""
    for op in block.ops:
        if runs_once(op):
            continue
        elements.run(op)
        if isinstance(op, ComputeOp):
            yield op, counts
        elif isinstance(op, ScanOp):
            yield from scanned(op, elements, counts)


def scanned(op: ScanOp, elements: Elements, counts: Counts) -> Iterator[tuple[ComputeOp, Counts]]:
    """The computes of every step; what is carried and stacked has the numbers of what it was made from."""
    of = elements.of
    of |= {argument: of[init] for argument, init in zip(op.carried, op.inits, strict=True)}
    rows: dict[int, list[Numbers]] = {}
    steps = range(op.trip_count)
    for step in steps if op.reverse is None else reversed(steps):
        yield from on_tensors(op.body.block, elements, {**counts, op.counter: step})
        rows[step] = [of[row] for row in op.rows]
        of |= {argument: numbers for argument, numbers in zip(op.carried, [of[v] for v in op.nexts], strict=True)}
    of |= {last: of[value] for last, value in zip(op.last, op.nexts, strict=True)}
    of |= {stacked: np.stack([rows[step][i] for step in steps]) for i, stacked in enumerate(op.stacked)}


def once_on_buffers(block: Block) -> Iterator[tuple[ComputeOp, Counts]]:
    """The computes of a planned program that loading runs."""
    yield from ((op, {}) for op in block.ops if isinstance(op, ComputeOp) and op.once)


def on_buffers(block: Block, counts: Counts) -> Iterator[tuple[ComputeOp, Counts]]:
    """The computes of a run of a planned program in order, each as often as it runs."""
    counts = dict(counts)
    for op in block.ops:
        match op:
            case ComputeOp() if not op.once:
                yield op, counts
            case IndexOp():
                counts[op.result] = op.exprs[0].evaluate({**counts})
            case scf.ForOp():
                trips = constant_of(op.ub)
                assert trips
                for trip in range(trips):
                    yield from on_buffers(op.body.block, {**counts, op.body.block.args[0]: trip})
            case _:
                pass


def check_computes(
    before: Iterator[tuple[ComputeOp, Counts]],
    after: Iterator[tuple[ComputeOp, Counts]],
    elements: Elements,
    arena: Arena,
) -> None:
    """Run the computes on tensors, and beside them those on buffers."""
    for op, step in before:
        planned, trip = next(after)
        Kernel(op, planned, elements, arena, step, trip).run()
        for _ in range(borders(op)):
            fill(next(after)[0], op.res[0], elements, arena)
    assert next(after, None) is None


def check_plan(before: ModuleOp, after: ModuleOp) -> None:
    """Raise AssertionError where a planned program reads anything but the element that it should.

    `before` is the program on tensors, copies explicit; `after` the same after `kernel-assign-offsets`.
    """
    (tensors,) = [op for op in before.body.block.ops if isinstance(op, func.FuncOp)]
    program, elements = Program.of(after), Elements()
    arena = Arena.of(program)
    for weight in program.weights:
        if weight.offset is not None:
            elements.add_constant(weight)
            arena.holds[arena.whole(weight.result)] = elements.constants[weight.content].reshape(-1, 1)
    before_runs = once_on_tensors(tensors.body.block, elements), once_on_buffers(program.function.body.block)
    check_computes(*before_runs, elements, arena)
    for argument, buffer in zip(tensors.body.block.args, program.inputs, strict=True):
        elements.add(argument)
        arena.holds[arena.whole(buffer)] = elements.of[argument].reshape(-1, 1)
    computes = on_buffers(program.function.body.block, {})
    check_computes(on_tensors(tensors.body.block, elements, {}), computes, elements, arena)
    end = tensors.body.block.last_op
    assert isinstance(end, func.ReturnOp)
    for value, buffer in zip(end.operands, program.outputs, strict=True):
        assert (arena.holds[arena.whole(buffer)] == elements.of[value].reshape(-1, 1)).all(), "a result is not there"
