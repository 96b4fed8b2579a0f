"""`webdnn-glsl` and `webdnn-glsl100`: the text of fragment shaders, in GLSL ES 3.00 and 1.00."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects import arith, math, memref, vector
from xdsl.dialects.builtin import ModuleOp, f32, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.target import Target

from webdnn.dialects.element import element_of, is_memref, is_vector
from webdnn.dialects.kernel.access import WriteOp, layer_elements
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp
from webdnn.targets.c_like import (
    CALLS,
    INFIX,
    CLikePrinter,
    Level,
    Text,
    call,
    f32_literal,
    infix,
    is_variable,
)
from webdnn.targets.glsl.layers import MOST_LAYERS, layer_of, layers_of
from webdnn.targets.glsl.textures import LANES, extent, width_of

SCALARS = {"f32": "float", "i32": "int", "index": "int", "i1": "bool"}
VECTORS = {"f32": "vec4", "i32": "ivec4", "index": "ivec4", "i1": "bvec4"}

UNSIGNED: Mapping[type[Operation], tuple[str, Level]] = {
    arith.DivUIOp: ("/", Level.PRODUCT),
    arith.RemUIOp: ("%", Level.PRODUCT),
    arith.ShRUIOp: (">>", Level.SHIFT),
}
"""Arithmetic of the numbers that the bits of two integers are without a sign, which GLSL ES 3.00 alone has"""

# No ?: in a helper depends on another one: a compiler has been seen to take minutes over a few dozen calls of such a
# helper, and to draw nothing then.
HELPERS_300 = {
    "texel(": (
        "vec4 texel(sampler2D s, int q, int bits, vec2 scale) {\n"
        "  return texture(s, (vec2(q & (1 << bits) - 1, q >> bits) + 0.5) * scale);\n"
        "}"
    ),
    "layered(": (
        "vec4 layered(sampler2DArray s, int q, int bits, vec2 scale, int size) {\n"
        f"  int layer = {' + '.join(f'int(q >= {i} * size)' for i in range(1, MOST_LAYERS))};\n"
        "  int p = q - layer * size;\n"
        "  return texture(s, vec3((vec2(p & (1 << bits) - 1, p >> bits) + 0.5) * scale, layer));\n"
        "}"
    ),
    "lane(": "float lane(vec4 v, int i) { return mix(mix(v.x, v.y, i > 0), mix(v.z, v.w, i > 2), i > 1); }",
}

HELPERS_100 = {
    "texel(": (
        "vec4 texel(highp sampler2D s, int q, vec2 size) {\n"
        "  float y = floor(float(q) / size.x);\n"
        "  return texture2D(s, (vec2(float(q) - y * size.x, y) + 0.5) / size);\n"
        "}"
    ),
    "lane(": (
        "float lane(vec4 v, int i) {\n"
        "  float a = i < 1 ? v.x : v.y;\n"
        "  float b = i < 3 ? v.z : v.w;\n"
        "  return i < 2 ? a : b;\n"
        "}"
    ),
    "quotient(": (
        "int quotient(int a, int b) {\n"
        "  int q = int(float(a) / float(b));\n"
        "  int r = a - q * b;\n"
        "  return q + int(r >= b) - int(r < 0);\n"
        "}"
    ),
    "signedQuotient(": (
        "int signedQuotient(int a, int b) {\n"
        "  int s = 1 - 2 * int(a < 0);\n"
        "  int t = 1 - 2 * int(b < 0);\n"
        "  return quotient(a * s, b * t) * (s * t);\n"
        "}"
    ),
}
"""Functions that a shader may need, by how it calls them. Division of ES 1.00 integers may be that of floats."""


def uint(text: Text) -> Text:
    return call("uint", text)


class GlslPrinter(CLikePrinter):
    """GLSL ES 3.00. Loads name the sampler and the texel's number."""

    calls: Mapping[type[Operation], str] = {
        **CALLS,
        arith.MaxnumfOp: "max",
        arith.MinnumfOp: "min",
        math.Atan2Op: "atan",
        math.RoundEvenOp: "roundEven",
        math.RsqrtOp: "inversesqrt",
    }
    output = "color"
    eager = True

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
        return f"{self.type(type)} {name} = {value};"

    def loop_head(self, counter: str, trips: str) -> str:
        return f"for (int {counter} = 0; {counter} < {trips}; {counter}++) {{"

    def store(self, op: WriteOp | memref.StoreOp, value: Text, index: Text) -> str:
        assert isinstance(op, memref.StoreOp)
        if is_variable(op.memref):
            return f"{self.name(op.memref)} = {value.text};"
        layer = "" if layer_elements(op.memref) is None else layer_of(op)
        return f"{self.output}{layer} = {value.text};"

    def load(self, op: memref.LoadOp, args: Sequence[Text]) -> Text:
        layer = layer_elements(op.memref)
        width, height = extent(layer or elements(op.memref))
        scale = ", ".join(f32_literal(1 / size) for size in (width, height))
        found = [*args, Text(str(width.bit_length() - 1)), Text(f"vec2({scale})")]
        return call("texel", *found) if layer is None else call("layered", *found, Text(str(layer // LANES)))

    def special(self, op: Operation, args: Sequence[Text]) -> Text | None:
        match op:
            case memref.LoadOp():
                return Text(self.name(op.memref)) if is_variable(op.memref) else self.load(op, args)
            case IdOp():
                width = width_of(op.count.data)
                row = f"int(gl_FragCoord.y) * {width} + " if op.count.data > width else ""
                return Text(f"{row}int(gl_FragCoord.x)", Level.SUM if row else Level.ATOM)
            case LanesOp() | vector.BroadcastOp():
                return call(self.type(op.results[0].type), *args)
            case vector.ExtractOp() if op.dynamic_position:
                return call("lane", *args)
            case vector.ExtractOp():
                return Text(f"{args[0].within(Level.UNARY)}.{'xyzw'[op.static_position.get_values()[0]]}")
            case arith.SelectOp():
                a, b, c = (x.within(Level.CHOICE) for x in args)
                return Text(f"{a} ? {b} : {c}", Level.CHOICE)
            case math.FmaOp() | vector.FMAOp():
                return infix(infix(args[0], args[1], "*", Level.PRODUCT), args[2], "+", Level.SUM)
            case arith.SIToFPOp() | arith.UIToFPOp() | arith.FPToSIOp() | arith.ExtUIOp() | arith.ExtSIOp():
                return call(self.type(op.result.type), args[0])
            case arith.MaxUIOp() | arith.MinUIOp():
                larger = "max" if isinstance(op, arith.MaxUIOp) else "min"
                return call("int", call(larger, *map(uint, args)))
            case arith.FPToUIOp():
                return call("int", uint(args[0]))
            case arith.DivUIOp() | arith.RemUIOp() | arith.ShRUIOp():
                return call("int", infix(uint(args[0]), uint(args[1]), *UNSIGNED[type(op)]))
            case arith.BitcastOp():
                return call("intBitsToFloat" if element_of(op.result.type) == f32 else "floatBitsToInt", args[0])
            case _ if op.operands and element_of(op.operands[0].type) == i1:
                return self.logic(op, args)
            case _:
                return self.integer_division(op, args)

    def integer_division(self, op: Operation, args: Sequence[Text]) -> Text | None:
        return None

    def logic(self, op: Operation, args: Sequence[Text]) -> Text | None:
        match op:
            case arith.AndIOp():
                return infix(args[0], args[1], "&&", Level.AND)
            case arith.OrIOp():
                return infix(args[0], args[1], "||", Level.OR)
            case arith.XOrIOp() if args[1].text == "true":
                return Text(f"!{args[0].within(Level.UNARY)}", Level.UNARY)
            case arith.XOrIOp():
                return infix(args[0], args[1], "!=", Level.COMPARISON)
            case _:
                return None


class Glsl100Printer(GlslPrinter):
    """GLSL ES 1.00: normalized coordinates, and integers that may be floats."""

    output = "gl_FragColor"

    def __init__(self, names: Mapping[SSAValue, str]) -> None:
        super().__init__(names)
        self.infixes = {kind: spelling for kind, spelling in INFIX.items() if kind is not arith.DivSIOp}

    def load(self, op: memref.LoadOp, args: Sequence[Text]) -> Text:
        width, height = extent(elements(op.memref))
        return call("texel", *args, Text(f"vec2({width}.0, {height}.0)"))

    def divide(self, a: Text, divisor: int) -> Text:
        return call("quotient", a, Text(str(divisor)))

    def integer_division(self, op: Operation, args: Sequence[Text]) -> Text | None:
        return call("signedQuotient", *args) if isinstance(op, arith.DivSIOp) else None


def elements(buffer: SSAValue) -> int:
    """The elements of a buffer of texels."""
    type = buffer.type
    assert is_memref(type)
    return type.get_shape()[0] * LANES


def output_of(function: FuncOp) -> SSAValue:
    """The texture that a kernel writes."""
    arguments = set(function.buffers)
    (target,) = {op.memref for op in function.walk() if isinstance(op, memref.StoreOp) and op.memref in arguments}
    return target


def sampler(buffer: SSAValue) -> str:
    """The type of the uniform that a buffer is read by."""
    return "sampler2D" if layer_elements(buffer) is None else "sampler2DArray"


def outputs(function: FuncOp) -> list[str]:
    """The declarations of what a fragment writes in ES 3.00."""
    target = output_of(function)
    if layer_elements(target) is None:
        return ["out vec4 color;"]
    return [f"layout(location = {i}) out vec4 color{i};" for i in range(layers_of(target))]


def samplers_of(function: FuncOp) -> list[int]:
    """The positions of the arguments that a kernel reads, in the order of its samplers."""
    output = output_of(function)
    return [i for i, argument in enumerate(function.buffers) if argument is not output]


def emit_kernel(function: FuncOp, version: int) -> str:
    """The fragment shader of one kernel."""
    buffers, samplers = function.buffers, samplers_of(function)
    textures: dict[SSAValue, str] = {buffers[position]: f"b{i}" for i, position in enumerate(samplers)}
    counters: dict[SSAValue, str] = {counter: f"n{i}" for i, counter in enumerate(function.counters)}
    names = {**textures, **counters}
    printer = (GlslPrinter if version == 300 else Glsl100Printer)(names)
    body = printer.function_body(function.body.block)
    precision = ["precision highp float;", "precision highp int;"]
    qualifier = "" if version == 300 else "highp "
    header = [*precision, *(f"uniform {qualifier}{sampler(buffer)} {name};" for buffer, name in textures.items())]
    header += [f"uniform int {name};" for name in counters.values()]
    if version == 300:
        precise = [f"precision highp {kind};" for kind in sorted({sampler(buffer) for buffer in textures})]
        header = ["#version 300 es", *precise, *header, *outputs(function)]
    return "\n".join([*header, *helpers(body, version), "void main() {", *body, "}", ""])


def helpers(body: Sequence[str], version: int) -> list[str]:
    """The functions that the body calls, each after those that it calls itself."""
    text, found = "\n".join(body), list[str]()
    known = HELPERS_300 if version == 300 else HELPERS_100
    for name, helper in reversed(known.items()):
        if name in text:
            found.insert(0, helper)
            text += helper
    return found


@dataclass(frozen=True)
class WebdnnGlslTarget(Target):
    """Every kernel of a legalized module as a fragment shader in GLSL ES 3.00."""

    name = "webdnn-glsl"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write("\n".join(emit_kernel(op, 300) for op in module.body.block.ops if isinstance(op, FuncOp)))


@dataclass(frozen=True)
class WebdnnGlsl100Target(Target):
    """Every kernel of a legalized module as a fragment shader in GLSL ES 1.00."""

    name = "webdnn-glsl100"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write("\n".join(emit_kernel(op, 100) for op in module.body.block.ops if isinstance(op, FuncOp)))
