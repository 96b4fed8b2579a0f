"""Comparisons of floats that languages lack, in terms of those they have."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import i1, i32
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.builder import Body

NATIVE = {"oeq", "olt", "ole", "ogt", "oge", "une"}
OPPOSITE = {"ult": "oge", "ule": "ogt", "ugt": "ole", "uge": "olt"}
"""An unordered comparison is true where the opposite ordered one is false."""


def expand_comparison(op: Operation, *, nan_by_bits: bool) -> None:
    """Spell a float comparison with ==, !=, <, <=, > and >= alone.

    With `nan_by_bits` a test for NaN looks at the bits: compilers of shaders may assume that there is none.
    """
    if not isinstance(op, arith.CmpfOp):
        return
    predicate = arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]
    is_nan_test = op.lhs is op.rhs and predicate in ("uno", "une")
    if predicate in NATIVE and not is_nan_test:
        return
    body = Comparison(op.lhs, op.rhs, nan_by_bits)
    Rewriter.replace_op(op, body.ops, [body.result(predicate)])


class Comparison(Body):
    """The comparison of two floats."""

    def __init__(self, a: SSAValue, b: SSAValue, nan_by_bits: bool) -> None:
        super().__init__()
        self.a, self.b, self.nan_by_bits = a, b, nan_by_bits

    def result(self, predicate: str) -> SSAValue:
        match predicate:
            case "one":
                return self.either(self.compare("olt"), self.compare("ogt"))
            case "ueq":
                return self.opposite(self.result("one"))
            case "une" if self.a is self.b:
                return self.is_nan(self.a)
            case "uno" if self.a is self.b:
                return self.is_nan(self.a)
            case "uno":
                return self.either(self.is_nan(self.a), self.is_nan(self.b))
            case "ord":
                return self.opposite(self.result("uno"))
            case _ if predicate in OPPOSITE:
                return self.opposite(self.compare(OPPOSITE[predicate]))
            case _:
                return self.compare(predicate)

    def compare(self, predicate: str) -> SSAValue:
        return self.add(arith.CmpfOp(self.a, self.b, predicate))

    def either(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(arith.OrIOp(a, b))

    def opposite(self, a: SSAValue) -> SSAValue:
        return self.add(arith.XOrIOp(a, self.constant(1, i1)))

    def is_nan(self, value: SSAValue) -> SSAValue:
        """An exponent of ones with a fraction; or what does not equal itself."""
        if not self.nan_by_bits:
            return self.opposite(self.add(arith.CmpfOp(value, value, "oeq")))
        bits = self.add(arith.BitcastOp(value, i32))
        magnitude = self.add(arith.AndIOp(bits, self.constant(0x7FFFFFFF, i32)))
        return self.add(arith.CmpiOp(magnitude, self.constant(0x7F800000, i32), "sgt"))
