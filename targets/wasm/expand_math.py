"""`wasm-expand-math`: functions without a wasm instruction become arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.targets.wasm.math import (
    error_function,
    exponential,
    hyperbolic,
    integer,
    inverse_trigonometric,
    logarithm,
    power,
    roots,
    trigonometric,
)
from webdnn.targets.wasm.math.builder import Number, Real, Recorder, Whole

UNARY: Mapping[type[Operation], Callable[[Real], Real]] = {
    math.ExpOp: exponential.exp,
    math.Exp2Op: exponential.exp2,
    math.ExpM1Op: exponential.expm1,
    math.LogOp: logarithm.log_,
    math.Log2Op: logarithm.log2_,
    math.Log10Op: logarithm.log10_,
    math.Log1pOp: logarithm.log1p,
    math.SinhOp: hyperbolic.sinh,
    math.CoshOp: hyperbolic.cosh,
    math.TanhOp: hyperbolic.tanh,
    math.AsinhOp: hyperbolic.asinh,
    math.AcoshOp: hyperbolic.acosh,
    math.AtanhOp: hyperbolic.atanh,
    math.SinOp: trigonometric.sin,
    math.CosOp: trigonometric.cos,
    math.TanOp: trigonometric.tan,
    math.AsinOp: inverse_trigonometric.asin,
    math.AcosOp: inverse_trigonometric.acos,
    math.AtanOp: inverse_trigonometric.atan,
    math.ErfOp: error_function.erf,
    math.CbrtOp: roots.cbrt,
    math.RsqrtOp: roots.rsqrt,
    math.RoundOp: roots.round_away,
}


def constant_value(value: SSAValue) -> float | None:
    """The float that every lane of a constant is."""
    owner = value.owner
    if not isinstance(owner, arith.ConstantOp):
        return None
    match owner.value:
        case FloatAttr():
            return owner.value.value.data
        case DenseIntOrFPElementsAttr() if owner.value.is_splat():
            first = owner.value.get_values()[0]
            return None if isinstance(first, tuple) else float(first)
        case _:
            return None


def raised(x: Real, exponent: SSAValue) -> Real:
    """x^y, by products where y is a small constant."""
    constant = constant_value(exponent)
    simple = None if constant is None else power.constant_power(x, constant)
    return simple or power.power(x, Real(x.to, exponent))


def expansion(op: Operation, to: Recorder) -> Number | None:
    """The result of an operation by arithmetic; None where the operation may stay."""

    def real(value: SSAValue) -> Real:
        return Real(to, value)

    match op:
        case math.PowFOp():
            return raised(real(op.lhs), op.rhs)
        case math.FPowIOp():
            return integer.float_to_integer_power(real(op.lhs), Whole(to, op.rhs))
        case math.Atan2Op():
            return inverse_trigonometric.atan2(real(op.lhs), real(op.rhs))
        case math.CopySignOp() if real(op.lhs).lanes > 1:
            return roots.copysign(real(op.lhs), real(op.rhs))
        case math.FmaOp():
            return real(op.a).times_plus(real(op.b), real(op.c))
        case math.AbsIOp():
            return integer.absolute(Whole(to, op.operand))
        case math.CtPopOp():
            return integer.bit_count(Whole(to, op.operand))
        case math.IPowIOp():
            return integer.integer_power(Whole(to, op.lhs), Whole(to, op.rhs))
        case _:
            function = UNARY.get(type(op))
            return None if function is None else function(real(op.operands[0]))


def expand_math(function: FuncOp) -> None:
    to = Recorder()
    for op in list(function.walk()):
        to.ops = []
        result = expansion(op, to)
        if result is not None:
            result.value.name_hint = result.value.name_hint or op.results[0].name_hint
            Rewriter.replace_op(op, to.ops, [result.value])
    if to.constants:
        Rewriter.insert_op(to.constants, InsertPoint.at_start(function.body.block))


@dataclass(frozen=True)
class WasmExpandMathPass(ModulePass):
    """Replace functions that have no wasm instruction by arithmetic on f32, vectors of f32 and f64.

    Vectors are computed as such; only angles and powers are, lane by lane, reduced or computed in f64. Constants go
    to the start of the function.

    Before:

        %y = math.round %x : f32

    After:

        %t = math.trunc %x : f32
        %d = arith.subf %x, %t : f32
        … (t + copysign(1, x) where |d| >= 1/2)

    Leaves alone: sqrt, floor, ceil, trunc, roundeven, absf, scalar copysign and bit counts, which are instructions.
    Run after `kernel-lower-blocks` and before `wasm-select-instructions`.
    """

    name = "wasm-expand-math"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                expand_math(function)
