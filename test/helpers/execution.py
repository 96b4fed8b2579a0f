"""Programs on buffers at every stage, from `kernel-assign-buffers` to what emitters spell, executed by numpy.

The points of a compute, the invocations of a GPU and the trips of loops that nothing ties together are axes of one
space: a value holds what it is at all of them, and each operation is done at all of them before the next one. What
leaves its buffer reads as poison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, memref, scf, vector
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from helpers.accesses import place_of, written_by
from helpers.subgroups import MOST_DEVICES, Forming, handed, number_in_subgroup
from unit.targets.wasm.evaluator import INSTRUCTIONS
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp, buffer_type, layer_elements
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.lanewise import CmpfOp, CmpiOp
from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.kernel.reference.casts import CASTS, dtype_of
from webdnn.dialects.kernel.reference.points import Indices, Values, axes_of, evaluate_op, narrowed
from webdnn.dialects.kernel.reference.scalars import FUNCTIONS, meaning_of
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp
from webdnn.dialects.kernel.subgroup import SubgroupOp
from webdnn.dialects.kernel.workgroup import is_own, is_shared
from webdnn.support.weights import STORE, Array, numpy_dtype
from webdnn.targets.program import Program
from webdnn.targets.wasm.dialect import InstructionOp

LANES = 4
POISON = 0x77
"""Every byte of memory that nobody wrote: 5e33 as f32"""

SIMPLE = {*FUNCTIONS, *CASTS, arith.ConstantOp, arith.CmpiOp, arith.CmpfOp, CmpiOp, CmpfOp} - {arith.SelectOp}
"""Operations of which one operand has an axis of lanes only where all have"""

Step = Callable[["Run"], None]
Mask = NDArray[np.bool_]
Buffers = dict[SSAValue, Array]
"""The elements of each buffer, flat: a view of the arena, or memory of its own"""


def poisoned(count: int, dtype: np.dtype[np.generic]) -> Array:
    """Elements that nobody wrote."""
    return as_array(np.full(count * dtype.itemsize, POISON, np.uint8).view(dtype))


def size_of(buffer: SSAValue) -> int:
    type = buffer_type(buffer)
    return prod(type.get_shape()) * (LANES if is_vector(type.element_type) else 1)


def content_of(weight: WeightOp) -> Array:
    type = weight.value.type
    return as_array(STORE.get(weight.value.key.data, element_type(type), type.get_shape()).reshape(-1))


@dataclass
class Arena:
    """Where buffers lie: at their offsets, or each on its own where they have none yet."""

    program: Program
    placed: bool
    elements: Buffers = field(default_factory=Buffers)

    def __post_init__(self) -> None:
        size = self.program.arena_bytes if self.placed else 0
        self.bytes = np.full(size, POISON, np.uint8)
        for argument in self.program.inputs:
            self.elements[argument] = self.place(argument)

    def place(self, buffer: SSAValue) -> Array:
        dtype = numpy_dtype(element_type(buffer_type(buffer)))
        if not self.placed:
            return poisoned(size_of(buffer), dtype)
        start = self.program.offset(buffer)
        return as_array(self.bytes[start : start + size_of(buffer) * dtype.itemsize].view(dtype))

    def weight(self, op: WeightOp) -> Array:
        """A constant; one that only loading reads is put where it lies until then."""
        if not self.placed or op.offset is None:
            return content_of(op)
        found = self.place(op.result)
        found[:] = content_of(op)
        return found


def run_buffers(
    module: ModuleOp, inputs: Sequence[Array], *, placed: bool, form: Forming = MOST_DEVICES
) -> list[Array]:
    """The outputs of a program, flat, as they are stored. `placed` where the offsets of its buffers hold."""
    program = Program.of(module)
    arena = Arena(program, placed)
    run = Run(program, arena.elements, form=form)
    body = list(program.function.body.block.ops)
    for op in body:
        if isinstance(op, WeightOp):
            arena.elements[op.result] = arena.weight(op)
        elif isinstance(op, AllocOp):
            arena.elements[op.result] = arena.place(op.result)
    at_load = [op for op in body if isinstance(op, ComputeOp | CallOp) and op.once]
    with np.errstate(all="ignore"):  # of what is read outside and discarded
        run.ops([op for op in body if isinstance(op, arith.ConstantOp)])
        run.ops(at_load)
        store_inputs(program, arena, inputs)
        run.ops([op for op in body if op not in at_load])
    return [as_array(np.concatenate([arena.elements[b] for b in buffers])) for buffers in program.output_pieces]


def store_inputs(program: Program, arena: Arena, inputs: Sequence[Array]) -> None:
    for buffers, array in zip(program.input_pieces, inputs, strict=True):
        ends = np.cumsum([size_of(buffer) for buffer in buffers])[:-1]
        for buffer, piece in zip(buffers, np.split(array.reshape(-1), ends), strict=True):
            arena.elements[buffer][:] = piece


@dataclass
class Run:
    """A program or a kernel at work: what its values are, and in how many axes of which points it is."""

    program: Program
    buffers: Buffers
    values: Values = field(default_factory=dict[SSAValue, Array])
    depth: int = 0
    mask: Mask = field(default_factory=lambda: np.ones((), np.bool_))
    steps: dict[Operation, Step] = field(default_factory=dict[Operation, "Step"])
    invoked: bool = False
    """Are the points invocations of a GPU?"""
    ids: list[IdOp] = field(default_factory=list[IdOp])
    bases: dict[SSAValue, Indices] = field(default_factory=dict[SSAValue, Indices])
    """Where memory begins that each workgroup or invocation has for itself."""
    form: Forming = MOST_DEVICES

    def ops(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            step = self.steps.get(op)
            if step is not None:
                step(self)
            elif type(op) in SIMPLE:
                self.steps[op] = simple_step(op)
                self.steps[op](self)
            elif isinstance(op, ReadOp):
                self.steps[op] = read_step(op)
                self.steps[op](self)
            else:
                self.op(op)

    def op(self, op: Operation) -> None:
        match op:
            case ComputeOp():
                inner = replace(self, depth=self.depth + len(op.axes))
                self.values.update(axes_of(op.axes, [range(s) for s in op.shape], self.depth))
                inner.ops(op.body.block.ops)
            case CallOp():
                self.call(op)
            case scf.ForOp():
                self.loop(op)
            case scf.IfOp():
                self.branch(op)
            case IdOp() if op.level.data == "subgroup":
                self.values[op.result] = number_in_subgroup(self.ids, self.form)
            case IdOp():
                self.identify(op)
            case WriteOp():
                position, inside = place_of(op.target, op.exprs, op.value.type)(self.values)
                assert (inside | ~self.mask_of(op.value)).all() or self.invoked, "a write leaves its buffer"
                self.store(op.target, position, op.value)
            case memref.StoreOp() if isinstance(op.memref.owner, memref.AllocaOp) and op.memref not in self.bases:
                self.values[op.memref] = self.values[op.value]
            case memref.StoreOp():
                self.store(op.memref, self.group(op.indices[0]), op.value)
            case PrefetchOp():
                _, inside = place_of(op.source, op.exprs, op.source.type)(self.values)
                assert (inside | ~self.mask).all(), "a prefetch leaves its buffer"
            case memref.AllocaOp() if is_shared(op.memref) or is_own(op.memref):
                self.share(op.memref)
            case memref.AllocaOp() | AllocOp() | WeightOp():
                pass
            case _ if op.results:
                self.values[op.results[0]] = self.evaluated(op)
            case _:
                pass

    def call(self, op: CallOp) -> None:
        """A kernel on buffers; one that is cut in chunks computes the last of them first."""
        kernel = self.program.kernels[op.callee.root_reference.data]
        buffers = {a: self.buffers[b] for a, b in zip(kernel.buffers, op.buffers, strict=True)}
        counters = {a: self.values[c] for a, c in zip(kernel.counters, op.counters, strict=True)}
        chunks = chunks_of(kernel)
        for chunk in reversed(range(chunks[0].count.data if chunks else 1)):
            numbers = {op.result: as_array(np.array(chunk)) for op in chunks}
            run = Run(self.program, buffers, {**counters, **numbers}, steps=self.steps, form=self.form)
            run.ops([op for op in kernel.body.block.ops if op not in chunks])

    def identify(self, op: IdOp) -> None:
        """All invocations at once: an axis more from here on."""
        self.values[op.result] = as_array(np.arange(op.count.data).reshape(-1, *[1] * self.depth))
        self.depth += 1
        self.invoked = True
        self.ids.append(op)

    def share(self, buffer: SSAValue) -> None:
        """Memory of a workgroup, or of an invocation: they come side by side."""
        owners, count = np.zeros((), np.int64), 1
        for op in self.ids:
            if is_own(buffer) or op.level.data.startswith("group"):
                owners, count = owners * op.count.data + whole(self.values[op.result]), count * op.count.data
        self.buffers[buffer] = poisoned(count * size_of(buffer), dtype_of(buffer_type(buffer).element_type))
        self.bases[buffer] = owners * size_of(buffer)

    def branch(self, op: scf.IfOp) -> None:
        condition = self.values[op.cond].astype(np.bool_)
        given: list[list[Array]] = []
        for region, taken in ((op.true_region, condition), (op.false_region, ~condition)):
            if region.blocks:
                replace(self, mask=self.mask & taken).ops(region.block.ops)
                given.append(yielded(region.block, self.values))
        if op.results:
            for result, yes, no in zip(op.results, given[0], given[1], strict=True):
                self.values[result] = as_array(np.where(condition, yes, no))

    def loop(self, op: scf.ForOp) -> None:
        low, high, step = (whole(self.values[v]) for v in (op.lb, op.ub, op.step))
        counter, *arguments = op.body.block.args
        trips = range(int(low.min()), int(high.max()), int(step.min()))
        carried = [self.values[a] for a in op.iter_args]
        if not carried and self.independent(op):
            self.at_once(op, counter, trips)
            return
        for trip in trips:
            self.values[counter] = as_array(np.array(trip))
            self.values.update(zip(arguments, carried, strict=True))
            active = (low <= trip) & (high > trip)
            replace(self, mask=self.mask & active).ops(op.body.block.ops)
            nexts = yielded(op.body.block, self.values)
            kept = zip(nexts, carried, strict=True)
            carried = nexts if active.all() else [as_array(np.where(active, new, old)) for new, old in kept]
        self.values.update(zip(op.results, carried, strict=True))

    def at_once(self, op: scf.ForOp, counter: SSAValue, trips: range) -> None:
        low, high = whole(self.values[op.lb]), whole(self.values[op.ub])
        counts = np.array(trips, np.int64).reshape(-1, *[1] * self.depth)
        self.values[counter] = as_array(counts)
        active = (counts >= low) & (counts < high)
        mask = self.mask if active.all() else self.mask & active
        replace(self, depth=self.depth + 1, mask=mask).ops(op.body.block.ops)

    def independent(self, op: scf.ForOp) -> bool:
        """Does nothing in a loop read what is written in it?"""
        inner = list(op.walk())
        if any(isinstance(o, CallOp) for o in inner):
            return False
        written = {b for o in inner if (b := written_by(o)) is not None}
        read = {o.source if isinstance(o, ReadOp) else o.memref for o in inner if isinstance(o, ReadOp | memref.LoadOp)}
        return not any(np.may_share_memory(self.buffers[a], self.buffers[b]) for a in written for b in read)

    # Values.

    def evaluated(self, op: Operation) -> Array:
        operands = [self.values[o] for o in op.operands if o in self.values]
        match op:
            case memref.LoadOp() if isinstance(op.memref.owner, memref.AllocaOp) and op.memref not in self.bases:
                return self.values[op.memref]
            case memref.LoadOp():
                return self.load(op.memref, self.group(op.indices[0]), op.res.type)
            case vector.ExtractOp() if op.dynamic_position:
                return dynamic_lane(*operands)
            case vector.BitcastOp():
                return operands[0].view(dtype_of(op.results[0].type))
            case SubgroupOp():
                return handed(op, operands[0], self.ids, self.form)
            case LanesOp():
                return as_array(np.stack(np.broadcast_arrays(*operands), axis=-1))
            case arith.SelectOp() if is_vector(op.result.type):
                test, yes, no = operands
                return as_array(np.where(test if is_vector(op.cond.type) else test[..., None], yes, no))
            case InstructionOp():
                return INSTRUCTIONS[op.instruction.data](*operands)
            case _:
                return evaluate_op(op, self.values, self.depth, self.read)

    def read(self, op: ReadOp, values: Values) -> Array:
        """A read inside of a reduction."""
        inner = replace(self, values=values)
        inner.ops([op])
        return values[op.result]

    # Memory.

    def load(self, buffer: SSAValue, position: Indices, type: Attribute) -> Array:
        """Elements in the type that a kernel computes in; poison where the position is none of the buffer."""
        elements, base = self.buffers[buffer], self.base(buffer, type)
        inside = (position >= 0) & (position < self.extent(buffer))
        found = elements[np.where(inside, position + base, 0)]
        if not inside.all():
            found = np.where(inside, found, poisoned(1, elements.dtype))
        return as_array(found.astype(dtype_of(type), copy=False))

    def extent(self, buffer: SSAValue) -> int:
        return size_of(buffer) if buffer in self.bases else self.buffers[buffer].size

    def base(self, buffer: SSAValue, type: Attribute) -> Indices:
        """Where the elements of a buffer begin, for every lane of the type."""
        found = self.bases.get(buffer, np.zeros((), np.int64))
        return found[..., None] if is_vector(type) else found

    def group(self, number: SSAValue) -> Indices:
        """The positions of a group of four."""
        return whole(self.values[number])[..., None] * LANES + np.arange(LANES)

    def mask_of(self, value: SSAValue) -> Mask:
        """The mask, for every lane of the value."""
        return self.mask[..., None] if is_vector(value.type) else self.mask

    def store(self, buffer: SSAValue, position: Indices, stored: SSAValue) -> None:
        """Write at all points that the mask leaves; what would fill up the last layer or group of four is dropped."""
        elements, extent, base = self.buffers[buffer], self.extent(buffer), self.base(buffer, stored.type)
        position, base, value, mask = np.broadcast_arrays(position, base, self.values[stored], self.mask_of(stored))
        unit = (layer_elements(buffer) or LANES) if self.invoked else 1
        end = -(-extent // unit) * unit
        assert ((position >= 0) & (position < end) | ~mask).all(), "a write leaves its buffer"
        kept = mask & (position < extent)
        elements[(position + base)[kept]] = narrowed(as_array(value[kept]), elements.dtype)


def simple_step(op: Operation) -> Step:
    """What an operation on scalars or lanes does, made ready once for all the times that it is done."""
    dtype, operands, result = dtype_of(op.results[0].type), list(op.operands), op.results[0]
    meaning = meaning_of(op, dtype)

    def step(run: Run) -> None:
        values = run.values
        values[result] = as_array(meaning(*[values[o] for o in operands])).astype(dtype, copy=False)

    return step


def read_step(op: ReadOp) -> Step:
    """The same of a read."""
    place, source, result, outside = place_of(op.source, op.exprs, op.result.type), op.source, op.result, op.outside
    type = op.result.type

    def step(run: Run) -> None:
        position, inside = place(run.values)
        found = run.load(source, np.where(inside, position, -1), type)
        run.values[result] = found if outside is None else as_array(np.where(inside, found, run.values[outside]))

    return step


def whole(value: Array) -> Indices:
    """An index as such."""
    return value.astype(np.int64, copy=False)


def dynamic_lane(four: Array, lane: Array) -> Array:
    space = np.broadcast_shapes(four.shape[:-1], lane.shape)
    wide = np.broadcast_to(four, (*space, four.shape[-1]))
    return as_array(np.take_along_axis(wide, np.broadcast_to(whole(lane), space)[..., None], -1)[..., 0])


def yielded(block: Block, values: Values) -> list[Array]:
    """What the last operation of a block hands on."""
    end = block.last_op
    return [values[v] for v in end.operands] if isinstance(end, scf.YieldOp) else []


def chunks_of(kernel: FuncOp) -> list[IdOp]:
    """The operations that say which chunk of a kernel is computed: one, or none where it is computed whole."""
    return [op for op in kernel.body.block.ops if isinstance(op, IdOp) and op.level.data == "chunk"]
