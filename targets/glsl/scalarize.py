"""Vector operations that GLSL ES has no operator for, lane by lane."""

from __future__ import annotations

from xdsl.dialects import arith, math, memref, scf, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, IntegerType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_of, is_vector
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.block_lowering import extract

WHOLE = (
    *(arith.AddfOp, arith.SubfOp, arith.MulfOp, arith.DivfOp, arith.NegfOp, arith.MaximumfOp, arith.MinimumfOp),
    *(arith.AddiOp, arith.SubiOp, arith.MuliOp, arith.SIToFPOp, arith.FPToSIOp, arith.ConstantOp, math.FmaOp),
    *(vector.FMAOp, vector.BroadcastOp, vector.ExtractOp, LanesOp, memref.LoadOp, memref.StoreOp),
    *(scf.ForOp, scf.YieldOp, scf.IfOp, memref.AllocaOp),
)
"""What works on whole vectors, beside the functions of `math`."""


def scalarize(function: FuncOp) -> None:
    """op(a, b) -> lanes(op(a[0], b[0]), …) where vectors have no such operation."""
    for op in list(function.walk()):
        if not needs_lanes(op):
            continue
        (result,) = op.results
        assert is_vector(result.type)
        scalars: list[SSAValue] = []
        for lane in range(result.type.get_shape()[0]):
            operands = [lane_of(o, lane, op) for o in op.operands]
            scalar = op.create(
                operands=operands, result_types=[element_of(result.type)], properties=dict(op.properties)
            )
            scalar.location = op.location
            Rewriter.insert_op(scalar, InsertPoint.before(op))
            scalars.append(scalar.results[0])
        Rewriter.replace_op(op, LanesOp(scalars))


def needs_lanes(op: Operation) -> bool:
    if len(op.results) != 1 or not is_vector(op.results[0].type) or isinstance(op, WHOLE):
        return False
    if isinstance(op, arith.SelectOp):
        return is_vector(op.cond.type)
    return not op.name.startswith("math.")


def lane_of(value: SSAValue, lane: int, user: Operation) -> SSAValue:
    """One lane of an operand; a scalar is the same in every lane."""
    if not is_vector(value.type):
        return value
    owner = value.owner
    if isinstance(owner, LanesOp):
        return owner.scalars[lane]
    if isinstance(owner, vector.BroadcastOp):
        return owner.source
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, DenseIntOrFPElementsAttr):
        new: Operation = arith.ConstantOp(number(owner.value.get_values()[lane], element_of(value.type)))
    else:
        new = extract(value, lane)
    Rewriter.insert_op(new, InsertPoint.before(user))
    return new.results[0]


def number(value: float, type: Attribute) -> IntegerAttr | FloatAttr:
    if isinstance(type, IntegerType):
        return IntegerAttr(int(value), type)
    return FloatAttr(value, 32)
