"""Numpy evaluation of straight-line kernels: `arith` and `math` operations, wasm instructions and counted loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, scf, vector
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.reference.casts import CASTS, Numbers, dtype_of
from webdnn.dialects.kernel.reference.scalars import evaluate_scalar
from webdnn.support.weights import Array
from webdnn.targets.wasm.dialect import InstructionOp


def bytes_of(a: Numbers) -> NDArray[np.uint8]:
    return np.ascontiguousarray(a).view(np.uint8)


def byte_counts(a: Numbers) -> Array:
    return np.bitwise_count(bytes_of(a)).view(a.dtype)


def added_bytes(a: Numbers) -> Array:
    """Neighbours added as halves."""
    parts = bytes_of(a).astype(np.uint16)
    return (parts[..., 0::2] + parts[..., 1::2]).view(a.dtype)


def added_halves(a: Numbers) -> Array:
    """Neighbours added as words."""
    parts = np.ascontiguousarray(a).view(np.uint16).astype(np.uint32)
    return (parts[..., 0::2] + parts[..., 1::2]).view(a.dtype)


def chosen(yes: Numbers, no: Numbers, test: NDArray[np.bool]) -> Array:
    return np.where(test, yes, no)


def converted(a: Numbers) -> Array:
    return a.astype(np.float32)


def saturated(a: Numbers) -> Array:
    return CASTS[arith.FPToSIOp](a, np.dtype(np.int32))


def products_of_pairs(a: Numbers, b: Numbers) -> Array:
    """The products of halves, neighbours added."""
    parts = [np.ascontiguousarray(x).view(np.int16).astype(np.int32) for x in (a, b)]
    products = parts[0] * parts[1]
    return products[..., 0::2] + products[..., 1::2]


def difference_of_bits(a: Numbers, b: Numbers) -> Array:
    return np.ascontiguousarray(a).view(np.int32) - np.ascontiguousarray(b).view(np.int32)


def fused(a: Numbers, b: Numbers, c: Numbers) -> Array:
    """a·b + c of f32, rounded once: the product is exact in f64, and the sum's error there decides ties."""
    product, summand = a.astype(np.float64) * b, np.asarray(c).astype(np.float64)
    total = product + summand
    part = total - product
    error = (product - (total - part)) + (summand - part)
    odd = np.ascontiguousarray(total).view(np.int64) & 1
    toward = np.where(error > 0, np.inf, -np.inf)
    inexact = np.isfinite(total) & (error != 0) & (odd == 0)
    return np.where(inexact, np.nextafter(total, toward), total).astype(np.float32)


def rounded_twice(a: Numbers, b: Numbers, c: Numbers) -> Array:
    return a * b + c


MULTIPLY_ADD: dict[bool, Callable[..., Array]] = {True: fused, False: rounded_twice}
"""By whether it is fused"""

TESTS: dict[str, Callable[..., Array]] = {
    "lt": np.less,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt_s": np.less,
    "ge_s": np.greater_equal,
}

INSTRUCTIONS: dict[str, Callable[..., Array]] = {
    **{f"{shape}.{name}": function for shape in ("f32x4", "i32x4") for name, function in TESTS.items()},
    "v128.bitselect": chosen,
    "f32x4.convert_i32x4_s": converted,
    "i32x4.trunc_sat_f32x4_s": saturated,
    "i32x4.abs": np.abs,
    "i32x4.dot_i16x8_s": products_of_pairs,
    "i32x4.sub": difference_of_bits,
    "i8x16.popcnt": byte_counts,
    "i16x8.extadd_pairwise_i8x16_u": added_bytes,
    "i32x4.extadd_pairwise_i16x8_u": added_halves,
}


@dataclass
class Evaluator:
    """Values of operations at many points at once; vector multiply-adds round once (`fused`) or twice."""

    values: dict[SSAValue, Array]
    fused: bool = True

    def run(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            if isinstance(op, scf.ForOp):
                self.loop(op)
            elif not isinstance(op, scf.YieldOp):
                self.values[op.results[0]] = self.evaluate(op, [self.values[o] for o in op.operands])

    def evaluate(self, op: Operation, operands: Sequence[Array]) -> Array:
        match op:
            case InstructionOp():
                return INSTRUCTIONS[op.instruction.data](*operands)
            case LanesOp():
                return np.stack(np.broadcast_arrays(*operands), axis=-1)
            case vector.FMAOp():
                with np.errstate(all="ignore"):
                    return MULTIPLY_ADD[self.fused](*operands)
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
