"""`kernel-pad-operands`: what windows read beyond an operand's edge is stored there, so that nobody tests for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_tensor, tensor_type
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import ints, range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.fusion.fold_initial_values import is_zero
from webdnn.passes.kernel.memory.scan_buffers import copy_of
from webdnn.support.index import stays_inside

Halo = tuple[tuple[int, int], ...]
"""Elements before and behind each axis"""

GROWTH = 2.5
"""How many times an operand may grow by its halo."""


def wanted(read: ReadOp) -> Halo | None:
    """The halo that a read inside a sum wants: None where it never leaves, or may leave by an unknown distance."""
    parent = read.parent_op()
    if not read.outside or not is_zero(read.outside) or not isinstance(parent, ReduceOp):
        return None
    if parent.kind.data is not ReduceKind.ADD or not is_tensor(read.source.type):
        return None
    halo: list[tuple[int, int]] = []
    for index, extent in zip(read.exprs, tensor_type(read.source).get_shape(), strict=True):
        span = index.bounds(range_of)
        if span is None:
            return None
        halo.append((max(0, -span[0]), max(0, span[1] - extent + 1)))
    return tuple(halo) if any(low or high for low, high in halo) else None


def union(halos: Sequence[Halo]) -> Halo:
    return tuple((max(low for low, _ in axis), max(high for _, high in axis)) for axis in zip(*halos, strict=True))


def padded_type(value: SSAValue, halo: Halo) -> TensorType[Attribute]:
    type = tensor_type(value)
    return TensorType(
        type.element_type, [low + n + high for n, (low, high) in zip(type.get_shape(), halo, strict=True)]
    )


def read_padded(read: ReadOp, source: SSAValue, halo: Halo) -> None:
    """read(A, e) outside 0 -> read(A', e + low), when A' holds zeros around A."""
    exprs = [e + low for e, (low, _) in zip(read.exprs, halo, strict=True)]
    inside = stays_inside(exprs, tensor_type(source).get_shape(), range_of)
    Rewriter.replace_op(read, ReadOp(source, exprs, None if inside else read.outside, read.result.type))


def pad(value: SSAValue) -> None:
    """Store a value with the halo that its readers want: where it is made, or else in a copy for those readers."""
    reads = [use.operation for use in value.uses if isinstance(use.operation, ReadOp)]
    halos = {read: halo for read in reads if (halo := wanted(read))}
    if not halos:
        return
    halo = union(list(halos.values()))
    if prod(padded_type(value, halo).get_shape()) > GROWTH * prod(tensor_type(value).get_shape()):
        return
    producer = value.owner
    only_read = len(reads) == len(list(value.uses))
    if isinstance(producer, ComputeOp) and len(producer.res) == 1 and producer.inset is None and only_read:
        producer.inset = ints([low for low, _ in halo])
        new = Rewriter.replace_value_with_new_type(value, padded_type(value, halo))
        for read in reads:
            read_padded(read, new, halo)
        return
    copy = copy_of(value)
    new = Rewriter.replace_value_with_new_type(copy.res[0], padded_type(value, halo))
    copy.inset = ints([low for low, _ in halo])
    Rewriter.insert_op(copy, after_definition(value))
    for read in halos:
        read_padded(read, new, halo)


def after_definition(value: SSAValue) -> InsertPoint:
    owner = value.owner
    return InsertPoint.at_start(owner) if isinstance(owner, Block) else InsertPoint.after(owner)


@dataclass(frozen=True)
class KernelPadOperandsPass(ModulePass):
    """Give the operands of windows a halo of zeros, so that the inner loops of convolutions test nothing.

    Before:

        %0 = kernel.compute (%y = 8, …) -> tensor<8x…xf32> { … }
        … kernel.read %0[%y + %ky + -1, …] outside %zero …

    After:

        %0 = kernel.compute (%y = 8, …) -> tensor<10x…xf32> inset [1, …] { … }
        … kernel.read %0[%y + %ky, …] …

    Leaves alone: reads that are not part of a sum, whose value outside is not zero, or whose halo would more than
    double the operand. A value that is also viewed, concatenated or returned is copied for its windows.
    Run after fusion, before `kernel-assign-buffers`.
    """

    name = "kernel-pad-operands"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        values = {read.source: None for read in op.walk() if isinstance(read, ReadOp) and wanted(read)}
        for value in values:
            pad(value)
