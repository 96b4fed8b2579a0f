"""`dnn-narrow-integers`: sums of 64 bits of which 32 are read are computed in 32."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.elementwise import AddOp, MulOp, NegOp, SubOp, WhereOp
from webdnn.dialects.dnn.reduction import ReduceSumOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of, known
from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.element import tensor_type
from webdnn.passes.dnn.rewriting import bodies, forward, is_read_once, replace

MODULAR = (AddOp, ConcatOp, ExpandOp, MulOp, NegOp, ReduceSumOp, ReshapeOp, SliceOp, SubOp, TransposeOp, WhereOp)
"""Operators whose low bits depend on the low bits of their operands alone"""


def is_wide(value: SSAValue) -> bool:
    """Are these integers of 64 bits?"""
    return tensor_type(value).element_type == i64


def narrowed(cast: CastOp) -> list[CastOp]:
    """cast(f(x, …)) -> f(cast(x), …), when nobody else reads what f gives; the casts that are new.

    cast(cast(x)) -> x, for an x of 32 bits.
    """
    op = cast.input.owner
    if isinstance(op, CastOp) and tensor_type(op.input).element_type == i32:
        forward(cast, op.input)
        return []
    if not isinstance(op, MODULAR) or not is_read_once(cast.input):
        return []
    made: list[DnnOp] = []
    operands: list[SSAValue] = []
    for operand in op.operands:
        array = known(operand)
        if not is_wide(operand):
            operands.append(operand)
            continue
        made.append(CastOp.of(operand, to=i32) if array is None else constant_of(as_array(array.astype("int32"))))
        operands.append(made[-1].results[0])
    replace(cast, [*made, rebuilt(op, operands)], op)
    return [new for new in made if isinstance(new, CastOp)]


def rebuilt(op: DnnOp, operands: list[SSAValue]) -> DnnOp:
    """The operator on other operands."""
    given = [operands] if isinstance(op, ConcatOp) else operands
    return type(op).of(*given, **op.properties)


def narrows(op: Operation) -> bool:
    """Does an operator read 32 of 64 bits?"""
    return isinstance(op, CastOp) and is_wide(op.input) and tensor_type(op.results[0]).element_type == i32


@dataclass(frozen=True)
class DnnNarrowIntegersPass(ModulePass):
    """Compute in 32 bits what becomes integers of 32 bits: lengths that exporters take from a mask of 64.

    Before:

        %a = dnn.reduce_sum %m {axes = array<i64: 1>, keepdims = false} : (tensor<2x9xi64>) -> tensor<2xi64>
        %b = dnn.sub %a, %one : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
        %y = dnn.cast %b {to = i32} : (tensor<2xi64>) -> tensor<2xi32>

    After:

        %c = dnn.cast %m {to = i32} : (tensor<2x9xi64>) -> tensor<2x9xi32>
        %a = dnn.reduce_sum %c {axes = array<i64: 1>, keepdims = false} : (tensor<2x9xi32>) -> tensor<2xi32>
        %y = dnn.sub %a, %one : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>

    The low bits of sums, differences and products depend on the low bits of what they take alone. GPUs, which have no
    integers of 64 bits, so compute sums that could leave those of 32.
    Leaves alone: quotients, maxima and comparisons, which ask all bits; what is read in 64 bits as well. Run after
    `dnn-fold-constants`.
    """

    name = "dnn-narrow-integers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            pending = [operator for operator in block.ops if narrows(operator)]
            while pending:
                cast = pending.pop()
                assert isinstance(cast, CastOp)
                if cast.parent is not None:
                    pending += narrowed(cast)
