"""Spell functions of instructions as WebAssembly text. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from struct import pack
from typing import IO

from xdsl.context import Context
from xdsl.dialects import arith, func, scf, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, ModuleOp, f32, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.target import Target

from webdnn.dialects.element import element_of
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.support.diagnostic import fail
from webdnn.targets.wasm.dialect import InstructionOp, LoadOp, PrefetchOp, StoreOp, chunks_of
from webdnn.targets.wasm.locals import Allocation, Locals
from webdnn.targets.wasm.spelling import instruction, shape_name, value_type


def number(value: float, type: Attribute) -> str:
    """A literal of a scalar type; floats by their exact value."""
    if not isinstance(value, float):
        return str(value)
    if value != value:
        bits = int.from_bytes(pack("<f" if type == f32 else "<d", value), "little")
        payload = bits & ((1 << (23 if type == f32 else 52)) - 1)
        return f"nan:0x{payload:x}"
    return f"{'-' if value < 0 else ''}inf" if value in (inf, -inf) else float.hex(value)


class FunctionPrinter:
    """One function: a line for each operation that sets a local or has an effect."""

    def __init__(self, function: func.FuncOp) -> None:
        self.function = function
        self.lines: list[str] = []
        self.depth = 2
        self.loops = 0
        self.locals = Locals()
        Allocation(self.locals).run(function.body.block)

    def print(self) -> str:
        parameters = self.function.body.block.args
        for op in self.function.body.block.ops:
            self.op(op)
        head = "".join(f" (param {value_type(p.type)})" for p in parameters)
        declared = self.locals.types[len(parameters) :]
        body = [f"    (local {' '.join(declared)})"] if declared else []
        return "\n".join([f"  (func ${self.function.sym_name.data}{head}", *body, *self.lines, "  )"])

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def get(self, value: SSAValue) -> str:
        if (local := self.locals.names.get(value)) is not None:
            return f"(local.get {local})"
        owner = value.owner
        assert isinstance(owner, arith.ConstantOp), "values have locals, constants are spelled where they are used"
        return self.constant(owner.value, value.type)

    def constant(self, data: Attribute, type: Attribute) -> str:
        match data:
            case DenseIntOrFPElementsAttr():
                values = [number(v, element_of(type)) for v in data.get_values() if not isinstance(v, tuple)]
                if element_of(type) == i1:
                    values = ["-1" if v not in ("0", "False") else "0" for v in values]
                lanes = values if len(values) == 4 else values * 4
                return f"(v128.const {shape_name(type)} {' '.join(lanes)})"
            case IntegerAttr() if type == i1:
                return f"(i32.const {int(bool(data.value.data))})"
            case IntegerAttr() | FloatAttr():
                return f"({shape_name(type)}.const {number(data.value.data, type)})"
            case _:
                raise AssertionError(f"no constant {data}")

    def set(self, value: SSAValue, text: str) -> None:
        if value.first_use is not None and text != f"(local.get {self.locals.names[value]})":
            self.line(f"(local.set {self.locals.names[value]} {text})")

    def call(self, name: str, *arguments: str) -> str:
        return f"({name} {' '.join(arguments)})"

    def op(self, op: Operation) -> None:
        match op:  # the most frequent first
            case InstructionOp():
                self.set(op.results[0], self.call(op.instruction.data, *map(self.get, op.operands)))
            case LoadOp():
                text = self.memory(op.instruction.data, op.offset.data, self.get(op.operands[0]))
                self.set(op.results[0], text)
            case arith.ConstantOp() | func.ReturnOp() | scf.YieldOp():
                pass
            case StoreOp():
                value, address = map(self.get, op.operands)
                self.line(self.memory(op.instruction.data, op.offset.data, address, value))
            case PrefetchOp():
                self.line(self.call("drop", self.memory("i32.load8_u", op.offset.data, self.get(op.address))))
            case LanesOp():
                self.set(op.result, self.lanes(op))
            case vector.ExtractOp():
                self.set(op.result, self.extract(op))
            case scf.ForOp():
                self.loop(op)
            case scf.IfOp():
                self.branch(op)
            case func.CallOp():
                self.line(self.call("call", f"${op.callee.root_reference.data}", *map(self.get, op.arguments)))
            case _:
                self.plain(op)

    def plain(self, op: Operation) -> None:
        """An operation of the table; one without an instruction only renames its operand."""
        name = instruction(op)
        if name is None or len(op.results) != 1:
            hint = "run 'wasm-expand-math' and 'wasm-select-instructions' first"
            fail(op, "has no wasm instruction", hint=hint)
        arguments = [self.get(o) for o in op.operands]
        self.set(op.results[0], self.call(name, *arguments) if name else arguments[0])

    def memory(self, name: str, offset: int, *arguments: str) -> str:
        instruction, *lane = name.split()
        return self.call(instruction, *([f"offset={offset}"] if offset else []), *lane, *arguments)

    def lanes(self, op: LanesOp) -> str:
        shape = shape_name(op.result.type)
        first, *rest = map(self.get, op.scalars)
        text = self.call(f"{shape}.splat", first)
        for lane, scalar in enumerate(rest, 1):
            text = self.call(f"{shape}.replace_lane", str(lane), text, scalar)
        return self.call("i32x4.neg", text) if element_of(op.result.type) == i1 else text

    def extract(self, op: vector.ExtractOp) -> str:
        source = op.operands[0]
        lane = op.static_position.get_values()[0]
        text = self.call(f"{shape_name(source.type)}.extract_lane", str(lane), self.get(source))
        return self.call("i32.and", text, "(i32.const 1)") if element_of(source.type) == i1 else text

    def branch(self, op: scf.IfOp) -> None:
        assert not op.false_region.blocks, "branches of kernels on CPUs leave something out"
        self.line(f"(if {self.get(op.cond)} (then")
        self.depth += 1
        for inner in op.true_region.block.ops:
            self.op(inner)
        self.depth -= 1
        self.line("))")

    def loop(self, op: scf.ForOp) -> None:
        """Do-while: the counter is compared after the body, since every loop runs at least once."""
        counter, *carried = op.body.block.args
        *body, end = op.body.block.ops
        self.move([(counter, op.lb), *zip(carried, op.iter_args, strict=True)])
        label, self.loops = f"$l{self.loops}", self.loops + 1
        self.line(f"(loop {label}")
        self.depth += 1
        for inner in body:
            self.op(inner)
        self.move(list(zip(carried, end.operands, strict=True)))
        step = self.call("i32.add", self.get(counter), self.get(op.step))
        test = self.call("i32.lt_u", self.call("local.tee", str(self.locals.names[counter]), step), self.get(op.ub))
        self.line(f"(br_if {label} {test})")
        self.depth -= 1
        self.line(")")

    def move(self, pairs: list[tuple[SSAValue, SSAValue]]) -> None:
        """All at once: every source is read before any target is set."""
        names = self.locals.names
        moves = [(names[t], s) for t, s in pairs if names.get(s) != names[t]]
        if len(moves) == 1:
            self.line(f"(local.set {moves[0][0]} {self.get(moves[0][1])})")
            return
        for _, source in moves:
            self.line(self.get(source))
        for target, _ in reversed(moves):
            self.line(f"local.set {target}")


@dataclass(frozen=True)
class Function:
    """A function as text; one that computes a chunk of a kernel, which its last argument numbers, tells how many."""

    name: str
    text: str
    chunks: int = 1

    @classmethod
    def of(cls, function: func.FuncOp) -> Function:
        """Of a function of instructions. Raises DiagnosticError."""
        return cls(function.sym_name.data, FunctionPrinter(function).print(), chunks_of(function))


def module_text(
    functions: Sequence[Function],
    memory_pages: int,
    exported: Sequence[str] = (),
    *,
    shared: bool = False,
    runtime: str = "",
) -> str:
    """A module of these functions over an imported memory of so many 64 KiB pages, and of functions in text."""
    memory = f"(memory {memory_pages} {memory_pages} shared)" if shared else f"(memory {memory_pages})"
    lines = [f'(module (import "webdnn" "memory" {memory})']
    lines += [f.text for f in functions]
    lines += [runtime] if runtime else []
    lines += [f'  (export "{name}" (func ${name}))' for name in exported]
    return "\n".join([*lines, ")", ""])


@dataclass(frozen=True)
class WasmTarget(Target):
    """Functions of instructions as one WebAssembly text module; each function is exported."""

    name = "webdnn-wasm"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Print the module."""
        functions = [Function.of(op) for op in module.body.block.ops if isinstance(op, func.FuncOp)]
        output.write(module_text(functions, 1, [f.name for f in functions]))
