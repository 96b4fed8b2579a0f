"""What WGSL, GLSL and JavaScript share: expressions, loops and assignments. Each language is a table of spellings."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from xdsl.dialects import arith, math, memref, scf, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, MemRefType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import is_value
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp, YieldOp
from webdnn.dialects.kernel.workgroup import is_own, is_shared
from webdnn.support.index import FloorDiv, Index
from webdnn.targets.inlining import inlined, leaves


def f32_literal(value: float) -> str:
    """The shortest decimal that rounds to an f32; all digits where that one lies beyond the largest f32."""
    single = np.float32(value)
    return str(single) if abs(float(str(single))) <= float(np.finfo(np.float32).max) else repr(float(single))


class Level(IntEnum):
    """How tightly the outermost operator of an expression binds."""

    ATOM = 0
    UNARY = 1
    PRODUCT = 2
    SUM = 3
    SHIFT = 4
    COMPARISON = 5
    BITS = 6
    AND = 7
    OR = 8
    CHOICE = 9


BARE: Mapping[Level, tuple[Level, Level]] = {
    Level.UNARY: (Level.ATOM, Level.ATOM),
    Level.PRODUCT: (Level.PRODUCT, Level.UNARY),
    Level.SUM: (Level.SUM, Level.PRODUCT),
    Level.SHIFT: (Level.UNARY, Level.UNARY),
    Level.COMPARISON: (Level.SUM, Level.SUM),
    Level.BITS: (Level.UNARY, Level.UNARY),
    Level.AND: (Level.COMPARISON, Level.COMPARISON),
    Level.OR: (Level.COMPARISON, Level.COMPARISON),
    Level.CHOICE: (Level.OR, Level.OR),
}
"""What may stand left and right of an operator without parentheses; WGSL wants more of them than the others."""


class Text(NamedTuple):
    """An expression."""

    text: str
    level: Level = Level.ATOM

    def within(self, parent: Level, *, right: bool = False) -> str:
        """The expression as an operand."""
        return self.text if self.level <= BARE[parent][right] else f"({self.text})"


def infix(a: Text, b: Text, symbol: str, level: Level) -> Text:
    return Text(f"{a.within(level)} {symbol} {b.within(level, right=True)}", level)


def call(name: str, *args: Text) -> Text:
    return Text(f"{name}({', '.join(a.text for a in args)})")


INFIX: Mapping[type[Operation], tuple[str, Level]] = {
    arith.AddfOp: ("+", Level.SUM),
    arith.SubfOp: ("-", Level.SUM),
    arith.MulfOp: ("*", Level.PRODUCT),
    arith.DivfOp: ("/", Level.PRODUCT),
    arith.AddiOp: ("+", Level.SUM),
    arith.SubiOp: ("-", Level.SUM),
    arith.MuliOp: ("*", Level.PRODUCT),
    arith.DivSIOp: ("/", Level.PRODUCT),
    arith.ShLIOp: ("<<", Level.SHIFT),
    arith.ShRSIOp: (">>", Level.SHIFT),
    arith.AndIOp: ("&", Level.BITS),
    arith.OrIOp: ("|", Level.BITS),
    arith.XOrIOp: ("^", Level.BITS),
}

CALLS: Mapping[type[Operation], str] = {
    arith.MaximumfOp: "max",
    arith.MinimumfOp: "min",
    arith.MaxSIOp: "max",
    arith.MinSIOp: "min",
    math.AbsFOp: "abs",
    math.AcosOp: "acos",
    math.AsinOp: "asin",
    math.AtanOp: "atan",
    math.CeilOp: "ceil",
    math.CosOp: "cos",
    math.ExpOp: "exp",
    math.Exp2Op: "exp2",
    math.FloorOp: "floor",
    math.LogOp: "log",
    math.Log2Op: "log2",
    math.SinOp: "sin",
    math.SqrtOp: "sqrt",
    math.TanOp: "tan",
    math.TruncOp: "trunc",
}

COMPARISONS: Mapping[str, str] = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

Spelling = Callable[[Operation, Sequence[Text]], Text]


class CLikePrinter(ABC):
    """Prints the body of one function; subclasses say how a language differs."""

    infixes: Mapping[type[Operation], tuple[str, Level]] = INFIX
    calls: Mapping[type[Operation], str] = CALLS

    eager = False
    """Are both values of a choice computed before it, whatever is chosen?"""

    def __init__(self, names: Mapping[SSAValue, str]) -> None:
        self.names = dict(names)
        self.lines: list[str] = []
        self.depth = 1
        self.count = 0
        self.folded: set[Operation] = set()

    # What languages differ in.

    @abstractmethod
    def type(self, type: Attribute) -> str: ...

    @abstractmethod
    def number(self, value: float, type: Attribute) -> Text: ...

    @abstractmethod
    def declaration(self, name: str, type: Attribute, value: str, *, variable: bool) -> str: ...

    @abstractmethod
    def loop_head(self, counter: str, trips: str) -> str: ...

    @abstractmethod
    def special(self, op: Operation, args: Sequence[Text]) -> Text | None:
        """An operation that the language spells in its own way."""

    @abstractmethod
    def store(self, op: WriteOp | memref.StoreOp, value: Text, index: Text) -> str: ...

    def array(self, name: str, type: MemRefType[Attribute]) -> str:
        """The declaration of an array that an invocation has for itself, where a language has them."""
        raise AssertionError(f"{type} has no spelling here")

    def divide(self, a: Text, divisor: int) -> Text:
        """The quotient of an index that is never negative."""
        return Text(f"{a.within(Level.PRODUCT)} / {divisor}", Level.PRODUCT)

    # Values.

    def name(self, value: SSAValue, prefix: str = "v") -> str:
        if value not in self.names:
            self.names[value] = f"{prefix}{self.count}"
            self.count += 1
        return self.names[value]

    def expression(self, value: SSAValue) -> Text:
        """A name, a literal, or what the value is made of."""
        owner = value.owner
        if value in self.names or not isinstance(owner, Operation):
            return Text(self.name(value))
        if isinstance(owner, arith.ConstantOp):
            return self.constant(owner)
        return self.spell(owner) if owner in self.folded else Text(self.name(value))

    def constant(self, op: arith.ConstantOp) -> Text:
        match op.value:
            case DenseIntOrFPElementsAttr() as dense:
                value = dense.get_values()[0]
                assert isinstance(value, int | float), "vectors are constant in all lanes alike"
                return call(self.type(op.result.type), self.number(value, dense.type.get_element_type()))
            case FloatAttr() | IntegerAttr() as scalar:
                return self.number(scalar.value.data, op.result.type)
            case _:
                raise AssertionError(f"{op.value} has no spelling")

    def spell(self, op: Operation) -> Text:
        """The expression of an operation's result."""
        if isinstance(op, IndexOp):
            return self.index(op.exprs[0])
        args = [self.expression(o) for o in op.operands]
        if (special := self.special(op, args)) is not None:
            return special
        match op:
            case arith.IndexCastOp() | vector.BitcastOp():
                return args[0]
            case arith.NegfOp():
                return Text(f"-{args[0].within(Level.UNARY)}", Level.UNARY)
            case arith.CmpiOp():
                predicate = arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]
                return infix(args[0], args[1], COMPARISONS[predicate[-2:]], Level.COMPARISON)
            case arith.CmpfOp():
                predicate = arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]
                return infix(args[0], args[1], COMPARISONS[predicate[-2:]], Level.COMPARISON)
            case _ if type(op) in self.infixes:
                symbol, level = self.infixes[type(op)]
                return infix(args[0], args[1], symbol, level)
            case _ if type(op) in self.calls:
                return call(self.calls[type(op)], *args)
            case _:
                raise AssertionError(f"{op.name} has no spelling here; a legalization is missing")

    def index(self, expr: Index) -> Text:
        """A linear expression of values, or one division."""
        text: Text | None = None
        for atom, coefficient in expr.terms.items():
            if isinstance(atom, FloorDiv):
                value = self.divide(self.index(atom.numerator), atom.divisor)
            else:
                assert is_value(atom)
                value = self.expression(atom)
            size = abs(coefficient)
            term = value if size == 1 else Text(f"{value.within(Level.PRODUCT)} * {size}", Level.PRODUCT)
            if text is None:
                text = term if coefficient > 0 else Text(f"-{term.within(Level.UNARY)}", Level.UNARY)
            else:
                text = infix(text, term, "-" if coefficient < 0 else "+", Level.SUM)
        if text is None:
            return self.integer(expr.constant)
        if expr.constant:
            sign = "-" if expr.constant < 0 else "+"
            return infix(text, Text(str(abs(expr.constant))), sign, Level.SUM)
        return text

    def integer(self, value: int) -> Text:
        return Text(str(value), Level.ATOM if value >= 0 else Level.UNARY)

    # Statements.

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def function_body(self, block: Block) -> list[str]:
        self.folded = inlined(block, eager=self.eager)
        self.block(block)
        return self.lines

    def block(self, block: Block) -> None:
        for op in block.ops:
            if op not in self.folded:
                self.statement(op)

    def statement(self, op: Operation) -> None:
        match op:
            case arith.ConstantOp() | scf.YieldOp() | YieldOp() | PrefetchOp():
                pass
            case WriteOp():
                index = self.index(op.exprs[0])
                self.line(self.store(op, self.expression(op.value), index))
            case memref.StoreOp():
                self.line(self.store(op, self.expression(op.value), self.expression(op.indices[0])))
            case memref.AllocaOp() if is_shared(op.memref):
                pass  # declared outside of the function
            case memref.AllocaOp() if is_own(op.memref):
                self.line(self.array(self.name(op.memref), op.memref.type))
            case memref.AllocaOp():
                element = element_of_variable(op)
                zero = self.number(0, element)
                self.line(self.declaration(self.name(op.memref), element, zero.text, variable=True))
            case scf.ForOp():
                self.loop(op)
            case scf.IfOp():
                self.branch(op)
            case _:
                self.assign(op)

    def assign(self, op: Operation) -> None:
        (result,) = op.results
        if not list(result.uses) and not isinstance(op, IdOp):
            return
        text = self.spell(op).text
        if isinstance(op, arith.IndexCastOp) and text.isidentifier():
            self.names[result] = text
            return
        self.line(self.declaration(self.name(result), result.type, text, variable=False))

    def branch(self, op: scf.IfOp) -> None:
        self.line(f"if ({self.expression(op.cond).text}) {{")
        self.depth += 1
        self.block(op.true_region.block)
        self.depth -= 1
        if op.false_region.blocks:
            self.line("} else {")
            self.depth += 1
            self.block(op.false_region.block)
            self.depth -= 1
        self.line("}")

    def loop(self, op: scf.ForOp) -> None:
        counter, *carried = op.body.block.args
        for argument, start, result in zip(carried, op.iter_args, op.results, strict=True):
            value = self.expression(start).text
            self.names[result] = self.name(argument)
            self.line(self.declaration(self.name(argument), argument.type, value, variable=True))
        self.line(self.loop_head(self.name(counter, "i"), self.expression(op.ub).within(Level.COMPARISON, right=True)))
        self.depth += 1
        self.block(op.body.block)
        end = op.body.block.last_op
        assert isinstance(end, scf.YieldOp)
        self.carry(carried, end.operands)
        self.depth -= 1
        self.line("}")

    def carry(self, carried: Sequence[SSAValue], values: Sequence[SSAValue]) -> None:
        """Assign what the next trip begins with; a value that needs an old one of another is kept before."""
        texts: list[str] = []
        for i, value in enumerate(values):
            text = self.expression(value).text
            if leaves(value, self.folded) & set(carried[:i]):
                kept = f"v{self.count}"
                self.count += 1
                self.line(self.declaration(kept, value.type, text, variable=False))
                text = kept
            texts.append(text)
        for argument, text in zip(carried, texts, strict=True):
            if text != self.name(argument):
                self.line(f"{self.name(argument)} = {text};")


def function_name(kernel: FuncOp) -> str:
    """The name of a kernel in a text: none that a language has given away."""
    return "k_" + re.sub(r"[^A-Za-z0-9_]", "_", kernel.sym_name.data)


def element_of_variable(op: memref.AllocaOp) -> Attribute:
    type = op.memref.type
    return type.element_type


def lanes_of(type: Attribute) -> int:
    """The lanes of a vector type; 1 for a scalar."""
    return type.get_shape()[0] if is_vector(type) else 1


def buffer_of(op: ReadOp | WriteOp | memref.LoadOp | memref.StoreOp) -> SSAValue:
    """The buffer that is read or written."""
    match op:
        case ReadOp():
            return op.source
        case WriteOp():
            return op.target
        case _:
            return op.memref


def is_variable(value: SSAValue) -> bool:
    return isinstance(value.owner, memref.AllocaOp) and not is_shared(value) and not is_own(value)
