"""The table from operations on scalars and vectors to WebAssembly instructions."""

from __future__ import annotations

from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import Float32Type, Float64Type, IndexType, IntegerType, i1, i64
from xdsl.ir import Attribute, Operation

from webdnn.dialects.element import is_vector


def is_mask(type: Attribute) -> bool:
    """A vector of bools, which is a v128 of all-ones and all-zeros lanes."""
    return is_vector(type) and type.element_type == i1


SHAPES: dict[type[Attribute], str] = {Float32Type: "f32", Float64Type: "f64", IndexType: "i32"}


def shape_name(type_: Attribute) -> str:
    """`f32`, `i64`, `f32x4` …: bools and indices are i32."""
    element, lanes = (type_.element_type, "x4") if is_vector(type_) else (type_, "")
    name = SHAPES.get(type(element))
    if name is None:
        assert isinstance(element, IntegerType), f"{type_} has no wasm type"
        name = "i64" if element == i64 else "i32"
    return name + lanes


def value_type(type: Attribute) -> str:
    """The type of a local."""
    return "v128" if is_vector(type) else shape_name(type)


PLAIN: dict[type[Operation], str] = {
    arith.AddfOp: "add",
    arith.SubfOp: "sub",
    arith.MulfOp: "mul",
    arith.DivfOp: "div",
    arith.NegfOp: "neg",
    arith.MaximumfOp: "max",
    arith.MinimumfOp: "min",
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.DivSIOp: "div_s",
    arith.DivUIOp: "div_u",
    arith.RemSIOp: "rem_s",
    arith.RemUIOp: "rem_u",
    arith.ShLIOp: "shl",
    arith.ShRSIOp: "shr_s",
    arith.ShRUIOp: "shr_u",
    arith.MaxSIOp: "max_s",
    arith.MinSIOp: "min_s",
    arith.MaxUIOp: "max_u",
    arith.MinUIOp: "min_u",
    math.SqrtOp: "sqrt",
    math.FloorOp: "floor",
    math.CeilOp: "ceil",
    math.TruncOp: "trunc",
    math.RoundEvenOp: "nearest",
    math.AbsFOp: "abs",
    math.CopySignOp: "copysign",
    math.CountLeadingZerosOp: "clz",
    math.CountTrailingZerosOp: "ctz",
    math.CtPopOp: "popcnt",
    vector.BroadcastOp: "splat",
}
BITS: dict[type[Operation], str] = {arith.AndIOp: "and", arith.OrIOp: "or", arith.XOrIOp: "xor"}
FLOAT_TESTS = {1: "eq", 2: "gt", 3: "ge", 4: "lt", 5: "le", 13: "ne"}
"""arith's ordered predicates; not equal is the unordered one"""
INTEGER_TESTS = ("eq", "ne", "lt_s", "le_s", "gt_s", "ge_s", "lt_u", "le_u", "gt_u", "ge_u")


def conversion(op: Operation) -> str | None:
    """The instruction of a conversion; empty where nothing is to be done; None for other operations."""
    if len(op.operands) != 1 or len(op.results) != 1:
        return None
    before, after = shape_name(op.operands[0].type), shape_name(op.results[0].type)
    match op:
        case arith.SIToFPOp():
            return f"{after}.convert_{before}_s"
        case arith.UIToFPOp():
            return f"{after}.convert_{before}_u"
        case arith.FPToSIOp():
            return f"{after}.trunc_sat_{before}_s"
        case arith.FPToUIOp():
            return f"{after}.trunc_sat_{before}_u"
        case arith.ExtFOp():
            return "f64.promote_f32"
        case arith.TruncFOp():
            return "f32.demote_f64"
        case arith.ExtSIOp() | arith.ExtUIOp() | arith.IndexCastOp() if before == after:
            return ""
        case arith.ExtSIOp():
            return "i64.extend_i32_s"
        case arith.ExtUIOp():
            return "i64.extend_i32_u"
        case arith.IndexCastOp():
            return "i32.wrap_i64" if before == "i64" else "i64.extend_i32_s"
        case arith.TruncIOp():
            return "i32.wrap_i64" if before == "i64" else ""
        case arith.BitcastOp() | vector.BitcastOp():
            return "" if is_vector(op.results[0].type) or before == after else f"{after}.reinterpret_{before}"
        case _:
            return None


def instruction(op: Operation) -> str | None:
    """The instruction that computes the operation from its operands, in their order; None where there is none."""
    kind = type(op)
    if (name := PLAIN.get(kind)) is not None:
        return f"{shape_name(op.results[0].type)}.{name}"
    if (found := conversion(op)) is not None:
        return found
    match op:
        case arith.CmpfOp():
            test = FLOAT_TESTS.get(op.predicate.value.data)
            return None if test is None else f"{shape_name(op.lhs.type)}.{test}"
        case arith.CmpiOp():
            return f"{shape_name(op.lhs.type)}.{INTEGER_TESTS[op.predicate.value.data]}"
        case arith.AndIOp() | arith.OrIOp() | arith.XOrIOp():
            vectors = is_vector(op.result.type)
            return f"v128.{BITS[kind]}" if vectors else f"{shape_name(op.result.type)}.{BITS[kind]}"
        case _:
            return None
