"""`webdnn-js`: kernels as JavaScript functions of typed arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan
from typing import IO

from xdsl.context import Context
from xdsl.dialects import arith, math, memref
from xdsl.dialects.builtin import ModuleOp, f32, f64, i1, i64
from xdsl.ir import Attribute, Operation
from xdsl.utils.target import Target

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.targets.c_like import (
    CALLS,
    COMPARISONS,
    INFIX,
    CLikePrinter,
    Level,
    Text,
    call,
    function_name,
    infix,
    is_variable,
)
from webdnn.targets.js.helpers import helpers_for
from webdnn.targets.js.integers import integer_operation, unsigned, whole

STRICT = {**COMPARISONS, "eq": "===", "ne": "!=="}

FROM_ELEMENT = {"f16": "halfToNumber", "bf16": "brainToNumber"}
TO_ELEMENT = {"f16": "numberToHalf", "bf16": "numberToBrain"}

INFIXES: Mapping[type[Operation], tuple[str, Level]] = {
    kind: s for kind, s in INFIX.items() if kind not in (arith.ShLIOp, arith.ShRSIOp, arith.DivSIOp)
}

FUNCTIONS: Mapping[type[Operation], str] = {
    **{kind: f"Math.{name}" for kind, name in CALLS.items() if kind is not math.Exp2Op},
    arith.MaxnumfOp: "maxnum",
    arith.MinnumfOp: "minnum",
    math.AcoshOp: "Math.acosh",
    math.AsinhOp: "Math.asinh",
    math.Atan2Op: "Math.atan2",
    math.AtanhOp: "Math.atanh",
    math.CbrtOp: "Math.cbrt",
    math.CoshOp: "Math.cosh",
    math.CtPopOp: "bitCount",
    math.ExpM1Op: "Math.expm1",
    math.Log10Op: "Math.log10",
    math.Log1pOp: "Math.log1p",
    math.PowFOp: "power",
    math.RoundEvenOp: "roundEven",
    math.RoundOp: "roundAway",
    math.SinhOp: "Math.sinh",
    math.TanhOp: "Math.tanh",
}


class JsPrinter(CLikePrinter):
    """Numbers are doubles; i32 is kept by `| 0`, i64 is BigInt."""

    infixes = INFIXES
    calls = FUNCTIONS

    def type(self, type: Attribute) -> str:
        raise AssertionError("JavaScript has no types")

    def number(self, value: float, type: Attribute) -> Text:
        level = Level.UNARY if value < 0 else Level.ATOM
        if type == i1:
            return Text("true" if value else "false")
        if type in (f32, f64):
            return Text("NaN" if isnan(value) else "Infinity" if isinf(value) and value > 0 else spelled(value), level)
        return Text(f"{int(value)}{'n' if type == i64 else ''}", level)

    def declaration(self, name: str, type: Attribute, value: str, *, variable: bool) -> str:
        return f"{'let' if variable else 'const'} {name} = {value};"

    def loop_head(self, counter: str, trips: str) -> str:
        return f"for (let {counter} = 0; {counter} < {trips}; {counter}++) {{"

    def divide(self, a: Text, divisor: int) -> Text:
        if divisor & (divisor - 1) == 0:
            return Text(f"{a.within(Level.SHIFT)} >> {divisor.bit_length() - 1}", Level.SHIFT)
        return whole(infix(a, Text(str(divisor)), "/", Level.PRODUCT))

    def store(self, op: WriteOp | memref.StoreOp, value: Text, index: Text) -> str:
        if isinstance(op, memref.StoreOp):
            assert is_variable(op.memref)
            return f"{self.name(op.memref)} = {value.text};"
        name = element_type(buffer_type(op.target)).name
        if name == "bool":
            value = Text(f"{value.within(Level.CHOICE)} ? 1 : 0", Level.CHOICE)
        elif name in TO_ELEMENT:
            value = call(TO_ELEMENT[name], value)
        return f"{self.name(op.target)}[{index.text}] = {value.text};"

    def special(self, op: Operation, args: Sequence[Text]) -> Text | None:
        match op:
            case ReadOp():
                return self.read(op)
            case memref.LoadOp():
                return Text(self.name(op.memref))
            case arith.SelectOp():
                a, b, c = (x.within(Level.CHOICE) for x in args)
                return Text(f"{a} ? {b} : {c}", Level.CHOICE)
            case math.FmaOp():
                return infix(infix(args[0], args[1], "*", Level.PRODUCT), args[2], "+", Level.SUM)
            case arith.CmpfOp():
                predicate = arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]
                return infix(args[0], args[1], STRICT[predicate[1:]], Level.COMPARISON)
            case arith.CmpiOp():
                return self.compare(op, args)
            case _ if op.operands and op.operands[0].type == i1:
                return self.logic(op, args)
            case _:
                return self.cast(op, args) or integer_operation(op, args)

    def read(self, op: ReadOp) -> Text:
        element = Text(f"{self.name(op.source)}[{self.index(op.exprs[0]).text}]")
        match element_type(buffer_type(op.source)).name:
            case "bool":
                return infix(element, Text("0"), "!==", Level.COMPARISON)
            case "u32":
                return whole(element)
            case "u64":
                return call("BigInt.asIntN", Text("64"), element)
            case name if name in FROM_ELEMENT:
                return call(FROM_ELEMENT[name], element)
            case _:
                return element

    def compare(self, op: arith.CmpiOp, args: Sequence[Text]) -> Text:
        predicate = arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]
        a, b = args
        if predicate[0] == "u":
            a, b = unsigned(a, op.lhs.type), unsigned(b, op.rhs.type)
        return infix(a, b, STRICT[predicate[-2:]], Level.COMPARISON)

    def logic(self, op: Operation, args: Sequence[Text]) -> Text | None:
        match op:
            case arith.AndIOp():
                return infix(args[0], args[1], "&&", Level.AND)
            case arith.OrIOp():
                return infix(args[0], args[1], "||", Level.OR)
            case arith.XOrIOp() if args[1].text == "true":
                return Text(f"!{args[0].within(Level.UNARY)}", Level.UNARY)
            case arith.XOrIOp():
                return infix(args[0], args[1], "!==", Level.COMPARISON)
            case arith.ExtUIOp() | arith.UIToFPOp():
                one, zero = ("1n", "0n") if op.result.type == i64 else ("1", "0")
                return Text(f"{args[0].within(Level.CHOICE)} ? {one} : {zero}", Level.CHOICE)
            case _:
                return None

    def cast(self, op: Operation, args: Sequence[Text]) -> Text | None:
        if len(op.operands) != 1 or not op.results:
            return None
        source, target = op.operands[0].type, op.results[0].type
        match op:
            case arith.ExtFOp():
                return args[0]
            case arith.TruncFOp():
                return call("Math.fround", args[0])
            case arith.SIToFPOp():
                return call("Number", args[0]) if source == i64 else args[0]
            case arith.UIToFPOp():
                value = unsigned(args[0], source)
                return call("Number", value) if source == i64 else value
            case arith.FPToSIOp():
                return call("toInt64" if target == i64 else "toInt32", args[0])
            case arith.FPToUIOp():
                return call("toUint64" if target == i64 else "toUint32", args[0])
            case arith.ExtSIOp():
                return call("BigInt", args[0])
            case arith.ExtUIOp():
                return call("BigInt", unsigned(args[0], source))
            case arith.TruncIOp():
                return call("Number", call("BigInt.asIntN", Text("32"), args[0]))
            case arith.IndexCastOp():
                name = "BigInt" if target == i64 else "Number" if source == i64 else None
                return call(name, args[0]) if name else args[0]
            case arith.BitcastOp():
                names = {f32: "floatBits", f64: "doubleBits", i64: "bitsDouble"}
                return call(next((n for t, n in names.items() if t == source), "bitsFloat"), args[0])
            case _:
                return None


def spelled(value: float) -> str:
    """The shortest text of a double; infinity has a name."""
    return "-Infinity" if isinf(value) else repr(value).removesuffix(".0")


VIEWS = {"bool": "u8", "f16": "u16", "bf16": "u16"}
"""The views that hold elements for which JavaScript has no typed array."""


def view_of(element: str) -> str:
    """The name of the typed array, over the whole memory, that an element type is stored in."""
    return VIEWS.get(element, element)


def emit_kernel(function: FuncOp) -> str:
    """The function of one kernel; it takes a typed array for each buffer."""
    names = {buffer: f"b{i}" for i, buffer in enumerate(function.buffers)}
    names |= {counter: f"n{i}" for i, counter in enumerate(function.counters)}
    body = JsPrinter(names).function_body(function.body.block)
    parameters = ", ".join(names.values())
    return "\n".join([f"function {function_name(function)}({parameters}) {{", *body, "}"])


def emit_kernels(module: ModuleOp) -> str:
    """All kernels of a legalized module, with the helpers that they call."""
    kernels = [emit_kernel(op) for op in module.body.block.ops if isinstance(op, FuncOp)]
    return "\n\n".join([*helpers_for("\n".join(kernels)), *kernels]) + "\n"


@dataclass(frozen=True)
class WebdnnJsTarget(Target):
    """The kernels of a legalized module as JavaScript functions."""

    name = "webdnn-js"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(emit_kernels(module))
