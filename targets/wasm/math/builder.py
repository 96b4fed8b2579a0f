"""Numbers that record operations: Python operators on them append `arith` operations, for scalars and vectors alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, VectorType, f32, f64, i1, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from webdnn.dialects.element import element_of, is_vector
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.passes.kernel.scheduling.vectors import extract
from webdnn.targets.wasm.dialect import InstructionOp


@dataclass(frozen=True)
class Format:
    """A binary floating-point format."""

    name: str
    fraction_bits: int
    bias: int
    largest: float

    @property
    def bits(self) -> int:
        return 32 if self is SINGLE else 64


SINGLE = Format("single", 23, 127, float.fromhex("0x1.fffffep127"))
DOUBLE = Format("double", 52, 1023, float.fromhex("0x1.fffffffffffffp1023"))

FLOAT_TESTS = {"olt": "lt", "ogt": "gt", "oge": "ge", "oeq": "eq", "une": "ne"}
INTEGER_TESTS = {"slt": "lt_s", "sge": "ge_s", "eq": "eq", "ne": "ne"}

Coefficients = Mapping[Format, Sequence[float]]
"""A polynomial for each format, from the constant upwards"""


@dataclass
class Recorder:
    """The operations recorded, and apart from them the constants that they use, each once."""

    ops: list[Operation] = field(default_factory=list[Operation])
    constants: list[Operation] = field(default_factory=list[Operation])
    known: dict[tuple[str, Attribute], SSAValue] = field(default_factory=dict[tuple[str, Attribute], SSAValue])

    def add(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def constant(self, value: float, type: Attribute) -> SSAValue:
        key = (repr(value), type)  # by its text: -0.0 equals 0.0, and NaN nothing
        if key not in self.known:
            made = constant(value, type)
            self.constants += made
            self.known[key] = made[-1].results[0]
        return self.known[key]


def constant(value: float, type: Attribute) -> list[Operation]:
    """A constant of a scalar or vector type, its value last.

    A float that prints as bits is written as a scalar and broadcast: as the element of a dense constant its bits
    would be read back as an integer.
    """
    element = element_of(type)
    shape = type.get_shape() if is_vector(type) else None
    if element in (f32, f64):
        float_type = f32 if element == f32 else f64
        attribute = FloatAttr(float(value), float_type)
        if shape is None:
            return [arith.ConstantOp(attribute)]
        if "0x" in str(attribute):
            scalar = arith.ConstantOp(attribute)
            return [scalar, vector.BroadcastOp(scalar.result, VectorType(float_type, shape))]
        return [arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(VectorType(float_type, shape), [float(value)]))]
    integer_type = next(t for t in (i1, i32, i64) if t == element)
    if shape is None:
        return [arith.ConstantOp(IntegerAttr(int(value), integer_type))]
    return [arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(VectorType(integer_type, shape), [int(value)]))]


@dataclass(frozen=True)
class Number:
    """A scalar or vector, and where operations on it are recorded."""

    to: Recorder
    value: SSAValue

    @property
    def lanes(self) -> int:
        """How many numbers a vector holds; 1 for a scalar."""
        return self.value.type.get_shape()[0] if is_vector(self.value.type) else 1

    def shaped(self, element: Attribute) -> Attribute:
        """The scalar type, or the vector of it that has as many lanes."""
        return VectorType(element, [self.lanes]) if is_vector(self.value.type) else element

    def apply(self, kind: type[Operation], *others: Number | float, type: Attribute | None = None) -> SSAValue:
        """Record an operation on this number and others; its result has the same type unless another is given."""
        operands = [self.value, *map(self.operand, others)]
        return self.to.add(kind.create(operands=operands, result_types=[type or self.value.type]))

    def number(self, value: float) -> SSAValue:
        return self.to.constant(value, self.value.type)

    def operand(self, other: Number | float) -> SSAValue:
        return other.value if isinstance(other, Number) else self.number(other)

    def instruction(self, name: str, *others: Number | float, type: Attribute) -> SSAValue:
        """A vector instruction, for what `arith` defines on scalars only."""
        return self.to.add(InstructionOp(name, [self.value, *map(self.operand, others)], type))

    def selected(self, test: Truth, other: Number | float) -> SSAValue:
        """The other where the test holds, else this."""
        right = self.operand(other)
        if is_vector(self.value.type):
            return self.to.add(InstructionOp("v128.bitselect", [right, self.value, test.value], self.value.type))
        return self.to.add(arith.SelectOp(test.value, right, self.value))

    def scalars(self) -> list[SSAValue]:
        """The lanes of a vector one by one; a scalar by itself."""
        if not is_vector(self.value.type):
            return [self.value]
        return [self.to.add(extract(self.value, lane)) for lane in range(self.lanes)]


class Truth(Number):
    """An i1, or a vector of them."""

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.to, self.apply(arith.AndIOp, other))

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.to, self.apply(arith.OrIOp, other))

    def __xor__(self, other: Truth) -> Truth:
        return Truth(self.to, self.apply(arith.XOrIOp, other))


class Whole(Number):
    """An i32 or i64, or a vector of i32."""

    def __add__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.AddiOp, other))

    def __sub__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.SubiOp, other))

    def __mul__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.MuliOp, other))

    def __and__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.AndIOp, other))

    def __or__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.OrIOp, other))

    def __xor__(self, other: Whole | int) -> Whole:
        return Whole(self.to, self.apply(arith.XOrIOp, other))

    def __lshift__(self, count: int) -> Whole:
        return Whole(self.to, self.apply(arith.ShLIOp, count))

    def __rshift__(self, count: int) -> Whole:
        """Copies of the sign move in from above."""
        return Whole(self.to, self.apply(arith.ShRSIOp, count))

    def shifted_down(self, count: int) -> Whole:
        """Zeros move in from above."""
        return Whole(self.to, self.apply(arith.ShRUIOp, count))

    def compare(self, other: Whole | int, predicate: str) -> Truth:
        if is_vector(self.value.type):
            name = f"i32x4.{INTEGER_TESTS[predicate]}"
            return Truth(self.to, self.instruction(name, other, type=self.shaped(i1)))
        return Truth(self.to, self.to.add(arith.CmpiOp(self.value, self.operand(other), predicate)))

    def __lt__(self, other: Whole | int) -> Truth:
        return self.compare(other, "slt")

    def __ge__(self, other: Whole | int) -> Truth:
        return self.compare(other, "sge")

    def equals(self, other: Whole | int) -> Truth:
        return self.compare(other, "eq")

    def differs(self, other: Whole | int) -> Truth:
        return self.compare(other, "ne")

    def unless(self, test: Truth, other: Whole | int) -> Whole:
        """This number, but the other where the test holds."""
        return Whole(self.to, self.selected(test, other))

    def converted(self) -> Real:
        """The nearest float of as many bits."""
        if is_vector(self.value.type):
            return Real(self.to, self.instruction("f32x4.convert_i32x4_s", type=self.shaped(f32)))
        return Real(self.to, self.apply(arith.SIToFPOp, type=self.float_type))

    def as_float(self) -> Real:
        """The float that has these bits."""
        return Real(self.to, self.apply(arith.BitcastOp, type=self.shaped(self.float_type)))

    @property
    def float_type(self) -> Attribute:
        return f32 if element_of(self.value.type) == i32 else f64

    def low_half(self) -> Whole:
        """The low 32 bits of an i64."""
        return Whole(self.to, self.apply(arith.TruncIOp, type=i32))


class Real(Number):
    """An f32 or f64, or a vector of f32."""

    @property
    def format(self) -> Format:
        return SINGLE if element_of(self.value.type) == f32 else DOUBLE

    def __add__(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.AddfOp, other))

    def __sub__(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.SubfOp, other))

    def __mul__(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.MulfOp, other))

    def __truediv__(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.DivfOp, other))

    def __rsub__(self, other: float) -> Real:
        return self.like(other) - self

    def __rtruediv__(self, other: float) -> Real:
        return self.like(other) / self

    def __neg__(self) -> Real:
        return Real(self.to, self.apply(arith.NegfOp))

    def like(self, value: float) -> Real:
        """A constant of this number's type."""
        return Real(self.to, self.number(value))

    def times_plus(self, factor: Real | float, summand: Real | float) -> Real:
        """self * factor + summand; a vector's may be rounded once or twice."""
        if self.lanes == 1:
            return self * factor + summand
        return Real(self.to, self.apply(vector.FMAOp, factor, summand))

    def polynomial(self, coefficients: Sequence[float]) -> Real:
        """c₀ + x(c₁ + x(c₂ + …))"""
        *rest, total = coefficients
        result = self.times_plus(total, rest.pop())
        for coefficient in reversed(rest):
            result = result.times_plus(self, coefficient)
        return result

    def compare(self, other: Real | float, predicate: str) -> Truth:
        if is_vector(self.value.type):
            name = f"f32x4.{FLOAT_TESTS[predicate]}"
            return Truth(self.to, self.instruction(name, other, type=self.shaped(i1)))
        return Truth(self.to, self.to.add(arith.CmpfOp(self.value, self.operand(other), predicate)))

    def __lt__(self, other: Real | float) -> Truth:
        return self.compare(other, "olt")

    def __gt__(self, other: Real | float) -> Truth:
        return self.compare(other, "ogt")

    def __ge__(self, other: Real | float) -> Truth:
        return self.compare(other, "oge")

    def equals(self, other: Real | float) -> Truth:
        return self.compare(other, "oeq")

    def differs(self, other: Real | float) -> Truth:
        """Also where either is NaN."""
        return self.compare(other, "une")

    def unless(self, test: Truth, other: Real | float) -> Real:
        """This number, but the other where the test holds."""
        return Real(self.to, self.selected(test, other))

    def clamped(self, low: float, high: float) -> Real:
        """Between two bounds; NaN stays."""
        return self.at_least(low).at_most(high)

    def at_most(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.MinimumfOp, other))

    def at_least(self, other: Real | float) -> Real:
        return Real(self.to, self.apply(arith.MaximumfOp, other))

    def absolute(self) -> Real:
        return Real(self.to, self.apply(math.AbsFOp))

    def square_root(self) -> Real:
        return Real(self.to, self.apply(math.SqrtOp))

    def truncated(self) -> Real:
        return Real(self.to, self.apply(math.TruncOp))

    def bits(self) -> Whole:
        return Whole(self.to, self.apply(arith.BitcastOp, type=self.shaped(self.integer_type)))

    def whole(self) -> Whole:
        """The integer of as many bits towards zero."""
        if is_vector(self.value.type):
            return Whole(self.to, self.instruction("i32x4.trunc_sat_f32x4_s", type=self.shaped(i32)))
        return Whole(self.to, self.apply(arith.FPToSIOp, type=self.integer_type))

    @property
    def integer_type(self) -> Attribute:
        return i32 if self.format is SINGLE else i64

    def sign_bit(self) -> Whole:
        return self.bits() & -(1 << (self.format.bits - 1))

    def with_sign_of(self, other: Real) -> Real:
        """This number without its own sign, with the other's."""
        if self.lanes == 1:
            return Real(self.to, self.apply(math.CopySignOp, other))
        magnitude = self.bits() & ((1 << (self.format.bits - 1)) - 1)
        return (magnitude | other.sign_bit()).as_float()

    def flipped_where(self, sign: Whole) -> Real:
        """The negated number where the sign bit is set."""
        return (self.bits() ^ sign).as_float()

    def double(self) -> Real:
        """An f32 scalar as f64."""
        return Real(self.to, self.apply(arith.ExtFOp, type=f64))

    def single(self) -> Real:
        """The f32 nearest to an f64."""
        return Real(self.to, self.apply(arith.TruncFOp, type=f32))


NumberT = TypeVar("NumberT", bound=Number)


def joined(kind: Callable[[Recorder, SSAValue], NumberT], scalars: Sequence[NumberT]) -> NumberT:
    """One number of its lanes: the inverse of `Number.scalars`."""
    first = scalars[0]
    return first if len(scalars) == 1 else kind(first.to, first.to.add(LanesOp([s.value for s in scalars])))
