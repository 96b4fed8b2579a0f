"""`js-legalize`: JavaScript computes in doubles, rounded to floats where it matters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f32, f64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.targets.casts import legalize_cast
from webdnn.targets.comparisons import expand_comparison

WHOLE_NUMBERS = (math.FloorOp, math.CeilOp, math.TruncOp, math.RoundOp, math.RoundEvenOp)
JUMPS = (arith.CmpfOp, arith.FPToSIOp, arith.FPToUIOp, *WHOLE_NUMBERS)
"""Where a difference in the last place may change the result by more than that."""

KEEPS = (arith.SelectOp, arith.MaximumfOp, arith.MinimumfOp, arith.NegfOp, math.AbsFOp)
"""What gives one of its operands, or its negative."""


@dataclass
class Doubles:
    """One function whose floats become doubles. `singles` are those that were floats."""

    function: FuncOp
    singles: set[SSAValue] = field(default_factory=set[SSAValue])

    def run(self) -> None:
        for op in list(self.function.walk()):
            self.convert(op)
        for op in list(self.function.walk()):
            if isinstance(op, JUMPS):
                for i, operand in enumerate(op.operands):
                    if operand in self.singles and not self.is_rounded(operand):
                        op.operands[i] = self.rounded(operand, op)

    def convert(self, op: Operation) -> None:
        """Give the operation's float results and block arguments the type f64."""
        for region in op.regions:
            for block in region.blocks:
                for argument in [a for a in block.args if a.type == f32]:
                    self.singles.add(Rewriter.replace_value_with_new_type(argument, f64))
        match op:
            case arith.ConstantOp() if op.result.type == f32 and isinstance(op.value, FloatAttr):
                exact = arith.ConstantOp(FloatAttr(float(np.float32(op.value.value.data)), f64))
                Rewriter.replace_op(op, exact)
                self.singles.add(exact.result)
            case ReadOp() if op.result.type == f32:
                self.widen(op)
            case WriteOp() if op.value in self.singles:
                op.operands[0] = insert(arith.TruncFOp(op.value, f32), op)
            case arith.ExtFOp():
                Rewriter.replace_op(op, [], [self.rounded(op.input, op)])  # a double from here on
            case arith.TruncFOp():
                self.widen(op)
            case arith.BitcastOp() if op.input in self.singles:
                op.operands[0] = insert(arith.TruncFOp(op.input, f32), op)
            case arith.BitcastOp() if op.result.type == f32:
                self.widen(op)
            case _:
                for result in [r for r in op.results if r.type == f32]:
                    self.singles.add(Rewriter.replace_value_with_new_type(result, f64))

    def widen(self, op: Operation) -> None:
        """What used the operation's float uses the same number as a double."""
        wide = arith.ExtFOp(op.results[0], f64)
        op.results[0].replace_uses_with_if(wide.result, lambda use: use.operation is not wide)
        Rewriter.insert_op(wide, InsertPoint.after(op))
        self.singles.add(wide.result)

    def rounded(self, value: SSAValue, user: Operation) -> SSAValue:
        return insert(arith.ExtFOp(insert(arith.TruncFOp(value, f32), user), f64), user)

    def is_rounded(self, value: SSAValue) -> bool:
        """Is the value known to be a float?"""
        owner = value.owner
        if isinstance(owner, (arith.ExtFOp, arith.ConstantOp, *WHOLE_NUMBERS)):
            return True
        return isinstance(owner, KEEPS) and all(self.is_rounded(o) for o in owner.operands if o.type == f64)


def insert(op: Operation, before: Operation) -> SSAValue:
    Rewriter.insert_op(op, InsertPoint.before(before))
    return op.results[0]


@dataclass(frozen=True)
class JsLegalizePass(ModulePass):
    """Compute in f64, which is all that JavaScript has; a store rounds to the element's type.

    Between loads and stores the extra digits stay, except before what jumps: comparisons, rounding to whole numbers
    and casts to integers see the float, as they would on every other target.

    Before:

        %s = arith.divf %a, %b : f32
        %r = math.roundeven %s : f32

    After:

        %s = arith.divf %a, %b : f64
        %t = arith.truncf %s : f64 to f32
        %u = arith.extf %t : f32 to f64
        %r = math.roundeven %u : f64

    Leaves alone: integers; i64 is BigInt. Run after `kernel-lower-accesses`.
    """

    name = "js-legalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                for inner in list(function.walk()):
                    expand_comparison(inner, nan_by_bits=False)
                    legalize_cast(inner)
                Doubles(function).run()
