"""Numpy evaluation of straight-line kernels: `arith` and `math` operations, wasm instructions and counted loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, scf, vector
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Attribute, Operation, SSAValue

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.reference.casts import CASTS, dtype_of
from webdnn.dialects.kernel.reference.scalars import evaluate_scalar
from webdnn.targets.wasm.dialect import InstructionOp

Numbers = NDArray[np.float64]
"""An array of any element type, whose lanes are its last axis where it stands for a vector"""


def bytes_of(a: Numbers) -> NDArray[np.uint8]:
    return np.ascontiguousarray(a).view(np.uint8)


def added_in_pairs(a: Numbers, type: str) -> Numbers:
    parts = np.ascontiguousarray(a).view(type)
    wide = f"u{parts.dtype.itemsize * 2}"
    return (parts[..., 0::2].astype(wide) + parts[..., 1::2].astype(wide)).view(a.dtype)


TESTS: dict[str, Callable[..., Numbers]] = {
    "lt": np.less,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt_s": np.less,
    "ge_s": np.greater_equal,
}

INSTRUCTIONS: dict[str, Callable[..., Numbers]] = {
    **{f"{shape}.{name}": function for shape in ("f32x4", "i32x4") for name, function in TESTS.items()},
    "v128.bitselect": lambda yes, no, test: np.where(test, yes, no),
    "f32x4.convert_i32x4_s": lambda a: a.astype(np.float32),
    "i32x4.trunc_sat_f32x4_s": lambda a: CASTS[arith.FPToSIOp](a, np.dtype(np.int32)),
    "i32x4.abs": np.abs,
    "i8x16.popcnt": lambda a: np.bitwise_count(bytes_of(a)).view(a.dtype),
    "i16x8.extadd_pairwise_i8x16_u": lambda a: added_in_pairs(a, "u1"),
    "i32x4.extadd_pairwise_i16x8_u": lambda a: added_in_pairs(a, "u2"),
}


@dataclass
class Evaluator:
    """Values of operations at many points at once; vector multiply-adds round once (`fused`) or twice."""

    values: dict[SSAValue, Numbers]
    fused: bool = True

    def run(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            if isinstance(op, scf.ForOp):
                self.loop(op)
            elif not isinstance(op, scf.YieldOp):
                self.values[op.results[0]] = self.evaluate(op, [self.values[o] for o in op.operands])

    def evaluate(self, op: Operation, operands: Sequence[Numbers]) -> Numbers:
        match op:
            case InstructionOp():
                return INSTRUCTIONS[op.instruction.data](*operands)
            case LanesOp():
                return np.stack(np.broadcast_arrays(*operands), axis=-1)
            case vector.FMAOp() if not self.fused:
                with np.errstate(all="ignore"):
                    return operands[0] * operands[1] + operands[2]
            case vector.FMAOp():
                return fused(*operands)
            case _:
                return np.asarray(evaluate_scalar(op, operands)).view(dtype_of(op.results[0].type))

    def loop(self, op: scf.ForOp) -> None:
        trips = op.ub.owner
        assert isinstance(trips, arith.ConstantOp)
        assert isinstance(trips.value, IntegerAttr)
        carried = [self.values[a] for a in op.iter_args]
        *body, end = op.body.block.ops
        for _ in range(trips.value.value.data):
            self.values.update(zip(op.body.block.args[1:], carried, strict=True))
            self.run(body)
            carried = [self.values[v] for v in end.operands]
        self.values.update(zip(op.results, carried, strict=True))


def fused(a: Numbers, b: Numbers, c: Numbers) -> Numbers:
    """a·b + c of f32, rounded once: the product is exact in f64, and the sum's error there decides ties."""
    with np.errstate(all="ignore"):
        product, c = a.astype(np.float64) * b, np.asarray(c, np.float64)
        total = product + c
        part = total - product
        error = (product - (total - part)) + (c - part)
        odd = np.ascontiguousarray(total).view(np.int64) & 1
        toward = np.where(error > 0, np.inf, -np.inf)
        inexact = np.isfinite(total) & (error != 0) & (odd == 0)
        return np.where(inexact, np.nextafter(total, toward), total).astype(np.float32)


def lanes_of(type: Attribute, array: Numbers) -> Numbers:
    """Points as they are for a scalar, four to a vector."""
    return array.reshape(-1, 4) if is_vector(type) else array
