"""`kernel-expand-math`: functions that a target lacks, or computes too coarsely, in terms of those that it has.

Polynomials were fitted for this file (least squares with Lawson weights at Chebyshev nodes) to relative errors below
2e-8, so that f32 rounding decides; their coefficients run from the constant upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log, log10, nan, pi

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, ModuleOp, i1
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.structure import FuncOp

ERF = (1.12837917, -0.376126258, 0.112835851, -0.0268538113, 0.00518832639, -0.000801018227, 7.85382386e-05)
"""erf(x) = x·P(x²) for |x| < 1"""
ERFC = (-0.000144652944, 0.284769708, 0.260597998, 0.344603581, -0.09691771, 0.554930974, -0.465476702, 0.117678786)
"""erf(x) = 1 - exp(-x²)·P(1 / (1 + x/2)) for 1 <= x <= 4.2"""
EXPM1 = (1.0, 0.500000042, 0.166666629, 0.0416653182, 0.00833363501, 0.00139973239, 0.000198410933)
"""expm1(x) = x·P(x) for |x| < 1/2"""
LOG1P = (
    *(1.0, -0.499999956, 0.333332933, -0.250005475, 0.200032356, -0.166500217, 0.141888211),
    *(-0.126307046, 0.122819312, -0.107245524, 0.0493843909),
)
"""log1p(x) = x·P(x) for -0.3 < x < 0.5"""
SINH = (1.0, 0.166666664, 0.00833335259, 0.000198358125, 2.81852389e-06)
"""sinh(x) = x·P(x²) for |x| < 1"""
TANH = (0.999999995, -0.333332429, 0.133307198, -0.0536886083, 0.0204870409, -0.00554481971)
"""tanh(x) = x·P(x²) for |x| < 0.64"""
ASIN = (0.999999996, 0.166667901, 0.0749443572, 0.0455500787, 0.023858655, 0.0426348673)
"""asin(x) = x·P(x²) for |x| < 1/2"""
ATAN = (0.999999982, -0.333327983, 0.1997444, -0.138517602, 0.0798565028)
"""atan(x) = x·P(x²) for |x| < tan(π/8)"""
SIN = (0.999999996, -0.166666483, 0.00833191549, -0.000194891018)
"""sin(x) = x·P(x²) for |x| < 0.8"""
COS = (1.0, -0.499999995, 0.0416666068, -0.00138863456, 2.43563943e-05)
"""cos(x) = P(x²) for |x| < 0.8"""
HALF_PI = (1.5703125, 0.000483751297, 7.5497902e-08)
"""π/2 in three parts, the first of which has few bits: whole multiples of it are exact."""

LARGE = 1e9
"""Where x² + 1 is x² in f32, long before x² overflows."""


class Expression(Body):
    """Float expressions with numbers among their operands."""

    def number(self, value: float, like: SSAValue) -> SSAValue:
        return self.constant(value, like.type)

    def of(self, kind: type[Operation], *operands: SSAValue) -> SSAValue:
        return self.add(kind.create(operands=operands, result_types=[operands[0].type]))

    def scaled(self, x: SSAValue, factor: float) -> SSAValue:
        return self.times(x, self.number(factor, x))

    def shifted(self, x: SSAValue, by: float) -> SSAValue:
        return self.plus(x, self.number(by, x))

    def below(self, x: SSAValue, bound: float) -> SSAValue:
        return self.less(x, self.number(bound, x))

    def absolute(self, x: SSAValue) -> SSAValue:
        return self.add(math.AbsFOp(x))

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        *rest, total = [self.number(c, x) for c in coefficients]
        for coefficient in reversed(rest):
            total = self.plus(self.times(total, x), coefficient)
        return total

    def odd(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """x·P(x²)"""
        return self.times(x, self.polynomial(self.times(x, x), coefficients))

    def signed(self, magnitude: SSAValue, like: SSAValue) -> SSAValue:
        """The magnitude with the sign of another number."""
        return self.select(self.below(like, 0), self.add(arith.NegfOp(magnitude)), magnitude)

    def floor(self, x: SSAValue) -> SSAValue:
        return self.add(math.FloorOp(x))

    # One method for each function.

    def erf(self, x: SSAValue) -> SSAValue:
        size = self.minimum(self.absolute(x), self.number(4.2, x))
        t = self.divide(self.number(1, x), self.shifted(self.scaled(size, 0.5), 1))
        decay = self.exp(self.add(arith.NegfOp(self.times(size, size))))
        tail = self.minus(self.number(1, x), self.times(decay, self.polynomial(t, ERFC)))
        return self.select(self.below(self.absolute(x), 1), self.odd(x, ERF), self.signed(tail, x))

    def expm1(self, x: SSAValue) -> SSAValue:
        near = self.times(x, self.polynomial(x, EXPM1))
        return self.select(self.below(self.absolute(x), 0.5), near, self.shifted(self.exp(x), -1))

    def log1p(self, x: SSAValue) -> SSAValue:
        near = self.times(x, self.polynomial(x, LOG1P))
        is_near = self.add(arith.AndIOp(self.below(x, 0.5), self.less(self.number(-0.3, x), x)))
        return self.select(is_near, near, self.of(math.LogOp, self.shifted(x, 1)))

    def log10(self, x: SSAValue) -> SSAValue:
        return self.scaled(self.of(math.LogOp, x), log10(2.718281828459045))

    def half_exp(self, x: SSAValue) -> SSAValue:
        """exp(|x| / 2), which does not overflow where cosh does not."""
        return self.exp(self.scaled(self.absolute(x), 0.5))

    def sinh(self, x: SSAValue) -> SSAValue:
        root = self.half_exp(x)
        half = self.scaled(root, 0.5)
        far = self.minus(self.times(half, root), self.divide(self.divide(self.number(0.5, x), root), root))
        return self.select(self.below(self.absolute(x), 1), self.odd(x, SINH), self.signed(far, x))

    def cosh(self, x: SSAValue) -> SSAValue:
        root = self.half_exp(x)
        half = self.scaled(root, 0.5)
        return self.plus(self.times(half, root), self.divide(self.divide(self.number(0.5, x), root), root))

    def tanh(self, x: SSAValue) -> SSAValue:
        size = self.minimum(self.absolute(x), self.number(20, x))
        steep = self.shifted(self.exp(self.scaled(size, 2)), 1)
        far = self.minus(self.number(1, x), self.divide(self.number(2, x), steep))
        return self.select(self.below(self.absolute(x), 0.64), self.odd(x, TANH), self.signed(far, x))

    def asinh(self, x: SSAValue) -> SSAValue:
        """log1p(a + a² / (1 + √(a² + 1))), or log 2a for a large a."""
        a = self.absolute(x)
        bounded = self.minimum(a, self.number(LARGE, x))
        square = self.times(bounded, bounded)
        root = self.shifted(self.sqrt(self.shifted(square, 1)), 1)
        near = self.log1p(self.plus(bounded, self.divide(square, root)))
        far = self.shifted(self.of(math.LogOp, a), log(2))
        return self.signed(self.select(self.below(a, LARGE), near, far), x)

    def acosh(self, x: SSAValue) -> SSAValue:
        """log1p(t + √(t·(t + 2))) with t = x - 1, or log 2x for a large x."""
        t = self.minimum(self.shifted(x, -1), self.number(LARGE, x))
        near = self.log1p(self.plus(t, self.sqrt(self.times(t, self.shifted(t, 2)))))
        far = self.shifted(self.of(math.LogOp, x), log(2))
        return self.select(self.below(x, LARGE), near, far)

    def atanh(self, x: SSAValue) -> SSAValue:
        a = self.absolute(x)
        ratio = self.divide(self.scaled(a, 2), self.minus(self.number(1, x), a))
        return self.signed(self.scaled(self.log1p(ratio), 0.5), x)

    def asin(self, x: SSAValue) -> SSAValue:
        """Beyond 1/2: π/2 - 2·asin √((1 - a) / 2)."""
        a = self.absolute(x)
        root = self.sqrt(self.scaled(self.minus(self.number(1, x), a), 0.5))
        far = self.minus(self.number(pi / 2, x), self.scaled(self.odd(root, ASIN), 2))
        return self.select(self.below(a, 0.5), self.odd(x, ASIN), self.signed(far, x))

    def acos(self, x: SSAValue) -> SSAValue:
        """Beyond 1/2: 2·asin √((1 - a) / 2), from π for a negative x."""
        a = self.absolute(x)
        root = self.sqrt(self.scaled(self.minus(self.number(1, x), a), 0.5))
        far = self.scaled(self.odd(root, ASIN), 2)
        mirrored = self.select(self.below(x, 0), self.minus(self.number(pi, x), far), far)
        return self.select(self.below(a, 0.5), self.minus(self.number(pi / 2, x), self.odd(x, ASIN)), mirrored)

    def atan(self, x: SSAValue) -> SSAValue:
        """π/2 - atan 1/a beyond tan 3π/8, and π/4 + atan (a - 1) / (a + 1) beyond tan π/8."""
        a = self.absolute(x)
        is_far, is_near = self.less(self.number(2.41421356, x), a), self.below(a, 0.41421356)
        top = self.select(is_far, self.number(-1, x), self.select(is_near, a, self.shifted(a, -1)))
        bottom = self.select(is_far, a, self.select(is_near, self.number(1, x), self.shifted(a, 1)))
        begin = self.select(is_near, self.number(0, x), self.number(pi / 4, x))
        begin = self.select(is_far, self.number(pi / 2, x), begin)
        return self.signed(self.plus(begin, self.odd(self.divide(top, bottom), ATAN)), x)

    def sine(self, x: SSAValue, ahead: int) -> SSAValue:
        """sin(x + ahead·π/2), from the nearest multiple of π/2."""
        turns = self.floor(self.shifted(self.scaled(x, 2 / pi), 0.5))
        rest = x
        for part in HALF_PI:
            rest = self.minus(rest, self.scaled(turns, part))
        quadrant = self.shifted(turns, ahead) if ahead else turns
        is_odd = self.less(self.scaled(self.floor(self.scaled(quadrant, 0.5)), 2), quadrant)
        size = self.select(is_odd, self.polynomial(self.times(rest, rest), COS), self.odd(rest, SIN))
        cycle = self.minus(quadrant, self.scaled(self.floor(self.scaled(quadrant, 0.25)), 4))
        return self.select(self.below(cycle, 1.5), size, self.add(arith.NegfOp(size)))

    def sin(self, x: SSAValue) -> SSAValue:
        return self.sine(x, 0)

    def cos(self, x: SSAValue) -> SSAValue:
        return self.sine(x, 1)

    def tan(self, x: SSAValue) -> SSAValue:
        return self.divide(self.sine(x, 0), self.sine(x, 1))

    def cbrt(self, x: SSAValue) -> SSAValue:
        """A power of two, and one Newton step."""
        a = self.maximum(self.absolute(x), self.number(1e-37, x))
        y = self.of(math.Exp2Op, self.scaled(self.of(math.Log2Op, a), 1 / 3))
        step = self.divide(self.minus(y, self.divide(self.divide(a, y), y)), self.number(3, x))
        return self.select(self.below(self.absolute(x), 1e-37), x, self.signed(self.minus(y, step), x))

    def rsqrt(self, x: SSAValue) -> SSAValue:
        return self.divide(self.number(1, x), self.sqrt(x))

    def exp2(self, x: SSAValue) -> SSAValue:
        return self.of(math.PowFOp, self.number(2, x), x)

    def trunc(self, x: SSAValue) -> SSAValue:
        return self.signed(self.floor(self.absolute(x)), x)

    def round_away(self, x: SSAValue) -> SSAValue:
        """To the nearest integer, halves away from zero."""
        a = self.absolute(x)
        whole = self.floor(a)
        up = self.less(self.minus(a, whole), self.number(0.5, x))
        return self.signed(self.select(up, whole, self.shifted(whole, 1)), x)

    def round_even(self, x: SSAValue) -> SSAValue:
        """To the nearest integer, halves to the even one. What is subtracted is exact."""
        whole = self.floor(x)
        rest, half = self.minus(x, whole), self.number(0.5, x)
        is_even = self.equal(self.scaled(self.floor(self.scaled(whole, 0.5)), 2), whole)
        down = self.add(arith.OrIOp(self.less(rest, half), self.add(arith.AndIOp(self.equal(rest, half), is_even))))
        return self.select(down, whole, self.shifted(whole, 1))

    def copy_sign(self, x: SSAValue, sign: SSAValue) -> SSAValue:
        """The sign of zero is that of its reciprocal."""
        negative = self.below(self.divide(self.number(1, x), sign), 0)
        negative = self.select(self.equal(sign, self.number(0, x)), negative, self.below(sign, 0))
        a = self.absolute(x)
        return self.select(negative, self.add(arith.NegfOp(a)), a)

    def power(self, x: SSAValue, y: SSAValue) -> SSAValue:
        """2^(y·log2 |x|), with the sign that an odd y gives, and what the logarithm of zero would spoil."""
        match constant(y):
            case float() as n if n == int(n) and 1 <= abs(n) <= 8:
                return self.whole_power(x, int(n))
            case 0.5:
                return self.sqrt(x)
            case _:
                pass
        zero, one = self.number(0, x), self.number(1, x)
        size = self.of(math.Exp2Op, self.times(y, self.of(math.Log2Op, self.absolute(x))))
        whole = self.equal(self.floor(y), y)
        even = self.equal(self.scaled(self.floor(self.scaled(y, 0.5)), 2), y)
        negative = self.select(even, size, self.add(arith.NegfOp(size)))
        negative = self.select(whole, negative, self.number(nan, x))
        power = self.select(self.below(x, 0), negative, size)
        at_zero = self.select(self.below(y, 0), self.number(inf, x), zero)
        power = self.select(self.equal(x, zero), at_zero, power)
        trivial = self.add(arith.OrIOp(self.equal(y, zero), self.equal(x, one)))
        return self.select(trivial, one, power)

    def whole_power(self, x: SSAValue, n: int) -> SSAValue:
        """A product, by squaring."""
        result, square, bits = None, x, abs(n)
        while bits:
            if bits & 1:
                result = square if result is None else self.times(result, square)
            bits >>= 1
            square = self.times(square, square) if bits else square
        assert result is not None
        return result if n > 0 else self.divide(self.number(1, x), result)

    def floor_quotient(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """The quotient towards zero, less one where the signs differ and it is not exact."""
        quotient, zero = self.of(arith.DivSIOp, a, b), self.number(0, a)
        rest = self.minus(a, self.times(quotient, b))
        inexact = self.add(arith.CmpiOp(rest, zero, "ne"))
        differ = self.add(arith.XOrIOp(self.less(rest, zero), self.less(b, zero)))
        less = self.minus(quotient, self.number(1, a))
        return self.select(self.add(arith.AndIOp(inexact, differ)), less, quotient)

    def ceil_quotient(self, a: SSAValue, b: SSAValue) -> SSAValue:
        zero = self.number(0, a)
        return self.minus(zero, self.floor_quotient(self.minus(zero, a), b))

    def remainder(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """a - (a / b)·b"""
        return self.minus(a, self.times(self.of(arith.DivSIOp, a, b), b))

    def absolute_integer(self, x: SSAValue) -> SSAValue:
        return self.maximum(x, self.minus(self.number(0, x), x))


def constant(value: SSAValue) -> float | None:
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, FloatAttr):
        return owner.value.value.data
    return None


EXPANSIONS: dict[type[Operation], Callable[..., SSAValue]] = {
    math.ErfOp: Expression.erf,
    math.ExpM1Op: Expression.expm1,
    math.Log1pOp: Expression.log1p,
    math.Log10Op: Expression.log10,
    math.SinhOp: Expression.sinh,
    math.CoshOp: Expression.cosh,
    math.TanhOp: Expression.tanh,
    math.AsinhOp: Expression.asinh,
    math.AcoshOp: Expression.acosh,
    math.AtanhOp: Expression.atanh,
    math.AsinOp: Expression.asin,
    math.AcosOp: Expression.acos,
    math.AtanOp: Expression.atan,
    math.SinOp: Expression.sin,
    math.CosOp: Expression.cos,
    math.TanOp: Expression.tan,
    math.CbrtOp: Expression.cbrt,
    math.RsqrtOp: Expression.rsqrt,
    math.Exp2Op: Expression.exp2,
    math.TruncOp: Expression.trunc,
    math.RoundOp: Expression.round_away,
    math.RoundEvenOp: Expression.round_even,
    math.CopySignOp: Expression.copy_sign,
    math.PowFOp: Expression.power,
    math.AbsIOp: Expression.absolute_integer,
    arith.FloorDivSIOp: Expression.floor_quotient,
    arith.CeilDivSIOp: Expression.ceil_quotient,
    arith.RemSIOp: Expression.remainder,
}

NAMES = {kind.name.partition(".")[2]: kind for kind in EXPANSIONS}


@dataclass(frozen=True)
class KernelExpandMathPass(ModulePass):
    """Spell functions in terms of simpler ones, for targets that lack them. `keep` names those that the target has.

    Before:

        %y = math.tanh %x : f32

    After:

        … (a polynomial near zero, 1 - 2 / (exp(2x) + 1) elsewhere)

    Leaves alone: arithmetic, exp, log, sqrt, floor and ceil, which all targets have. Run after
    `kernel-map-points` or `kernel-tile`, on scalars, and before `kernel-lower-blocks`.
    """

    name = "kernel-expand-math"
    keep: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        kinds = {kind for name, kind in NAMES.items() if name not in self.keep}
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for inner in list(function.walk()):
                    expand(inner, kinds)


def expand(op: Operation, kinds: set[type[Operation]]) -> None:
    """Expand an operation, and what its expansion is made of."""
    if type(op) not in kinds or op.results[0].type == i1:
        return
    body = Expression()
    result = EXPANSIONS[type(op)](body, *op.operands)
    for made in body.ops:
        made.location = op.location
    Rewriter.replace_op(op, body.ops, [result])
    for made in body.ops:
        expand(made, kinds)
