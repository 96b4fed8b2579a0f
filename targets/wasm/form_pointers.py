"""`wasm-form-pointers`: every access becomes a pointer and a constant offset.

Accesses whose byte addresses differ by a constant share a pointer. Each loop carries the pointers that it moves, and
the first that grows is its counter. What an address takes from divisions or from values that were read is computed
where it is needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, scf, vector
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, VectorType, i1, i32
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import constant_of, is_value
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.pairs import SpreadBytesOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import FloorDiv, Index
from webdnn.targets.wasm.addresses import Access, Addresses, Constants, Key
from webdnn.targets.wasm.byte_loads import eight_bytes, pairs_of
from webdnn.targets.wasm.dialect import CHUNKS, InstructionOp, LoadOp, StoreOp
from webdnn.targets.wasm.dialect import PrefetchOp as LoadByteOp
from webdnn.targets.wasm.elements import SPREAD_LOAD, load_instruction, store_instruction, vector_load, vector_store
from webdnn.targets.wasm.half import Made, bfloat_to_float, float_to_bfloat, float_to_half, half_to_float
from webdnn.targets.wasm.loops import trip_of


def splat_of(value: SSAValue) -> vector.BroadcastOp | None:
    """The operation that fills a vector with a scalar, where nothing else uses it."""
    use = value.get_user_of_unique_use()
    return use if isinstance(use, vector.BroadcastOp) else None


def pairs_of_bytes(value: SSAValue) -> SpreadBytesOp | None:
    """The operation that spreads the bytes of a vector that was read, where nothing else uses it."""
    use = value.get_user_of_unique_use()
    return use if isinstance(use, SpreadBytesOp) and is_vector(value.type) else None


@dataclass(frozen=True)
class Moved:
    """A pointer that a loop carries: it starts as the pointer of `start` outside, and grows by `stride` bytes."""

    key: Key
    start: Key
    stride: int


@dataclass
class FormPointers:
    """One function being rewritten over byte addresses.

    `addresses` knows the function's parameters, and `chunk` is that of the part that a shared kernel computes.
    Arithmetic stays where it is; accesses, indices and loops are replaced, and what they need goes in before them.
    """

    addresses: Addresses
    constants: Constants
    chunk: SSAValue | None = None
    pairs: Mapping[ReadOp, ReadOp] = field(default_factory=dict[ReadOp, ReadOp])
    scaled: dict[tuple[Hashable, int], SSAValue] = field(default_factory=dict[tuple[Hashable, int], SSAValue])
    loaded: dict[ReadOp, SSAValue] = field(default_factory=dict[ReadOp, SSAValue])

    def run(self, block: Block) -> None:
        """Rewrite the function's body."""
        self.addresses.run(block)
        self.pairs = pairs_of({op: ((a.key, a.rest), a.constant) for op, a in self.addresses.of.items()})
        pointers = self.addresses.begun(block)
        self.block(block, pointers)
        counts = [op for op in block.ops if isinstance(op, arith.ConstantOp | IndexOp) and op.result.type == INDEX]
        for op in counts:
            if not list(op.result.uses):
                Rewriter.erase_op(op)
        Rewriter.insert_op(self.constants.ops, InsertPoint.at_start(block))

    # Small operations.

    def insert(self, op: Operation, before: Operation) -> SSAValue:
        block = before.parent
        assert block is not None
        block.insert_op_before(op, before)
        return op.results[0]

    def add(self, a: SSAValue, b: SSAValue, before: Operation) -> SSAValue:
        return self.insert(arith.AddiOp.create(operands=[a, b], result_types=[i32]), before)

    def index_value(self, index: Index, pointers: Mapping[Key, SSAValue], before: Operation) -> SSAValue:
        """An index expression as an i32."""
        total: SSAValue | None = None
        for atom, coefficient in index.terms.items():
            if (part := self.scaled.get((atom, coefficient))) is None:
                part = self.word(atom, pointers, before)
                if coefficient != 1:
                    part = self.insert(arith.MuliOp(part, self.constants.integer(coefficient), i32), before)
            total = part if total is None else self.add(total, part, before)
        if total is None:
            return self.constants.integer(index.constant)
        return self.add(total, self.constants.integer(index.constant), before) if index.constant else total

    def word(self, atom: Hashable, pointers: Mapping[Key, SSAValue], before: Operation) -> SSAValue:
        """A counter, a quotient or an index that was computed as an i32."""
        if isinstance(atom, FloorDiv):
            return self.floor_divided(self.index_value(atom.numerator, pointers, before), atom.divisor, before)
        assert is_value(atom)
        if (known := self.addresses.fixed.get(atom, self.scaled.get((atom, 1)))) is not None:
            return known
        if isinstance(atom, BlockArgument):
            return pointers[frozenset({(atom, 1)})]
        return self.insert(arith.IndexCastOp(atom, i32), before)

    def floor_divided(self, numerator: SSAValue, divisor: int, before: Operation) -> SSAValue:
        """Rounded towards minus infinity: an arithmetic shift, or a quotient that is mended where it is negative."""
        if divisor & (divisor - 1) == 0:
            shift = self.constants.integer(divisor.bit_length() - 1)
            return self.insert(arith.ShRSIOp(numerator, shift, i32), before)
        by, zero = self.constants.integer(divisor), self.constants.integer(0)
        quotient = self.insert(arith.DivSIOp(numerator, by, i32), before)
        remainder = self.insert(arith.RemSIOp(numerator, by, i32), before)
        below = self.insert(InstructionOp("i32.lt_s", [remainder, zero], i32), before)
        return self.insert(arith.SubiOp(quotient, below, i32), before)

    # Operations of the kernel.

    def block(self, block: Block, pointers: Mapping[Key, SSAValue]) -> None:
        for op in list(block.ops):
            match op:
                case ReadOp():
                    self.read(op, pointers)
                case WriteOp():
                    self.write(op, pointers)
                case PrefetchOp():
                    Rewriter.replace_op(op, LoadByteOp(*self.place(op, pointers)), [])
                case IndexOp() if op.result in self.addresses.fixed:
                    pass
                case IndexOp():
                    self.index(op, pointers)
                case InsideOp():
                    Rewriter.replace_op(op, [], [self.inside(op, pointers)])
                case scf.ForOp():
                    self.loop(op, pointers)
                case scf.IfOp():
                    self.block(op.true_region.block, pointers)
                case IdOp():
                    assert self.chunk is not None, "chunks are the only invocations that kernels have on CPUs"
                    Rewriter.replace_op(op, arith.IndexCastOp(self.chunk, INDEX))
                case _:
                    pass

    def index(self, op: IndexOp, pointers: Mapping[Key, SSAValue]) -> None:
        """An index as a word, and as the bytes that accesses take from it: they may stand in loops further inside."""
        word = self.index_value(op.exprs[0], pointers, op)
        self.scaled[op.result, 1] = word
        for use in op.result.uses:
            address = self.addresses.of.get(use.operation)
            size = address.rest.coefficient(op.result) if address else None
            if size and (op.result, size) not in self.scaled:
                self.scaled[op.result, size] = self.insert(arith.MuliOp(word, self.constants.integer(size), i32), op)
        if places := self.addresses.after.get(op):
            Rewriter.insert_op(places, InsertPoint.after(op))
        Rewriter.replace_op(op, arith.IndexCastOp(word, INDEX))

    def place(self, op: Access, pointers: Mapping[Key, SSAValue]) -> tuple[SSAValue, int]:
        address = self.addresses.of[op]
        pointer = pointers[address.key]
        if address.rest.terms:
            pointer = self.add(pointer, self.index_value(address.rest, pointers, op), op)
        return pointer, address.constant

    def read(self, op: ReadOp, pointers: Mapping[Key, SSAValue]) -> None:
        if op in self.pairs or op in self.loaded:
            self.read_bytes(op, pointers)
            return
        pointer, offset = self.place(op, pointers)
        result = op.results[0]
        element, splat, pairs = element_type(op.operands[0].type), splat_of(result), pairs_of_bytes(result)
        half = element.is_float and element.bits == 16
        widening: Sequence[str] = ()
        if pairs is not None:
            instruction, type = SPREAD_LOAD, pairs.result.type
        elif is_vector(result.type):
            instruction, *widening = vector_load(element)
            type = VectorType(i32, result.type.get_shape()) if half else result.type
        elif splat is not None and element.bits == 32:
            instruction, type = "v128.load32_splat", splat.results[0].type
        else:
            splat, instruction, type = None, load_instruction(element), i32 if half else result.type
        value = self.insert(LoadOp(instruction, pointer, offset, type), op)
        for step in widening:
            value = self.insert(InstructionOp(step, [value], type), op)
        if half:
            value = self.inserted((bfloat_to_float if element.name == "bf16" else half_to_float)(value), op)
        if user := pairs or splat:
            Rewriter.replace_op(user, [], [value])
            Rewriter.erase_op(op)
        else:
            Rewriter.replace_op(op, [], [value])

    def read_bytes(self, op: ReadOp, pointers: Mapping[Key, SSAValue]) -> None:
        """One of eight bytes that are loaded at once, when the first half of them is read."""
        if op not in self.loaded:
            pointer, offset = self.place(op, pointers)
            instruction, *halves = eight_bytes(element_type(op.source.type))
            eight = self.insert(LoadOp(instruction, pointer, offset, op.result.type), op)
            for half, read in zip(halves, (op, self.pairs[op]), strict=True):
                self.loaded[read] = self.insert(InstructionOp(half, [eight], op.result.type), op)
        Rewriter.replace_op(op, [], [self.loaded[op]])

    def inserted(self, made: Made, before: Operation) -> SSAValue:
        ops, value = made
        for op in ops:
            self.insert(op, before)
        return value

    def write(self, op: WriteOp, pointers: Mapping[Key, SSAValue]) -> None:
        pointer, offset = self.place(op, pointers)
        value, target = op.operands[0], op.operands[1]
        vectors, element = is_vector(value.type), element_type(target.type)
        if element.is_float and element.bits == 16:
            value = self.inserted((float_to_bfloat if element.name == "bf16" else float_to_half)(value), op)
        if vectors:
            *narrowing, instruction = vector_store(element)
            for step in narrowing:
                value = self.insert(InstructionOp(step, [value, value], value.type), op)
        else:
            instruction = store_instruction(element)
        Rewriter.replace_op(op, StoreOp(instruction, value, pointer, offset), [])

    def inside(self, op: InsideOp, pointers: Mapping[Key, SSAValue]) -> SSAValue:
        """0 <= i < n is one unsigned comparison."""
        result: SSAValue | None = None
        for expr, extent in zip(op.exprs, op.extents, strict=True):
            value = self.index_value(expr, pointers, op)
            test = self.insert(InstructionOp("i32.lt_u", [value, self.constants.integer(extent.data)], i1), op)
            result = test if result is None else self.insert(arith.AndIOp(result, test), op)
        return result if result is not None else self.insert(arith.ConstantOp(IntegerAttr(1, i1)), op)

    # Loops.

    def moved_by(self, op: scf.ForOp) -> list[Moved]:
        """The pointers that the loop carries; one that grows comes first, and is its counter."""
        counter = op.body.block.args[0]
        found: list[Moved] = []
        for key in self.addresses.needed.get(op, {}):
            stride = next((s for value, s in key if value is counter), 0)
            if stride:
                found.append(Moved(key, frozenset(item for item in key if item[0] is not counter), stride))
        return sorted(found, key=lambda m: m.stride <= 0)

    def moved_to(self, pointer: SSAValue, trips: int | SSAValue, stride: int, before: Operation) -> SSAValue:
        """Where a pointer is after so many trips."""
        if not isinstance(trips, int):
            by = trips if stride == 1 else self.insert(arith.MuliOp(trips, self.constants.integer(stride), i32), before)
            return by if constant_of(pointer) == 0 else self.add(pointer, by, before)
        if trips == 0:
            return pointer
        if (known := constant_of(pointer)) is not None:
            return self.constants.integer(known + trips * stride)
        return self.add(pointer, self.constants.integer(trips * stride), before)

    def loop(self, op: scf.ForOp, outer: Mapping[Key, SSAValue]) -> None:
        """Do-while: every loop runs at least once. Counters and pointers become i32 arguments of the body."""
        assert constant_of(op.step) == 1, "kernel loops count trips"
        low, high = trip_of(op.lb), trip_of(op.ub)
        assert high != low, "kernel loops run at least once"
        moved = self.moved_by(op)
        starts = [self.moved_to(outer[m.start], low, m.stride, op) for m in moved]
        counts = not moved or moved[0].stride <= 0
        if counts:
            stride, (start, end) = 1, (self.moved_to(self.constants.integer(0), trip, 1, op) for trip in (low, high))
        else:
            stride, start = moved[0].stride, starts.pop(0)
            end = self.moved_to(outer[moved[0].start], high, stride, op)

        body, carried = op.body.block, moved if counts else moved[1:]
        pointers, inside = [body.insert_arg(i32, i) for i in range(1 + len(carried))], dict(outer)
        if not counts:
            inside[moved[0].key] = pointers[0]
        inside |= {m.key: argument for m, argument in zip(carried, pointers[1:], strict=True)}
        self.block(body, inside)
        last = body.last_op
        assert isinstance(last, scf.YieldOp)
        steps = zip(pointers[1:], carried, strict=True)
        nexts = [self.add(pointer, self.constants.integer(m.stride), last) for pointer, m in steps]
        last.operands = [*nexts, *last.operands]
        body.erase_arg(body.args[len(pointers)])  # the counter of trips

        starts += op.iter_args
        loop = scf.ForOp(start, end, self.constants.integer(stride), starts, op.detach_region(0))
        loop.location = op.location
        Rewriter.replace_op(op, loop, loop.results[len(carried) :])


