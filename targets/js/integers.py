"""Integer arithmetic in JavaScript: i32 as doubles brought back by `| 0`, i64 as BigInt, indices as small doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, Operation

from webdnn.targets.c_like import Level, Text, call, infix

Spelling = Callable[[Text, Text], Text]


def whole(value: Text) -> Text:
    """The low 32 bits of a number, with a sign."""
    return Text(f"{value.within(Level.SUM)} | 0", Level.BITS)


def whole64(value: Text) -> Text:
    return call("BigInt.asIntN", Text("64"), value)


def unsigned(value: Text, type: Attribute) -> Text:
    """The same bits without a sign."""
    if type == i64:
        return call("BigInt.asUintN", Text("64"), value)
    return Text(f"{value.within(Level.SHIFT)} >>> 0", Level.SHIFT)


def operator(symbol: str, level: Level) -> Spelling:
    return lambda a, b: infix(a, b, symbol, level)


def function(name: str) -> Spelling:
    return lambda a, b: call(name, a, b)


def kept(spelling: Spelling) -> Spelling:
    return lambda a, b: whole(spelling(a, b))


def kept64(spelling: Spelling) -> Spelling:
    return lambda a, b: whole64(spelling(a, b))


def on_unsigned(spelling: Spelling, type: Attribute) -> Spelling:
    return lambda a, b: spelling(unsigned(a, type), unsigned(b, type))


def shift64(symbol: str) -> Spelling:
    """BigInt shifts by any count; ours go modulo 64."""
    return lambda a, b: whole64(infix(a, infix(b, Text("63n"), "&", Level.BITS), symbol, Level.SHIFT))


PLUS, MINUS = operator("+", Level.SUM), operator("-", Level.SUM)
TIMES, OVER, REST = (operator(s, Level.PRODUCT) for s in "*/%")

I32: Mapping[type[Operation], Spelling] = {
    arith.AddiOp: kept(PLUS),
    arith.SubiOp: kept(MINUS),
    arith.MuliOp: function("Math.imul"),
    arith.DivSIOp: kept(OVER),
    arith.RemSIOp: kept(REST),
    arith.DivUIOp: kept(on_unsigned(OVER, i32)),
    arith.RemUIOp: kept(on_unsigned(REST, i32)),
    arith.MaxUIOp: kept(on_unsigned(function("Math.max"), i32)),
    arith.MinUIOp: kept(on_unsigned(function("Math.min"), i32)),
    arith.ShLIOp: operator("<<", Level.SHIFT),
    arith.ShRSIOp: operator(">>", Level.SHIFT),
    arith.ShRUIOp: kept(operator(">>>", Level.SHIFT)),
}

I64: Mapping[type[Operation], Spelling] = {
    arith.AddiOp: kept64(PLUS),
    arith.SubiOp: kept64(MINUS),
    arith.MuliOp: kept64(TIMES),
    arith.DivSIOp: function("divide64"),
    arith.RemSIOp: function("remainder64"),
    arith.DivUIOp: on_unsigned(function("divide64"), i64),
    arith.RemUIOp: on_unsigned(function("remainder64"), i64),
    arith.MaxSIOp: function("maximum64"),
    arith.MinSIOp: function("minimum64"),
    arith.MaxUIOp: kept64(on_unsigned(function("maximum64"), i64)),
    arith.MinUIOp: kept64(on_unsigned(function("minimum64"), i64)),
    arith.ShLIOp: shift64("<<"),
    arith.ShRSIOp: shift64(">>"),
    arith.ShRUIOp: lambda a, b: shift64(">>")(unsigned(a, i64), b),
}

INDEX: Mapping[type[Operation], Spelling] = {
    arith.AddiOp: PLUS,
    arith.SubiOp: MINUS,
    arith.MuliOp: TIMES,
    arith.DivSIOp: kept(OVER),
    arith.RemSIOp: REST,
}


def integer_operation(op: Operation, args: Sequence[Text]) -> Text | None:
    """A binary operation of integers; None for what numbers spell like any others."""
    if len(op.operands) != 2:
        return None
    type = op.operands[0].type
    table = I32 if type == i32 else I64 if type == i64 else INDEX
    spelling = table.get(op.__class__)
    return None if spelling is None else spelling(args[0], args[1])
