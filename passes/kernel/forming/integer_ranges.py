"""What the integers of a kernel body can be: intervals, and the refusal of arithmetic that may leave its machine type.

A target that computes integers in a narrower type than the kernel's asks for the interval of every value that has an
effect. A value that a `select` drops is judged under the condition that keeps it, so the usual `x < 0 ? x + n : x` is
proven although `x + n` alone may overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1, i64
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of, is_value, range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import ReduceOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.element_type import ElementType, integer_limits
from webdnn.support.index import Range

INT32: Range = (-(2**31), 2**31 - 1)
FLOAT_INTEGERS: Range = (1 - 2**24, 2**24 - 1)
"""The integers that an f32 holds exactly, and that none beyond them is rounded to."""

Known = Mapping[SSAValue, Range]
Question: TypeAlias = tuple[SSAValue, frozenset[tuple[SSAValue, Range]]]
"""A value, and what is known of those behind it"""

Rule = Callable[[Range, Range], Range]


@dataclass(frozen=True)
class OverflowRisk(Exception):
    """An operation whose result is not proven to fit the target's integers."""

    op: Operation


@dataclass(frozen=True)
class Machine:
    """The integers of a target: the range it computes in, whether i32 wraps there as ours does, what memory holds."""

    limits: Range
    wraps_i32: bool
    memory: Range

    def stored(self, element: ElementType) -> Range:
        """What an element in memory can be: its type's values, as far as the machine has them."""
        low, high = integer_limits(element)
        if self.memory == INT32 and element.bits == 32:
            return INT32  # u32 too: its bits, taken with a sign
        return max(low, self.memory[0]), min(high, self.memory[1])


WORD = Machine(INT32, wraps_i32=True, memory=INT32)
TEXEL = Machine(INT32, wraps_i32=True, memory=FLOAT_INTEGERS)
FLOAT = Machine(FLOAT_INTEGERS, wraps_i32=False, memory=FLOAT_INTEGERS)


def hull(*values: int) -> Range:
    return min(values), max(values)


def joined(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), max(a[1], b[1])