def form_pointers(function: FuncOp) -> func.FuncOp:
    """The kernel as a function of its buffers' addresses, of counters, and of its chunk. It takes over its body."""
    block, words = function.body.block, dict[SSAValue, SSAValue]()
    arguments, buffers = list(block.args), set(function.buffers)
    for argument in arguments:
        words[argument] = block.insert_arg(i32, len(block.args))
        words[argument].name_hint = argument.name_hint
    fixed = {counter: words[counter] for counter in function.counters}
    for op in block.ops:
        if isinstance(op, IndexOp) and op.count is not None and (argument := op.indices[0]) in fixed:
            fixed[op.result] = words[argument]
    shared = next((op for op in block.ops if isinstance(op, IdOp)), None)
    chunk = block.insert_arg(i32, len(block.args)) if shared else None
    constants = Constants()
    addresses = Addresses({a: word for a, word in words.items() if a in buffers}, fixed, constants)
    FormPointers(addresses, constants, chunk).run(block)
    for argument in arguments:
        block.erase_arg(argument)
    end = block.last_op
    assert isinstance(end, YieldOp)
    Rewriter.replace_op(end, func.ReturnOp())
    made = func.FuncOp(function.sym_name.data, ([a.type for a in block.args], []), function.detach_region(0))
    if shared:
        made.attributes[CHUNKS] = shared.count
    made.location = function.location
    return made


@dataclass(frozen=True)
class WasmFormPointersPass(ModulePass):
    """Turn the buffers of kernels into byte addresses, and their indices into pointers that loops carry.

    Before:

        kernel.func @k(%a: memref<8xf32>) { scf.for %i = 0 to 2 { … kernel.read %a[%i * 4] : …, vector<4xf32> } }

    After:

        func.func @k(%a: i32) { scf.for %p = %a to %a + 32 step 16 { … wasm_simd.load "v128.load" %p offset 0 … } }

    Leaves alone: scalar and vector arithmetic. Run after `kernel-lower-blocks`.
    """

    name = "wasm-form-pointers"
    stage_after: ClassVar = "wasm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.body.block.ops):
            if isinstance(function, FuncOp):
                Rewriter.replace_op(function, form_pointers(function), [])
