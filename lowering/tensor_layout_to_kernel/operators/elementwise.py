"""Kernel forms of the element-wise operators: one scalar expression each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith, math
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.builder import Body, is_float
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, broadcast_indices, lowers
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Index


def narrowed(body: Body, value: SSAValue, element: ElementType) -> SSAValue:
    """An integer brought back to the range of its stored type, as the type's own arithmetic would have left it."""
    if not element.is_integer or element.bits >= 32:
        return value
    shift = body.constant(32 - element.bits, value.type)
    raised = body.add(arith.ShLIOp(value, shift))
    return body.add((arith.ShRSIOp if element.kind is Kind.SIGNED else arith.ShRUIOp)(raised, shift))


def unsigned(element: ElementType) -> bool:
    """Do values of this type fill their compute type without a sign? Narrower ones are non-negative in i32."""
    return element.kind is Kind.UNSIGNED and element.bits >= 32


class Scalars(Body):
    """Expressions over scalars of one stored element type."""

    def __init__(self, body: Body, element: ElementType) -> None:
        self.ops, self.element = body.ops, element

    def of(self, kind: type[Operation], *operands: SSAValue) -> SSAValue:
        """A one-result operation whose result has its operands' type."""
        return self.add(kind.create(operands=operands, result_types=[operands[0].type]))

    def number(self, value: float, like: SSAValue) -> SSAValue:
        return self.constant(value, like.type)

    def compare(self, a: SSAValue, b: SSAValue, predicate: str) -> SSAValue:
        """`lt`, `le`, `gt`, `ge` or `eq`; false where a float is NaN."""
        if is_float(a):
            return self.add(arith.CmpfOp(a, b, "o" + predicate))
        if predicate == "eq":
            return self.add(arith.CmpiOp(a, b, "eq"))
        return self.add(arith.CmpiOp(a, b, ("u" if unsigned(self.element) else "s") + predicate))

    def larger(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.MaxUIOp(a, b)) if unsigned(self.element) else self.maximum(a, b)

    def smaller(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.MinUIOp(a, b)) if unsigned(self.element) else self.minimum(a, b)

    def quotient(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.DivUIOp(a, b)) if unsigned(self.element) else self.divide(a, b)

    def relu(self, x: SSAValue) -> SSAValue:
        return self.larger(x, self.number(0, x))

    def negated(self, x: SSAValue) -> SSAValue:
        return self.add(arith.NegfOp(x)) if is_float(x) else self.minus(self.number(0, x), x)

    def sigmoid(self, x: SSAValue) -> SSAValue:
        one = self.number(1, x)
        return self.divide(one, self.plus(one, self.exp(self.negated(x))))

    def absolute(self, x: SSAValue) -> SSAValue:
        if is_float(x):
            return self.add(math.AbsFOp(x))
        return x if self.element.kind is Kind.UNSIGNED else self.maximum(x, self.negated(x))

    def softplus(self, x: SSAValue) -> SSAValue:
        """max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
        decay = self.exp(self.negated(self.absolute(x)))
        return self.plus(self.relu(x), self.of(math.Log1pOp, decay))

    def softsign(self, x: SSAValue) -> SSAValue:
        return self.divide(x, self.plus(self.number(1, x), self.absolute(x)))

    def hard_swish(self, x: SSAValue) -> SSAValue:
        line = self.plus(self.divide(x, self.number(6, x)), self.number(0.5, x))
        return self.times(x, self.maximum(self.minimum(line, self.number(1, x)), self.number(0, x)))

    def mish(self, x: SSAValue) -> SSAValue:
        return self.times(x, self.of(math.TanhOp, self.softplus(x)))

    def sign(self, x: SSAValue) -> SSAValue:
        zero, one = self.number(0, x), self.number(1, x)
        if self.element.kind is Kind.UNSIGNED:
            return self.select(self.compare(x, zero, "eq"), zero, one)
        below = self.select(self.compare(x, zero, "lt"), self.number(-1, x), x if is_float(x) else zero)
        return self.select(self.compare(x, zero, "gt"), one, below)  # zero and NaN stay as they are

    def complement(self, x: SSAValue) -> SSAValue:
        return self.add(arith.XOrIOp(x, self.number(-1, x)))

    def rounded(self, kind: type[Operation]) -> Callable[[SSAValue], SSAValue]:
        return lambda x: self.of(kind, x)


Unary = Callable[[Scalars, SSAValue], SSAValue]
Binary = Callable[[Scalars, SSAValue, SSAValue], SSAValue]


def call(kind: type[Operation]) -> Unary:
    return lambda s, x: s.of(kind, x)


UNARY: dict[type[DnnOp], Unary] = {
    dnn.ReluOp: Scalars.relu,
    dnn.SigmoidOp: Scalars.sigmoid,
    dnn.TanhOp: call(math.TanhOp),
    dnn.ExpOp: call(math.ExpOp),
    dnn.LogOp: call(math.LogOp),
    dnn.SqrtOp: call(math.SqrtOp),
    dnn.ReciprocalOp: lambda s, x: s.divide(s.number(1, x), x),
    dnn.NegOp: Scalars.negated,
    dnn.AbsOp: Scalars.absolute,
    dnn.FloorOp: call(math.FloorOp),
    dnn.CeilOp: call(math.CeilOp),
    dnn.RoundOp: call(math.RoundEvenOp),
    dnn.SignOp: Scalars.sign,
    dnn.ErfOp: call(math.ErfOp),
    dnn.SinOp: call(math.SinOp),
    dnn.CosOp: call(math.CosOp),
    dnn.TanOp: call(math.TanOp),
    dnn.AsinOp: call(math.AsinOp),
    dnn.AcosOp: call(math.AcosOp),
    dnn.AtanOp: call(math.AtanOp),
    dnn.SinhOp: call(math.SinhOp),
    dnn.CoshOp: call(math.CoshOp),
    dnn.AsinhOp: call(math.AsinhOp),
    dnn.AcoshOp: call(math.AcoshOp),
    dnn.AtanhOp: call(math.AtanhOp),
    dnn.SoftplusOp: Scalars.softplus,
    dnn.SoftsignOp: Scalars.softsign,
    dnn.HardSwishOp: Scalars.hard_swish,
    dnn.MishOp: Scalars.mish,
    dnn.NotOp: lambda s, x: s.add(arith.XOrIOp(x, s.number(1, x))),
    dnn.BitwiseNotOp: Scalars.complement,
}

BINARY: dict[type[DnnOp], Binary] = {
    dnn.AddOp: Scalars.plus,
    dnn.SubOp: Scalars.minus,
    dnn.MulOp: Scalars.times,
    dnn.DivOp: Scalars.quotient,
    dnn.MaxOp: Scalars.larger,
    dnn.MinOp: Scalars.smaller,
    dnn.BitwiseAndOp: lambda s, a, b: s.add(arith.AndIOp(a, b)),
    dnn.BitwiseOrOp: lambda s, a, b: s.add(arith.OrIOp(a, b)),
    dnn.BitwiseXorOp: lambda s, a, b: s.add(arith.XOrIOp(a, b)),
    dnn.EqualOp: lambda s, a, b: s.compare(a, b, "eq"),
    dnn.LessOp: lambda s, a, b: s.compare(a, b, "lt"),
    dnn.LessOrEqualOp: lambda s, a, b: s.compare(a, b, "le"),
    dnn.GreaterOp: lambda s, a, b: s.compare(a, b, "gt"),
    dnn.GreaterOrEqualOp: lambda s, a, b: s.compare(a, b, "ge"),
    dnn.AndOp: lambda s, a, b: s.add(arith.AndIOp(a, b)),
    dnn.OrOp: lambda s, a, b: s.add(arith.OrIOp(a, b)),
    dnn.XorOp: lambda s, a, b: s.add(arith.XOrIOp(a, b)),
}


def pointwise(op: DnnOp, low: Lowering, value: Callable[[Scalars, Sequence[SSAValue]], SSAValue]) -> Sequence[SSAValue]:
    """y[i] = value(x₁[i], x₂[i], …), the operands broadcast."""

    def point(body: Body, *at: Index) -> SSAValue:
        scalars = Scalars(body, element_type(op.operands[-1].type))
        result = value(scalars, [low.read(body, o, broadcast_indices(o, at)) for o in op.operands])
        return narrowed(body, result, element_type(op.results[0].type))

    return low.compute([op.results[0]], point)


@lowers(*UNARY)
def unary(op: DnnOp, low: Lowering) -> Sequence[SSAValue]:
    return pointwise(op, low, lambda s, x: UNARY[type(op)](s, *x))


@lowers(*BINARY)
def binary(op: DnnOp, low: Lowering) -> Sequence[SSAValue]:
    return pointwise(op, low, lambda s, x: BINARY[type(op)](s, *x))


@lowers(dnn.WhereOp)
def where(op: dnn.WhereOp, low: Lowering) -> Sequence[SSAValue]:
    return pointwise(op, low, lambda s, x: s.select(*x))
