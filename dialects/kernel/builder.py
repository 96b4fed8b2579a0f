"""Build kernel bodies: scalar arithmetic, reads and reductions, appended to a list of operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, TensorType, f32, f64, i1, i32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from webdnn.dialects.kernel.access import ReadOp, buffer_type, scalar_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import Index, stays_inside, symbol

LOWEST = {ReduceKind.MAX: -inf, ReduceKind.MIN: inf}
UNIT = {ReduceKind.ADD: 0, ReduceKind.MUL: 1, ReduceKind.AND: -1, ReduceKind.OR: 0}


def identity(kind: ReduceKind, type: Attribute) -> float | int:
    """The value that leaves a reduction of elements of this type as it is."""
    if kind in UNIT:
        return 1 if kind is ReduceKind.AND and type == i1 else UNIT[kind]
    if type in (f32, f64):
        return LOWEST[kind]
    bits = 64 if type == i64 else 32
    return -(1 << (bits - 1)) if kind is ReduceKind.MAX else (1 << (bits - 1)) - 1


class Body:
    """Operations being appended to a body. Values are scalars: f32, f64, i32, i64, i1 or index."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an operation; its first result."""
        self.ops.append(op)
        return op.results[0]

    def constant(self, value: float, type: Attribute = f32) -> SSAValue:
        if type in (f32, f64):
            return self.add(arith.ConstantOp(FloatAttr(float(value), f64 if type == f64 else f32)))
        if type == INDEX:
            return self.add(arith.ConstantOp(IntegerAttr(int(value), INDEX)))
        return self.add(arith.ConstantOp(IntegerAttr(int(value), next(t for t in (i1, i32, i64) if t == type))))

    def read(self, source: SSAValue, indices: Sequence[Index], outside: SSAValue | None = None) -> SSAValue:
        """An element of a tensor; where the indices cannot be proven inside and no value is given, zero is read."""
        if stays_inside(indices, buffer_type(source).get_shape(), range_of):
            return self.add(ReadOp(source, indices))
        if outside is None:
            outside = self.constant(0, scalar_type(source))
        return self.add(ReadOp(source, indices, outside))

    def inside(self, indices: Sequence[Index], extents: Sequence[int]) -> SSAValue:
        return self.add(InsideOp(indices, extents))

    def index(self, expr: Index, type: Attribute = INDEX) -> SSAValue:
        """An affine expression as a value, cast to an integer or float type."""
        value = self.add(IndexOp(expr))
        if type == INDEX:
            return value
        if type in (i32, i64):
            return self.add(arith.IndexCastOp(value, type))
        return self.add(arith.SIToFPOp(self.add(arith.IndexCastOp(value, i32)), f64 if type == f64 else f32))

    def table(self, rows: Sequence[Sequence[float]], indices: Sequence[Index], type: Attribute = f32) -> SSAValue:
        """A coefficient of a matrix that is part of an algorithm."""
        shape = TensorType(f64 if type == f64 else f32, [len(rows), len(rows[0])])
        return self.add(TableOp(DenseIntOrFPElementsAttr.from_list(shape, [v for row in rows for v in row]), indices))

    def clamped(self, value: SSAValue, extent: int) -> Index:
        """An integer that was computed as an index 0 <= i < extent; what lies beyond is clamped."""
        low, high = self.constant(0, value.type), self.constant(extent - 1, value.type)
        bounded = self.add(arith.MinSIOp(self.add(arith.MaxSIOp(value, low)), high))
        return symbol(self.add(arith.IndexCastOp(bounded, INDEX)))

    def wrapped(self, value: SSAValue, extent: int) -> Index:
        """An integer index that counts from the end where it is negative, clamped to 0 <= i < extent."""
        zero, whole = self.constant(0, value.type), self.constant(extent, value.type)
        negative = self.add(arith.CmpiOp(value, zero, "slt"))
        shifted = self.add(arith.AddiOp(value, whole))
        return self.clamped(self.add(arith.SelectOp(negative, shifted, value)), extent)

    def reduce(
        self,
        kind: ReduceKind,
        sizes: Sequence[int],
        value: Callable[..., SSAValue],
        *,
        names: str = "",
        init: SSAValue | None = None,
        type: Attribute = f32,
    ) -> SSAValue:
        """`value(body, *axes)` combined over a space of `sizes`, from `init` or the identity of `kind`."""
        if init is None:
            init = self.constant(identity(kind, type), type)
        block = Block(arg_types=[INDEX] * len(sizes))
        op = ReduceOp(kind, sizes, init, Region(block))
        name(block.args, names, "k")
        inner = Body()
        result = value(inner, *map(symbol, block.args))
        block.add_ops([*inner.ops, YieldOp([result])])
        return self.add(op)

    # Arithmetic that depends on the type of its operands.

    def plus(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.AddfOp(a, b) if is_float(a) else arith.AddiOp(a, b))

    def minus(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.SubfOp(a, b) if is_float(a) else arith.SubiOp(a, b))

    def times(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.MulfOp(a, b) if is_float(a) else arith.MuliOp(a, b))

    def divide(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """The quotient of floats; of signed integers, towards zero."""
        return self.add(arith.DivfOp(a, b) if is_float(a) else arith.DivSIOp(a, b))

    def maximum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """NaN where either is."""
        return self.add(arith.MaximumfOp(a, b) if is_float(a) else arith.MaxSIOp(a, b))

    def minimum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.MinimumfOp(a, b) if is_float(a) else arith.MinSIOp(a, b))

    def less(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """a < b, signed; false where a float is NaN."""
        return self.add(arith.CmpfOp(a, b, "olt") if is_float(a) else arith.CmpiOp(a, b, "slt"))

    def equal(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.CmpfOp(a, b, "oeq") if is_float(a) else arith.CmpiOp(a, b, "eq"))

    def select(self, condition: SSAValue, yes: SSAValue, no: SSAValue) -> SSAValue:
        return self.add(arith.SelectOp(condition, yes, no))

    def exp(self, a: SSAValue) -> SSAValue:
        return self.add(math.ExpOp(a))

    def sqrt(self, a: SSAValue) -> SSAValue:
        return self.add(math.SqrtOp(a))


def is_float(value: SSAValue) -> bool:
    return value.type in (f32, f64)


def name(arguments: Sequence[SSAValue], names: str, default: str) -> None:
    """Give hints to axes; `names` is a list with spaces."""
    hints = names.split() or [default] * len(arguments)
    for argument, hint in zip(arguments, hints, strict=False):
        argument.name_hint = hint


def compute(
    sizes: Sequence[int],
    types: Sequence[TensorType[Attribute]],
    point: Callable[..., SSAValue | Sequence[SSAValue]],
    *,
    names: str = "",
) -> ComputeOp:
    """`point(body, *axes)` at every point of a space of `sizes`; it gives one value for each result type."""
    block = Block(arg_types=[INDEX] * len(sizes))
    op = ComputeOp(sizes, Region(block), types)  # before its body: ranges of axes come from their op
    name(block.args, names, "i")
    body = Body()
    values = point(body, *map(symbol, block.args))
    block.add_ops([*body.ops, YieldOp([values] if isinstance(values, SSAValue) else list(values))])
    return op