def within(inner: Range, outer: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def times(a: Range, b: Range) -> Range:
    return hull(*(x * y for x in a for y in b))


def quotient(divide: Callable[[int, int], int]) -> Rule:
    """Extreme at the ends where the divisor is positive; else no larger than the dividend."""

    def rule(a: Range, b: Range) -> Range:
        if b[0] > 0:
            return hull(*(divide(x, y) for x in a for y in b))
        most = max(-a[0], a[1])
        return (0 if a[0] >= 0 and b[0] >= 0 else -most), most

    return rule


def rest(a: Range, b: Range) -> Range:
    """A remainder is less than the divisor, no larger than the dividend, and has its sign."""
    most = max(1, -b[0], b[1]) - 1
    return (0 if a[0] >= 0 else max(a[0], -most)), (0 if a[1] <= 0 else min(a[1], most))


def exclusive_or(a: Range, b: Range) -> Range:
    """With the sign bit alone it moves by 2^31, up or down."""
    if b == (INT32[0], INT32[0]) and (a[0] >= 0) == (a[1] >= 0) and within(a, INT32):
        by = INT32[0] if a[0] >= 0 else -INT32[0]
        return a[0] + by, a[1] + by
    return in_bits(a, b)


def in_bits(a: Range, b: Range) -> Range:
    """What `and`, `or` and `xor` can give: as many bits as the operands have."""
    bits = max((x if x >= 0 else ~x).bit_length() for x in (*a, *b))
    return (0 if min(a[0], b[0]) >= 0 else -(1 << bits)), (1 << bits) - 1


def conjunction(a: Range, b: Range) -> Range:
    """`and` is no larger than an operand that is never negative."""
    bounds = [x[1] for x in (a, b) if x[0] >= 0]
    return (0, min(bounds)) if bounds else in_bits(a, b)


RULES: dict[type[Operation], Rule] = {
    arith.AddiOp: lambda a, b: (a[0] + b[0], a[1] + b[1]),
    arith.SubiOp: lambda a, b: (a[0] - b[1], a[1] - b[0]),
    arith.MuliOp: times,
    arith.DivSIOp: quotient(lambda x, y: x // y if x >= 0 else -(-x // y)),
    arith.FloorDivSIOp: quotient(lambda x, y: x // y),
    arith.CeilDivSIOp: quotient(lambda x, y: -(-x // y)),
    arith.RemSIOp: rest,
    arith.MinSIOp: lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    arith.MaxSIOp: lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    arith.AndIOp: conjunction,
    arith.OrIOp: in_bits,
    arith.XOrIOp: exclusive_or,
}

SIGNED_FORM: dict[type[Operation], type[Operation]] = {
    arith.DivUIOp: arith.DivSIOp,
    arith.RemUIOp: arith.RemSIOp,
    arith.CeilDivUIOp: arith.CeilDivSIOp,
    arith.MinUIOp: arith.MinSIOp,
    arith.MaxUIOp: arith.MaxSIOp,
}
"""Operations that mean the same on operands that are never negative."""

BOUNDS = (arith.MinSIOp, arith.MaxSIOp, arith.MinUIOp, arith.MaxUIOp)
"""Operations that a number beyond the machine's may be given to: it does not matter by how much it is."""

SIGNED = {"slt": "sge", "sge": "slt", "sle": "sgt", "sgt": "sle"}
NEGATED = {"eq": "ne", "ne": "eq", **SIGNED, "ult": "uge", "uge": "ult", "ule": "ugt", "ugt": "ule"}
MIRRORED = {p: p.translate(str.maketrans("lg", "gl")) for p in NEGATED}


def restrict(span: Range, predicate: str, bound: Range) -> Range | None:
    """What is left of a range where it compares so with some value of another; None where nothing is."""
    low, high = span
    match predicate:
        case "eq":
            low, high = max(low, bound[0]), min(high, bound[1])
        case "slt":
            high = min(high, bound[1] - 1)
        case "sle":
            high = min(high, bound[1])
        case "sgt":
            low = max(low, bound[0] + 1)
        case "sge":
            low = max(low, bound[0])
        case "ult" if bound[0] >= 0:  # negative numbers are large ones
            low, high = max(low, 0), min(high, bound[1] - 1)
        case "ule" if bound[0] >= 0:
            low, high = max(low, 0), min(high, bound[1])
        case _:
            pass
    return (low, high) if low <= high else None


@dataclass
class Ranges:
    """The intervals of one function's integers."""

    machine: Machine
    held: Known = field(default_factory=dict[SSAValue, Range])
    """What the elements of buffers are known to be"""
    found: dict[Question, Range] = field(default_factory=dict[Question, Range])
    origins: dict[SSAValue, frozenset[SSAValue]] = field(default_factory=dict[SSAValue, frozenset[SSAValue]])

    def of(self, value: SSAValue, known: Known | None = None) -> Range:
        """The interval of an integer, index or i1, given those `known`. Raises OverflowRisk."""
        behind = self.behind(value) if known else frozenset[SSAValue]()
        matters = {other: span for other, span in (known or {}).items() if other in behind}
        if value in matters:
            return matters[value]
        key = value, frozenset(matters.items())
        if key not in self.found:
            self.found[key] = self.find(value, matters)
        return self.found[key]

    def behind(self, value: SSAValue) -> frozenset[SSAValue]:
        """All that a value is computed from, and the value."""
        if value not in self.origins:
            op, found = value.owner, {value}
            if isinstance(op, Operation):
                for operand in (*op.operands, *((op.yielded,) if isinstance(op, ReduceOp) else ())):
                    found |= self.behind(operand)
            self.origins[value] = frozenset(found)
        return self.origins[value]

    def find(self, value: SSAValue, known: Known) -> Range:
        owner = value.owner
        if value.type == i1:
            return 0, 1
        if not isinstance(owner, Operation):
            return range_of(value) or self.machine.limits
        exact = self.exact(owner, known)
        if within(exact, self.machine.limits):
            return exact
        if self.machine.wraps_i32 and value.type != i64:
            return INT32
        if isinstance(owner, arith.ConstantOp):
            return exact  # which may be compared, and bound others
        raise OverflowRisk(owner)

    def exact(self, op: Operation, known: Known) -> Range:
        """The interval of the operation's result in unlimited integers."""
        match op:
            case arith.SubiOp() if same_number(op.lhs, op.rhs):
                return 0, 0
            case arith.ConstantOp(value=IntegerAttr() as data):
                return data.value.data, data.value.data
            case ReadOp():
                return self.held.get(op.source) or self.machine.stored(element_type(buffer_type(op.source)))
            case IndexOp():
                return op.exprs[0].bounds(lambda s: self.symbol(s, known)) or self.machine.limits
            case ReduceOp():
                return self.reduction(op, known)
            case arith.SelectOp():
                return self.select(op, known)
            case arith.IndexCastOp() | arith.ExtSIOp() | arith.TruncIOp() | arith.ExtUIOp():
                return self.cast(op, known)
            case arith.BitcastOp():
                return INT32 if op.result.type != i64 else (-(2**63), 2**63 - 1)
            case arith.FPToSIOp() | arith.FPToUIOp():
                return self.from_float(op.input)
            case arith.ShLIOp() | arith.ShRSIOp() | arith.ShRUIOp():
                return self.shift(op, known)
            case math.AbsIOp():
                low, high = self.of(op.operands[0], known)
                return 0, max(-low, high)
            case _:
                return self.binary(op, known)

    def symbol(self, symbol: Hashable, known: Known) -> Range | None:
        if (span := range_of(symbol)) is not None:
            return span
        return self.of(symbol, known) if is_value(symbol) and symbol.type == INDEX else None

    def binary(self, op: Operation, known: Known) -> Range:
        kind = type(op)
        if kind not in RULES and kind not in SIGNED_FORM:
            raise OverflowRisk(op)
        a, b = (self.of(o, known) for o in op.operands)
        if kind not in BOUNDS and not (within(a, self.machine.limits) and within(b, self.machine.limits)):
            raise OverflowRisk(op)
        if kind in RULES:
            return RULES[kind](a, b)
        if min(a[0], b[0]) < 0:
            if op.results[0].type != i64 and self.machine.wraps_i32:
                return INT32
            raise OverflowRisk(op)
        return RULES[SIGNED_FORM[kind]](a, b)

    def cast(self, op: Operation, known: Known) -> Range:
        source = op.operands[0]
        span = self.of(source, known)
        if source.type == i1:
            return (-1, 0) if isinstance(op, arith.ExtSIOp) else (0, 1)
        if isinstance(op, arith.ExtUIOp) and span[0] < 0:
            return 0, 2**32 - 1
        return span

    def shift(self, op: Operation, known: Known) -> Range:
        value, count = op.operands
        if (wrapped := narrowing(op)) is not None:
            inner, kept = wrapped
            span = self.of(inner, known)
            return span if within(span, kept) else kept
        least, most = self.of(count, known)
        if not 0 <= least <= most < 32 or (least < most and not self.machine.wraps_i32):
            raise OverflowRisk(op)
        low, high = self.of(value, known)
        if isinstance(op, arith.ShLIOp):
            return times((low, high), (1 << least, 1 << most))
        if isinstance(op, arith.ShRUIOp) and low < 0:
            return 0, (2**32 - 1) >> least
        return hull(low >> least, low >> most, high >> least, high >> most)

    def select(self, op: arith.SelectOp, known: Known) -> Range:
        sides = [
            self.of(value, branch)
            for value, truth in ((op.lhs, True), (op.rhs, False))
            if (branch := self.assumed(op.cond, truth, known)) is not None
        ]
        return joined(sides[0], sides[-1]) if sides else (0, 0)  # what never happens has no effect

    def assumed(self, condition: SSAValue, truth: bool, known: Known) -> Known | None:
        """What is known where a condition holds, or does not; None where that never happens."""
        compare = condition.owner
        if not isinstance(compare, arith.CmpiOp):
            return known
        predicate = arith.CMPI_COMPARISON_OPERATIONS[compare.predicate.value.data]
        if predicate not in NEGATED or compare.lhs.type == i1:
            return known
        predicate = predicate if truth else NEGATED[predicate]
        a, b = self.of(compare.lhs, known), self.of(compare.rhs, known)
        left, right = restrict(a, predicate, b), restrict(b, MIRRORED[predicate], a)
        if left is None or right is None:
            return None
        sides = ((compare.lhs, left), (compare.rhs, right))
        return {**known, **{side: span for side, span in sides if constant_of(side) is None}}

    def reduction(self, op: ReduceOp, known: Known) -> Range:
        count = 1
        for size in op.shape:
            count *= size
        init, each = self.of(op.init, known), self.of(op.yielded, known)
        if op.kind.data not in (ReduceKind.MAX, ReduceKind.MIN) and not within(init, self.machine.limits):
            raise OverflowRisk(op)
        match op.kind.data:
            case ReduceKind.ADD:
                return init[0] + count * min(each[0], 0), init[1] + count * max(each[1], 0)
            case ReduceKind.MAX:
                return max(init[0], each[0]), max(init[1], each[1])
            case ReduceKind.MIN:
                return min(init[0], each[0]), min(init[1], each[1])
            case ReduceKind.AND | ReduceKind.OR:
                return in_bits(init, each)
            case ReduceKind.MUL:
                most = max(abs(x) for x in each) ** count * max(abs(x) for x in init)
                return -most, most

    def from_float(self, value: SSAValue) -> Range:
        """The integers that a float can be cut to: known where it was clamped."""
        low, high = self.float_bounds(value)
        if low is None or high is None:
            return -(2**63), 2**63 - 1
        return int(low), int(high)

    def float_bounds(self, value: SSAValue) -> tuple[float | None, float | None]:
        op = value.owner
        match op:
            case arith.ConstantOp(value=FloatAttr() as data) if abs(data.value.data) < 2**40:
                return data.value.data, data.value.data
            case arith.MaximumfOp() | arith.MinimumfOp():
                a, b = self.float_bounds(op.lhs), self.float_bounds(op.rhs)
                lows = [x for x in (a[0], b[0]) if x is not None]
                highs = [x for x in (a[1], b[1]) if x is not None]
                if isinstance(op, arith.MaximumfOp):
                    return max(lows, default=None), (max(highs) if len(highs) == 2 else None)
                return (min(lows) if len(lows) == 2 else None), min(highs, default=None)
            case math.RoundEvenOp() | math.RoundOp() | math.FloorOp() | math.CeilOp() | math.TruncOp():
                low, high = self.float_bounds(op.operand)
                return (None if low is None else low - 1), (None if high is None else high + 1)
            case arith.SIToFPOp():
                return self.of(op.input)
            case arith.AddfOp() | arith.SubfOp():
                (low, high), (least, most) = self.float_bounds(op.lhs), self.float_bounds(op.rhs)
                if low is None or high is None or least is None or most is None:
                    return None, None
                sign = 1 if isinstance(op, arith.AddfOp) else -1
                return low + min(sign * least, sign * most), high + max(sign * least, sign * most)
            case _:
                return None, None


def same_number(a: SSAValue, b: SSAValue) -> bool:
    """Are these one value, or reads of one element?"""
    one, other = a.owner, b.owner
    if not isinstance(one, ReadOp) or not isinstance(other, ReadOp):
        return a is b
    return one.source is other.source and list(one.exprs) == list(other.exprs)


def narrowing(op: Operation) -> tuple[SSAValue, Range] | None:
    """(x << c) >> c keeps the low bits of x: the value that is brought back, and the range it is brought to."""
    if not isinstance(op, arith.ShRSIOp | arith.ShRUIOp) or not isinstance(inner := op.lhs.owner, arith.ShLIOp):
        return None
    count = constant_of(op.rhs)
    if count is None or count != constant_of(inner.rhs) or op.result.type == i64:
        return None
    bits = 32 - count
    half = 1 << (bits - 1)
    return inner.lhs, ((-half, half - 1) if isinstance(op, arith.ShRSIOp) else (0, 2 * half - 1))
