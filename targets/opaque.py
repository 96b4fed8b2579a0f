"""Constants that a shader compiler must not see: it refuses infinities, NaN, and expressions that give them."""

from __future__ import annotations

from math import copysign, isfinite, isnan
from struct import pack, unpack

from xdsl.dialects import arith, memref, vector
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    VectorType,
    f32,
    i32,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.kernel.syntax import INDEX

REFUSED = (arith.DivfOp, arith.DivSIOp, arith.RemSIOp, arith.DivUIOp, arith.RemUIOp)
"""Operations that may be errors on constants beside those of `math`, which all may be."""


class Opaque(Body):
    """Values that go through a variable."""

    def variable(self, value: SSAValue) -> SSAValue:
        """The same value, read back from a variable of its own."""
        place = memref.AllocaOp.get(value.type, shape=[1])
        zero = self.add(arith.ConstantOp(IntegerAttr(0, INDEX)))
        self.ops.append(place)
        self.ops.append(memref.StoreOp.get(value, place.memref, [zero]))
        return self.add(memref.LoadOp.get(place.memref, [zero]))

    def by_bits(self, value: float) -> SSAValue:
        """A float from its bits."""
        (bits,) = unpack("<i", pack("<f", value))
        return self.add(arith.BitcastOp(self.variable(self.constant(bits, i32)), f32))

    def by_division(self, value: float) -> SSAValue:
        """1/0, -1/0 or 0/0, where there is no access to bits."""
        zero = self.variable(self.constant(0.0, f32))
        one = zero if isnan(value) else self.constant(copysign(1, value), f32)
        return self.add(arith.DivfOp(one, zero))


def scalar(op: arith.ConstantOp) -> float | None:
    """The number that a float constant holds, in all lanes where it is a vector."""
    match op.value:
        case FloatAttr() as data:
            return data.value.data
        case DenseIntOrFPElementsAttr() as dense:
            value = dense.get_values()[0]
            return value if isinstance(value, float) else None
        case _:
            return None


def hide_constants(function: FuncOp, *, bits: bool) -> None:
    """Make infinities and NaN, and what may become one, at run time: from their `bits`, or by dividing by zero.

    Each is made once, where the function begins.
    """
    start, made = Opaque(), dict[tuple[str, Attribute], SSAValue]()
    for op in list(function.walk()):
        if isinstance(op, arith.ConstantOp):
            value = scalar(op)
            if value is not None and not isfinite(value):
                key = repr(value), op.result.type
                if key not in made:
                    made[key] = as_type(start, start.by_bits(value) if bits else start.by_division(value), key[1])
                Rewriter.replace_op(op, [], [made[key]])
        elif is_refused(op):
            body = Opaque()
            op.operands[0] = body.variable(op.operands[0])
            Rewriter.insert_op(body.ops, InsertPoint.before(op))
    if start.ops:
        Rewriter.insert_op(start.ops, InsertPoint.at_start(function.body.block))


def as_type(body: Body, value: SSAValue, type: Attribute) -> SSAValue:
    return body.add(vector.BroadcastOp(value, VectorType(f32, type.get_shape()))) if is_vector(type) else value


def is_refused(op: Operation) -> bool:
    if not isinstance(op, REFUSED) and not op.name.startswith("math."):
        return False
    return bool(op.operands) and all(isinstance(o.owner, arith.ConstantOp) for o in op.operands)
