"""`kernel-assign-buffers`: tensors become buffers; views, places inside others, and results over dying operands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import FunctionType, MemRefType, ModuleOp, UnitAttr
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import is_tensor
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type, scalar_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body, compute
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import AllocOp, ConcatOp, ReshapeOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp, YieldOp
from webdnn.passes.kernel.fusion.inlining import behind
from webdnn.passes.kernel.memory.places import Place, Places, block_of, same_position, shape, viewed
from webdnn.passes.kernel.memory.scan_buffers import copied, copy_of, loops_of, prepare_scans
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index, linearize, stays_inside, symbol

MADE = (ComputeOp, ConcatOp, ScanOp)
"""What makes values that have buffers."""


def memref(value: SSAValue) -> MemRefType[Attribute]:
    type = buffer_type(value)
    return MemRefType(type.element_type, type.get_shape())


def mark_once(block: Block) -> None:
    """What reads nothing but constants, and what is computed from them, runs when the model is loaded.

    Not so what a scan begins with: its steps write over it.
    """
    known: set[SSAValue] = set()
    for op in block.ops:
        match op:
            case ConstantOp():
                known.add(op.output)
            case ReshapeOp() if op.source in known:
                known.add(op.result)
            case ComputeOp() if all(read.source in known for read in reads(op)) and not begins_scan(op):
                op.once = UnitAttr()
                known.update(op.res)
            case _:
                pass


def begins_scan(op: ComputeOp) -> bool:
    return any(isinstance(use.operation, ScanOp) for result in op.res for use in result.uses)


def copy_outputs(returned: func.ReturnOp) -> None:
    """A result that is an argument, a constant, or another result under a second name gets a buffer of its own."""
    roots = Places.find(returned.parent).of if returned.parent else {}
    taken: set[SSAValue] = set()
    for i, value in enumerate(returned.operands):
        root = roots[value].root
        fresh = isinstance(root.owner, MADE) and prod(shape(root)) == prod(shape(value))
        if not fresh or root in taken:
            copy = copy_of(value)
            Rewriter.insert_op(copy, InsertPoint.before(returned))
            returned.operands[i] = copy.res[0]
        taken.add(root)


def copy_parts(block: Block) -> None:
    """What cannot be made inside its concatenation, or its stack, is copied there by a kernel of its own."""
    roots = Places.find(block).of
    for op in [op for op in block.walk() if isinstance(op, ConcatOp | ScanOp)]:
        if isinstance(op, ConcatOp):
            user, parts, wholes = op, op.parts, [op.result] * len(op.parts)
        else:
            user, parts, wholes = op.end, op.end.values, [None] * len(op.inits) + [*op.stacked]
        for i, (part, result) in enumerate(zip(list(parts), wholes, strict=True)):
            if result and (roots[part].root is not roots[result].root or list(parts).index(part) != i):
                copied(user, i)


class Buffers:
    """The buffers of one function."""

    def __init__(self, block: Block, in_place: bool) -> None:
        self.block = block
        self.places = Places.find(block)
        self.time = {op: t for around in blocks_of(block) for t, op in enumerate(around.ops)}
        self.buffer: dict[SSAValue, SSAValue] = {}
        self.exchanged: dict[ScanOp, list[tuple[SSAValue, SSAValue]]] = {}
        for op in block.walk():
            if isinstance(op, ScanOp):
                self.place_states(op, in_place)
        self.kept = {
            self.places.of[r].root for op in block.ops if isinstance(op, ComputeOp) and op.once for r in op.res
        }
        if in_place:
            self.last_use = self.last_uses()
            for op in block.walk():
                if isinstance(op, ComputeOp):
                    self.overwrite(op)

    def place_states(self, op: ScanOp, in_place: bool) -> None:
        """Let the next value of each carried one take its place, or note the two whose buffers change places."""
        self.exchanged[op] = []
        for init, value, last in zip(op.inits, op.nexts, op.last, strict=True):
            if in_place and self.may_replace(op, last, value):
                self.places.move(value, self.places.of[last])
                continue
            self.exchanged[op].append((last, value))
            if op.trip_count % 2:
                self.places.of[init] = self.places.of[value]

    def may_replace(self, op: ScanOp, last: SSAValue, value: SSAValue) -> bool:
        """Is the old value read only before the new one is made, or by what is written at the very point?"""
        made, at = value.owner, op.body.block
        assert isinstance(made, ComputeOp)
        assert isinstance(value, OpResult)
        if not self.places.of[value].identity:
            return False
        written, needed = linearize(self.write_indices(made), shape(value)), behind(made.yielded[value.index], made)
        for read in reads(op):
            place = self.places.of[read.source]
            if place.root is not last:
                continue
            around = at.find_ancestor_op_in_block(read)
            assert around is not None
            if around is made:
                position = linearize(place.map(read.exprs), shape(last))
                if read not in needed or read.outside or not same_position(position, written):
                    return False
            elif self.time[around] > self.time[made]:
                return False
        return True

    def last_uses(self) -> dict[SSAValue, float]:
        """For each root, when something that lives in its buffer is used last, in the root's own block."""
        last: dict[SSAValue, float] = {}
        for value, place in self.places.of.items():
            block = block_of(place.root)
            for use in value.uses:
                user = block.find_ancestor_op_in_block(use.operation)
                last[place.root] = max(last.get(place.root, -1), inf if user is None else self.time[user])
        return last

    def overwrite(self, op: ComputeOp) -> None:
        """Let the result take the buffer of an operand that dies here and is read only where it is written."""
        if len(op.res) != 1 or self.places.of[op.res[0]].root is not op.res[0]:
            return
        result = op.res[0]
        for root in dict.fromkeys(self.places.of[r.source].root for r in reads(op)):
            if self.may_overwrite(op, result, root):
                self.places.move(result, Place(root, viewed(shape(result), shape(root))))
                self.last_use[root] = self.last_use.get(result, -1)
                return

    def may_overwrite(self, op: ComputeOp, result: OpResult, root: SSAValue) -> bool:
        if not isinstance(root.owner, MADE) or root.owner.parent is not op.parent:
            return False
        if self.last_use[root] != self.time[op]:
            return False
        if root in self.kept:
            return False
        if memref(root).element_type != memref(result).element_type or prod(shape(root)) != prod(shape(result)):
            return False
        written = linearize(self.write_indices(op), shape(result))
        for read in reads(op):
            place = self.places.of[read.source]
            if place.root is root:
                position = linearize(place.map(read.exprs), shape(root))
                if read.parent_op() is not op or read.outside or not same_position(position, written):
                    return False
        return True

    @staticmethod
    def write_indices(op: ComputeOp) -> list[Index]:
        inset = [i.data for i in op.inset] if op.inset else [0] * len(op.shape)
        return [symbol(axis) + shift for axis, shift in zip(op.axes, inset, strict=True)]

    # Rewriting.

    def run(self) -> None:
        """Give every root a buffer, and make every operation use them."""
        for argument in list(self.block.args):
            if is_tensor(argument.type):
                new = Rewriter.replace_value_with_new_type(argument, memref(argument))
                self.places.of[new] = self.places.of.pop(argument)
                self.buffer[argument] = self.buffer[new] = new
        self.rewrite(self.block)

    def rewrite(self, block: Block) -> None:
        for op in list(block.ops):
            match op:
                case ConstantOp():
                    self.weight(op)
                case ComputeOp():
                    self.compute(op)
                case ScanOp():
                    self.rewrite(op.body.block)
                    self.loop(op)
                case func.ReturnOp():
                    op.operands = [self.buffer_of(self.places.of[v].root, op) for v in op.operands]
                case _:
                    pass
        for op in reversed(list(block.ops)):
            if isinstance(op, ConcatOp | ReshapeOp | ConstantOp | ScanOp) or (isinstance(op, ComputeOp) and op.res):
                Rewriter.erase_op(op, safe_erase=False)

    def buffer_of(self, root: SSAValue, user: Operation) -> SSAValue:
        if root not in self.buffer:
            alloc = AllocOp(memref(root))
            alloc.result.name_hint = root.name_hint
            first = self.block.find_ancestor_op_in_block(user)
            assert first is not None
            Rewriter.insert_op(alloc, InsertPoint.before(first))
            self.buffer[root] = alloc.result
        return self.buffer[root]

    def loop(self, op: ScanOp) -> None:
        """The scan as loops, once its body is on buffers."""
        exchanged: dict[SSAValue, SSAValue] = {}
        for last, value in self.exchanged[op]:
            a, b = (self.buffer_of(self.places.of[v].root, op) for v in (last, value))
            exchanged |= {a: b, b: a}
        Rewriter.insert_op(loops_of(op, exchanged), InsertPoint.before(op))

    def weight(self, op: ConstantOp) -> None:
        if not isinstance(op.value, WeightAttr):
            fail(op, "is inline", hint="run 'kernel-pack-weights' first, which makes every constant a weight")
        weight = WeightOp(op.value, memref(op.output))
        weight.result.name_hint = op.output.name_hint
        Rewriter.insert_op(weight, InsertPoint.before(op))
        self.buffer[op.output] = weight.result

    def compute(self, op: ComputeOp) -> None:
        """The compute over buffers: yields become writes."""
        for read in reads(op):
            self.read(read, op)
        writes: list[Operation] = []
        for result, value in zip(op.res, op.yielded, strict=True):
            place = self.places.of[result]
            writes.append(WriteOp(value, self.buffer_of(place.root, op), place.map(self.write_indices(op))))
        end = op.body.block.last_op
        assert end is not None
        Rewriter.replace_op(end, [*writes, YieldOp([])], [])
        borders = [b for result in op.res for b in self.borders(op, result)]
        new = ComputeOp(op.shape, Region(Block()), schedule=op.schedule, once=op.once)
        new.location = op.location
        Rewriter.insert_op([new, *borders], InsertPoint.before(op))
        new.detach_region(0)
        new.add_region(op.detach_region(0))

    def read(self, read: ReadOp, op: Operation) -> None:
        place = self.places.of[read.source]
        buffer = self.buffer_of(place.root, op)
        if place.identity:
            read.operands[0] = buffer
            return
        exprs, extents = read.exprs, shape(read.source)
        plain = ReadOp(buffer, place.map(exprs), None, read.result.type)
        if not read.outside or stays_inside(exprs, extents, range_of):
            Rewriter.replace_op(read, plain)
            return
        guard = InsideOp(exprs, extents)
        Rewriter.replace_op(read, [guard, plain, arith.SelectOp(guard.result, plain.result, read.outside)])

    def borders(self, op: ComputeOp, result: SSAValue) -> list[Operation]:
        """Kernels that write zero around the points of a compute with an inset: slabs, axis by axis."""
        if op.inset is None:
            return []
        place, full, inset = self.places.of[result], shape(result), [i.data for i in op.inset]
        ops: list[Operation] = []
        for axis, (low, size, extent) in enumerate(zip(inset, op.shape, full, strict=True)):
            for begin, length in ((0, low), (low + size, extent - low - size)):
                if length:
                    origin = [*inset[:axis], begin, *[0] * (len(full) - axis - 1)]
                    sizes = [*op.shape[:axis], length, *full[axis + 1 :]]
                    fill = self.fill(place, origin, sizes)
                    fill.location, fill.once = op.location, op.once
                    ops.append(fill)
        return ops

    def fill(self, place: Place, origin: Sequence[int], sizes: Sequence[int]) -> ComputeOp:
        buffer = self.buffer[place.root]

        def zero(body: Body, *at: Index) -> list[SSAValue]:
            value = body.constant(0, scalar_type(buffer))
            body.ops.append(WriteOp(value, buffer, place.map([a + o for a, o in zip(at, origin, strict=True)])))
            return []

        return compute(sizes, [], zero)


