"""`wasm-form-pointers`: every access becomes a pointer and a constant offset.

Accesses whose byte addresses differ by a constant share a pointer. Each loop carries the pointers that it moves, and
the first that grows is its counter. What an address takes from divisions or from values that were read is computed
where it is needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func, scf, vector
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, VectorType, i1, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import IndexOp, InsideOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of, is_value
from webdnn.dialects.kernel.structure import FuncOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.element_type import ElementType
from webdnn.support.index import FloorDiv, Index
from webdnn.targets.wasm.dialect import InstructionOp, LoadOp, StoreOp
from webdnn.targets.wasm.half import bfloat_to_float, float_to_bfloat, float_to_half, half_to_float

Terms = Mapping[SSAValue, int]
Key = frozenset[tuple[SSAValue, int]]
"""Byte strides of loop counters, with the buffer's base as one more symbol of stride 1"""

LOADS = {
    "i8": "i32.load8_s",
    "u8": "i32.load8_u",
    "bool": "i32.load8_u",
    "i16": "i32.load16_s",
    "u16": "i32.load16_u",
    "f16": "i32.load16_u",
    "bf16": "i32.load16_u",
    "i32": "i32.load",
    "u32": "i32.load",
    "i64": "i64.load",
    "u64": "i64.load",
    "f32": "f32.load",
    "f64": "f64.load",
}
STORE_BITS = {8: "i32.store8", 16: "i32.store16", 1: "i32.store8"}


def load_instruction(element: ElementType) -> str:
    return LOADS[element.name]


def store_instruction(element: ElementType) -> str:
    if element.is_float and element.bits >= 32:
        return f"{element.name}.store"
    return STORE_BITS.get(element.bits) or f"i{element.bits}.store"


def has_one_use(value: SSAValue) -> bool:
    uses = iter(value.uses)
    return next(uses, None) is not None and next(uses, None) is None


def is_splat(op: ReadOp) -> bool:
    """A scalar that is read only to fill a vector."""
    if not has_one_use(op.result) or element_type(buffer_type(op.source)).bits != 32:
        return False
    return isinstance(next(iter(op.result.uses)).operation, vector.BroadcastOp)


@dataclass(frozen=True)
class Address:
    """`key`'s pointer plus `rest` (bytes, where it is not affine in counters) plus `constant`."""

    key: Key
    rest: Index
    constant: int


