"""Vector operations that a language has no operator for, lane by lane."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects import arith, math, memref, scf, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, f32, f64, i1, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_of, is_vector
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.lanewise import applied
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.vectors import extract

WHOLE = (
    *(arith.AddfOp, arith.SubfOp, arith.MulfOp, arith.DivfOp, arith.NegfOp, arith.MaximumfOp, arith.MinimumfOp),
    *(arith.AddiOp, arith.SubiOp, arith.MuliOp, arith.ConstantOp, math.FmaOp, vector.FMAOp),
    *(vector.BroadcastOp, vector.ExtractOp, LanesOp, memref.LoadOp, memref.StoreOp),
    *(scf.ForOp, scf.YieldOp, scf.IfOp, memref.AllocaOp),
)
"""What works on whole vectors in GLSL ES, beside the functions of `math`."""

Condition = Callable[[Operation], bool]


def scalarize(function: FuncOp, needs_lanes: Condition) -> None:
    """op(a, b) -> lanes(op(a[0], b[0]), …) for operations that need it."""
    for op in list(function.walk()):
        if isinstance(op, arith.SelectOp):
            op.operands[0] = common_lane(op.cond)
        if len(op.results) != 1 or not is_vector(op.results[0].type) or not needs_lanes(op):
            continue
        (result,) = op.results
        assert is_vector(result.type)
        scalars: list[SSAValue] = []
        for lane in range(result.type.get_shape()[0]):
            operands = [lane_of(o, lane, op) for o in op.operands]
            if isinstance(op, arith.SelectOp) and (known := known_bit(operands[0])) is not None:
                scalars.append(operands[1 if known else 2])
                continue
            scalar = applied(op, operands, element_of(result.type))
            scalar.location = op.location
            Rewriter.insert_op(scalar, InsertPoint.before(op))
            scalars.append(scalar.results[0])
        Rewriter.replace_op(op, LanesOp(scalars))


def known_bit(condition: SSAValue) -> bool | None:
    """Whether a scalar condition holds, where it is a constant."""
    owner = condition.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return bool(owner.value.value.data)
    return None


SCALAR = (
    *(arith.CmpfOp, arith.CmpiOp, arith.ExtUIOp, arith.ExtSIOp, arith.TruncIOp),
    *(arith.SIToFPOp, arith.UIToFPOp, arith.FPToSIOp, arith.FPToUIOp),
)
"""What the IR has of scalars alone."""


def common_lane(mask: SSAValue) -> SSAValue:
    """The scalar that all lanes of a mask are, or the mask."""
    lanes = mask.owner
    if isinstance(lanes, LanesOp) and len(set(lanes.scalars)) == 1:
        return lanes.scalars[0]
    return lanes.source if isinstance(lanes, vector.BroadcastOp) else mask


def compares_lanes(op: Operation) -> bool:
    """A comparison of vectors, a select by one, or a cast."""
    return is_vector(op.cond.type) if isinstance(op, arith.SelectOp) else isinstance(op, SCALAR)


def has_no_vectors(op: Operation) -> bool:
    """What GLSL ES does on scalars alone."""
    if isinstance(op, arith.SelectOp):
        return compares_lanes(op)
    return not isinstance(op, WHOLE) and not op.name.startswith("math.")


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
        new: Operation = scalar_constant(owner.value, lane)
    else:
        new = extract(value, lane)
    Rewriter.insert_op(new, InsertPoint.before(user))
    return new.results[0]


def scalar_constant(dense: DenseIntOrFPElementsAttr, lane: int) -> arith.ConstantOp:
    """One element of a constant vector."""
    values, element = dense.get_values(), dense.type.get_element_type()
    value = values[lane]
    assert isinstance(value, int | float)
    if element in (f32, f64):
        return arith.ConstantOp(FloatAttr(value, f64 if element == f64 else f32))
    return arith.ConstantOp(IntegerAttr(int(value), next(t for t in (i1, i32, i64) if t == element)))