def reads(op: Operation) -> list[ReadOp]:
    return [o for o in op.walk() if isinstance(o, ReadOp)]


def blocks_of(block: Block) -> Iterator[Block]:
    """The block, and those of the loops in it."""
    yield block
    yield from (op.body.block for op in block.walk() if isinstance(op, ScanOp))


@dataclass(frozen=True)
class KernelAssignBuffersPass(ModulePass):
    """Give tensors buffers: computes write, reshapes are views, concatenations are places inside their result.

    Scans become loops, whose rows are written where they are stacked. A carried value has one buffer where the step
    may write over it, else two that change places from step to step.

    With `in-place`, a result takes the buffer of an operand that nobody uses any more and that is read only at the
    point that is written.

    Before:

        %1 = kernel.compute (%i = 8) -> tensor<8xf32> { … kernel.read %0[%i] …; kernel.yield %v : f32 }

    After:

        %a = kernel.alloc : memref<8xf32>
        kernel.compute (%i = 8) { … kernel.read %a[%i] …; kernel.write %v, %a[%i] : memref<8xf32> }

    Leaves alone: operands that have another reader later, arguments, constants and results of the function.
    Run after fusion, and after `kernel-pack-weights`.
    """

    name = "kernel-assign-buffers"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "buffers"
    in_place: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                block = function.body.block
                returned = block.last_op
                assert isinstance(returned, func.ReturnOp)
                prepare_scans(block)
                mark_once(block)
                copy_outputs(returned)
                copy_parts(block)
                Buffers(block, self.in_place).run()
                function.function_type = FunctionType.from_lists(
                    [a.type for a in block.args], [v.type for v in returned.operands]
                )