@dataclass
class FormPointers:
    """One function being rewritten over byte addresses; `bases` are the parameters that hold the buffers' places."""

    bases: Mapping[SSAValue, SSAValue]
    addresses: dict[Operation, Address] = field(default_factory=dict[Operation, Address])
    needed: dict[scf.ForOp, dict[Key, None]] = field(default_factory=dict[scf.ForOp, dict[Key, None]])
    bias: dict[Key, int] = field(default_factory=dict[Key, int])
    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    ops: list[Operation] = field(default_factory=list[Operation])

    def run(self, function: FuncOp) -> list[Operation]:
        for op in function.walk():
            if isinstance(op, ReadOp | WriteOp):
                self.note(op, self.decode(op))
            elif isinstance(op, IndexOp | InsideOp):
                for counter in counters(op.exprs):
                    self.need(op, frozenset({(counter, 1)}))
        pointers: dict[Key, SSAValue] = {}
        zero = self.integer(0)
        pointers[frozenset()] = zero
        for base in self.bases.values():
            key: Key = frozenset({(base, 1)})
            shift = min((bias for k, bias in self.bias.items() if (base, 1) in k), default=0)
            pointers[key] = base if not shift else self.add(base, self.integer(shift))
        self.block(function.body.block.ops, pointers)
        return self.ops

    # Addresses.

    def decode(self, op: ReadOp | WriteOp) -> Address:
        buffer = op.source if isinstance(op, ReadOp) else op.target
        (expr,) = op.exprs
        index = expr * element_type(buffer_type(buffer)).bytes
        affine: dict[SSAValue, int] = {self.bases[buffer]: 1}
        rest: dict[Hashable, int] = {}
        for atom, stride in index.terms.items():
            if is_value(atom) and isinstance(atom.owner, Block):
                affine[atom] = stride
            else:
                rest[atom] = stride
        return Address(frozenset(affine.items()), Index(0, rest), index.constant)

    def note(self, op: Operation, address: Address) -> None:
        self.addresses[op] = address
        self.need(op, address.key)
        for counter in counters([address.rest]):
            self.need(op, frozenset({(counter, 1)}))
        base = frozenset(item for item in address.key if item[0] in set(self.bases.values()))
        self.bias[base] = min(self.bias.get(base, 0), address.constant)

    def need(self, op: Operation, key: Key) -> None:
        """Every loop around an access carries the part of its pointer that it moves."""
        terms, parent = dict(key), op.parent_op()
        while isinstance(parent, scf.ForOp):
            self.needed.setdefault(parent, {})[frozenset(terms.items())] = None
            terms.pop(parent.body.block.args[0], None)
            parent = parent.parent_op()

    def shift_of(self, address: Address) -> int:
        base = frozenset(item for item in address.key if item[0] in set(self.bases.values()))
        return self.bias[base]

    # Small operations.

    def emit(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def integer(self, value: int) -> SSAValue:
        return self.emit(arith.ConstantOp(IntegerAttr(value, i32)))

    def add(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.AddiOp(a, b))

    def get(self, value: SSAValue) -> SSAValue:
        return self.values.get(value, value)

    def index_value(self, index: Index, pointers: Mapping[Key, SSAValue]) -> SSAValue:
        """An index expression as an i32."""
        total: SSAValue | None = None
        for atom, coefficient in index.terms.items():
            if isinstance(atom, FloorDiv):
                part = self.floor_divided(self.index_value(atom.numerator, pointers), atom.divisor)
            else:
                assert is_value(atom)
                part = pointers[frozenset({(atom, 1)})] if isinstance(atom.owner, Block) else self.get(atom)
            if coefficient != 1:
                part = self.emit(arith.MuliOp(part, self.integer(coefficient)))
            total = part if total is None else self.add(total, part)
        if total is None:
            return self.integer(index.constant)
        return self.add(total, self.integer(index.constant)) if index.constant else total

    def floor_divided(self, numerator: SSAValue, divisor: int) -> SSAValue:
        """Rounded towards minus infinity: an arithmetic shift, or a quotient that is mended where it is negative."""
        if divisor & (divisor - 1) == 0:
            return self.emit(arith.ShRSIOp(numerator, self.integer(divisor.bit_length() - 1)))
        by, zero = self.integer(divisor), self.integer(0)
        quotient = self.emit(arith.DivSIOp(numerator, by))
        remainder = self.emit(arith.RemSIOp(numerator, by))
        below = self.emit(InstructionOp("i32.lt_s", [remainder, zero], i32))
        return self.emit(arith.SubiOp(quotient, below))

    # Operations of the kernel.

    def block(self, ops: Iterable[Operation], pointers: Mapping[Key, SSAValue]) -> None:
        for op in ops:
            match op:
                case ReadOp():
                    self.read(op, pointers)
                case WriteOp():
                    self.write(op, pointers)
                case vector.BroadcastOp() if isinstance(op.source.owner, ReadOp) and is_splat(op.source.owner):
                    self.values[op.vector] = self.get(op.source)
                case IndexOp():
                    self.values[op.result] = self.index_value(op.exprs[0], pointers)
                case InsideOp():
                    self.values[op.result] = self.inside(op, pointers)
                case scf.ForOp():
                    self.loop(op, pointers)
                case arith.ConstantOp() if op.result.type == INDEX:
                    pass
                case YieldOp():
                    pass
                case _:
                    self.other(op)

    def other(self, op: Operation) -> None:
        operands = [self.get(o) for o in op.operands]
        types = [r.type for r in op.results]
        new = type(op).create(operands=operands, result_types=types, properties=op.properties)
        self.ops.append(new)
        self.values |= zip(op.results, new.results, strict=True)

    def place(self, op: ReadOp | WriteOp, pointers: Mapping[Key, SSAValue]) -> tuple[SSAValue, int]:
        address = self.addresses[op]
        pointer = pointers[address.key]
        if address.rest.terms:
            pointer = self.add(pointer, self.index_value(address.rest, pointers))
        return pointer, address.constant - self.shift_of(address)

    def read(self, op: ReadOp, pointers: Mapping[Key, SSAValue]) -> None:
        pointer, offset = self.place(op, pointers)
        element = element_type(buffer_type(op.source))
        if is_vector(op.result.type):
            instruction, type = "v128.load", op.result.type
        elif is_splat(op):
            instruction, type = "v128.load32_splat", VectorType(op.result.type, [4])
        else:
            instruction, type = load_instruction(element), i32 if element.bits == 16 else op.result.type
        value = self.emit(LoadOp(instruction, pointer, offset, type))
        self.values[op.result] = self.widened(value, element) if element.is_float and element.bits == 16 else value

    def widened(self, bits: SSAValue, element: ElementType) -> SSAValue:
        ops, value = (bfloat_to_float if element.name == "bf16" else half_to_float)(bits)
        self.ops += ops
        return value

    def write(self, op: WriteOp, pointers: Mapping[Key, SSAValue]) -> None:
        pointer, offset = self.place(op, pointers)
        element = element_type(buffer_type(op.target))
        value = self.get(op.value)
        if element.is_float and element.bits == 16:
            ops, value = (float_to_bfloat if element.name == "bf16" else float_to_half)(value)
            self.ops += ops
        instruction = "v128.store" if is_vector(op.value.type) else store_instruction(element)
        self.ops.append(StoreOp(instruction, value, pointer, offset))

    def inside(self, op: InsideOp, pointers: Mapping[Key, SSAValue]) -> SSAValue:
        """0 <= i < n is one unsigned comparison."""
        result: SSAValue | None = None
        for expr, extent in zip(op.exprs, op.extents, strict=True):
            value = self.index_value(expr, pointers)
            test = self.emit(InstructionOp("i32.lt_u", [value, self.integer(extent.data)], i1))
            result = test if result is None else self.emit(arith.AndIOp(result, test))
        return result if result is not None else self.emit(arith.ConstantOp(IntegerAttr(1, i1)))

    def loop(self, op: scf.ForOp, outer: Mapping[Key, SSAValue]) -> None:
        """Do-while: every loop runs at least once."""
        counter, trips = op.body.block.args[0], constant_of(op.ub)
        assert trips and constant_of(op.lb) == 0 and constant_of(op.step) == 1, "kernel loops count trips"
        moved: list[tuple[Key, SSAValue, int]] = []
        for key in self.needed.get(op, {}):
            terms = dict(key)
            if stride := terms.pop(counter, 0):
                moved.append((key, outer[frozenset(terms.items())], stride))
        moved.sort(key=lambda m: m[2] <= 0)  # the counter is a pointer that grows
        if moved and moved[0][2] > 0:
            (key, start, stride), *moved = moved
        else:
            key, start, stride = None, self.integer(0), 1
        step = self.integer(stride)
        known = constant_of(start)
        end = (
            self.integer(known + trips * stride) if known is not None else self.add(start, self.integer(trips * stride))
        )
        strides = [self.integer(s) for _, _, s in moved]
        carried = [self.get(a) for a in op.iter_args]
        block = Block(arg_types=[i32, *(i32 for _ in moved), *(a.type for a in carried)])
        inside = dict(outer)
        if key is not None:
            inside[key] = block.args[0]
        inside |= {k: arg for (k, _, _), arg in zip(moved, block.args[1:], strict=False)}
        accs = block.args[1 + len(moved) :]
        self.values |= zip(op.body.block.args[1:], accs, strict=True)
        saved, self.ops = self.ops, []
        *body, end_op = op.body.block.ops
        self.block(body, inside)
        nexts = [self.add(a, s) for a, s in zip(block.args[1 : 1 + len(moved)], strides, strict=True)]
        self.ops.append(scf.YieldOp(*nexts, *(self.get(v) for v in end_op.operands)))
        block.add_ops(self.ops)
        self.ops = saved
        loop = scf.ForOp(start, end, step, [*(s for _, s, _ in moved), *carried], Region(block))
        self.ops.append(loop)
        self.values |= zip(op.results, loop.results[len(moved) :], strict=True)


def counters(exprs: Iterable[Index]) -> set[SSAValue]:
    """The loop counters that index expressions use."""
    found: set[SSAValue] = set()
    for expr in exprs:
        for symbol in expr.symbols:
            if is_value(symbol) and isinstance(symbol.owner, Block):
                found.add(symbol)
    return found


def form_pointers(function: FuncOp) -> func.FuncOp:
    """The kernel as a function of its buffers' addresses."""
    arguments = function.body.block.args
    block = Block(arg_types=[i32] * len(arguments))
    for new, old in zip(block.args, arguments, strict=True):
        new.name_hint = old.name_hint
    bases: dict[SSAValue, SSAValue] = dict(zip(arguments, block.args, strict=True))
    ops = FormPointers(bases).run(function)
    block.add_ops([*ops, func.ReturnOp()])
    made = func.FuncOp(function.sym_name.data, ([i32] * len(arguments), []), Region(block))
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

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.body.block.ops):
            if isinstance(function, FuncOp):
                Rewriter.replace_op(function, form_pointers(function), [])
