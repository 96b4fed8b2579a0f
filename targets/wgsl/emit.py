"""`webdnn-wgsl`: the text of WGSL compute shaders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects import arith, math, memref, vector
from xdsl.dialects.builtin import MemRefType, ModuleOp, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.target import Target

from webdnn.dialects.element import element_of, is_memref, is_vector
from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp
from webdnn.dialects.kernel.subgroup import SubgroupReduceOp, SubgroupShuffleOp, uses_subgroups
from webdnn.dialects.kernel.workgroup import BarrierOp, shared_memory
from webdnn.targets.c_like import (
    CALLS,
    COMPARISONS,
    INFIX,
    CLikePrinter,
    Level,
    Text,
    buffer_of,
    call,
    f32_literal,
    function_name,
    infix,
    is_variable,
)
from webdnn.targets.wgsl.specialize import WEIGHTS

SCALARS = {"f32": "f32", "i32": "i32", "ui32": "i32", "index": "i32", "i1": "bool"}
VECTORS = {"f32": "vec4f", "i32": "vec4i", "ui32": "vec4i", "index": "vec4i", "i1": "vec4<bool>"}

UNSIGNED: Mapping[type[Operation], tuple[str, Level]] = {
    arith.DivUIOp: ("/", Level.PRODUCT),
    arith.RemUIOp: ("%", Level.PRODUCT),
    arith.ShRUIOp: (">>", Level.SHIFT),
}

INFIXES: Mapping[type[Operation], tuple[str, Level]] = {**INFIX, arith.RemSIOp: ("%", Level.PRODUCT)}

FUNCTIONS: Mapping[type[Operation], str] = {
    **CALLS,
    arith.MaxnumfOp: "max",
    arith.MinnumfOp: "min",
    math.Atan2Op: "atan2",
    math.CtPopOp: "countOneBits",
    math.FmaOp: "fma",
    math.RoundEvenOp: "round",
    math.RsqrtOp: "inverseSqrt",
    vector.FMAOp: "fma",
}

SUBGROUP: Mapping[ReduceKind, str] = {
    ReduceKind.ADD: "subgroupAdd",
    ReduceKind.MUL: "subgroupMul",
    ReduceKind.MAX: "subgroupMax",
    ReduceKind.MIN: "subgroupMin",
    ReduceKind.AND: "subgroupAnd",
    ReduceKind.OR: "subgroupOr",
}


class WgslPrinter(CLikePrinter):
    """Index arithmetic is i32; unsigned arithmetic converts there and back, which keeps bits."""

    infixes = INFIXES
    calls = FUNCTIONS

    def type(self, type: Attribute) -> str:
        return (VECTORS if is_vector(type) else SCALARS)[str(element_of(type))]

    def number(self, value: float, type: Attribute) -> Text:
        level = Level.UNARY if value < 0 else Level.ATOM
        match str(type):
            case "i1":
                return Text("true" if value else "false")
            case "f32":
                return Text(f32_literal(value), level)
            case _:
                return Text(str(int(value)), level)

    def declaration(self, name: str, type: Attribute, value: str, *, variable: bool) -> str:
        return f"{'var' if variable else 'let'} {name} = {self.typed(value, type) if variable else value};"

    def typed(self, value: str, type: Attribute) -> str:
        """A variable takes its type from its first value, and a literal has none."""
        return f"{self.type(type)}({value})"

    def loop_head(self, counter: str, trips: str) -> str:
        return f"for (var {counter} = 0i; {counter} < {trips}; {counter}++) {{"

    def array(self, name: str, type: MemRefType[Attribute]) -> str:
        return f"var {name}: array<{self.type(type.element_type)}, {type.get_shape()[0]}>;"

    def statement(self, op: Operation) -> None:
        if isinstance(op, BarrierOp):
            self.line("workgroupBarrier();")
        else:
            super().statement(op)

    def store(self, op: WriteOp | memref.StoreOp, value: Text, index: Text) -> str:
        buffer = buffer_of(op)
        target = self.name(buffer)
        return f"{target} = {value.text};" if is_variable(buffer) else f"{target}[{index.text}] = {value.text};"

    def unsigned(self, text: Text, type: Attribute) -> Text:
        return call("vec4u" if is_vector(type) else "u32", text)

    def special(self, op: Operation, args: Sequence[Text]) -> Text | None:
        type = op.results[0].type
        match op:
            case ReadOp():
                return Text(f"{self.name(op.source)}[{self.index(op.exprs[0]).text}]")
            case memref.LoadOp():
                return Text(self.name(op.memref)) if is_variable(op.memref) else Text(f"{args[0].text}[{args[1].text}]")
            case IdOp():
                level, _, dimension = op.level.data.partition(".")
                return Text(f"i32({level}{'.' + dimension if dimension else ''})")
            case SubgroupReduceOp():
                return Text(f"{SUBGROUP[op.kind.data]}({self.typed(args[0].text, type)})")
            case SubgroupShuffleOp():
                return Text(f"subgroupShuffleXor({args[0].text}, {op.mask.data}u)")
            case LanesOp() | vector.BroadcastOp():
                return call(self.type(type), *args)
            case vector.ExtractOp():
                return self.extract(op, args)
            case arith.SelectOp():
                return call("select", args[2], args[1], args[0])
            case _:
                return self.cast(op, args) or self.integer_operation(op, args)

    def extract(self, op: vector.ExtractOp, args: Sequence[Text]) -> Text:
        source = args[0].within(Level.UNARY)
        if op.dynamic_position:
            return Text(f"{source}[{args[1].text}]")
        return Text(f"{source}.{'xyzw'[op.static_position.get_values()[0]]}")

    def cast(self, op: Operation, args: Sequence[Text]) -> Text | None:
        match op:
            case arith.SIToFPOp() | arith.FPToSIOp() | arith.ExtUIOp() | arith.ExtSIOp():
                return call(self.type(op.result.type), args[0])
            case arith.UIToFPOp() if element_of(op.input.type) == i1:
                return call(self.type(op.result.type), args[0])
            case arith.UIToFPOp():
                return call(self.type(op.result.type), self.unsigned(args[0], op.input.type))
            case arith.FPToUIOp():
                return call(self.type(op.result.type), self.unsigned(args[0], op.input.type))
            case arith.BitcastOp():
                return Text(f"bitcast<{self.type(op.result.type)}>({args[0].text})")
            case _:
                return None

    def integer_operation(self, op: Operation, args: Sequence[Text]) -> Text | None:
        """Logic of booleans, and what differs without a sign."""
        if not op.operands:
            return None
        type = op.operands[0].type
        if element_of(type) == i1:
            return self.logic(op, args)
        match op:
            case arith.CmpiOp():
                predicate = arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]
                if predicate[0] != "u":
                    return None
                a, b = self.unsigned(args[0], type), self.unsigned(args[1], type)
                return infix(a, b, COMPARISONS[predicate[1:]], Level.COMPARISON)
            case arith.ShLIOp() | arith.ShRSIOp():
                return infix(args[0], self.unsigned(args[1], type), self.infixes[op.__class__][0], Level.SHIFT)
            case arith.MaxUIOp() | arith.MinUIOp():
                name = "max" if isinstance(op, arith.MaxUIOp) else "min"
                return call(self.type(type), call(name, *(self.unsigned(x, type) for x in args)))
            case _ if op.__class__ in UNSIGNED:
                symbol, level = UNSIGNED[op.__class__]
                return call(self.type(type), infix(*[self.unsigned(x, type) for x in args], symbol=symbol, level=level))
            case _:
                return None

    def logic(self, op: Operation, args: Sequence[Text]) -> Text | None:
        """Without && and ||, which branch: compilers have been seen to take minutes over a few dozen of them."""
        match op:
            case arith.AndIOp():
                return infix(args[0], args[1], "&", Level.BITS)
            case arith.OrIOp():
                return infix(args[0], args[1], "|", Level.BITS)
            case arith.XOrIOp():
                if args[1].text in ("true", "vec4<bool>(true)"):
                    return Text(f"!{args[0].within(Level.UNARY)}", Level.UNARY)
                return infix(args[0], args[1], "!=", Level.COMPARISON)
            case _:
                return None


def emit_kernel(function: FuncOp) -> str:
    """The module of one kernel; its entry point has the kernel's name."""
    names: dict[SSAValue, str] = {buffer: f"b{i}" for i, buffer in enumerate(function.buffers)}
    names |= {counter: f"n{i}" for i, counter in enumerate(function.counters)}
    printer = WgslPrinter(names)
    header = [f"@group(1) @binding({i}) var<uniform> n{i}: i32;" for i in range(len(function.counters))]
    for i, argument in enumerate(function.buffers):
        type = argument.type
        assert is_memref(type)
        access = "read" if type.memory_space == WEIGHTS else "read_write"
        element = printer.type(type.element_type)
        header.append(f"@group(0) @binding({i}) var<storage, {access}> b{i}: array<{element}>;")
    for i, memory in enumerate(shared_memory(function)):
        type, printer.names[memory] = memory.type, f"w{i}"
        assert is_memref(type)
        header.append(printer.array(f"w{i}", type).replace("var", "var<workgroup>", 1))
    builtins = "@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32"
    if uses_subgroups(function):
        header.insert(0, "enable subgroups;")
        builtins += ", @builtin(subgroup_invocation_id) subgroup: u32"
    entry = f"@compute @workgroup_size({group_size(function)}) fn {function_name(function)}({builtins}) {{"
    return "\n".join([*header, entry, *printer.function_body(function.body.block), "}", ""])


def group_size(function: FuncOp) -> int:
    """The invocations of a workgroup."""
    (local,) = [op for op in function.body.block.ops if isinstance(op, IdOp) and op.level.data == "local"]
    return local.count.data


def groups_of(function: FuncOp) -> tuple[int, int, int]:
    """How many workgroups to dispatch."""
    counts = {op.level.data: op.count.data for op in function.body.block.ops if isinstance(op, IdOp)}
    return counts["group.x"], counts.get("group.y", 1), 1


@dataclass(frozen=True)
class WebdnnWgslTarget(Target):
    """Every kernel of a legalized module as a WGSL module of its own."""

    name = "webdnn-wgsl"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        kernels = [op for op in module.body.block.ops if isinstance(op, FuncOp)]
        output.write("\n".join(emit_kernel(kernel) for kernel in kernels))
