"""`kernel-pack-weights`: constants are laid out, offline, in the order in which their kernel reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.constants import array_of
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import LoopOp, is_value, range_of
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.support.index import ZERO, Index, floordiv, mod, stays_inside, symbol
from webdnn.support.weights import STORE

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Packing:
    """A constant's dimensions in a new order, the last one padded to `align`.

    If `panel` is more than 1, the last one is cut in panels, which lie before the dimensions from `at` on.
    """

    order: tuple[int, ...]
    align: int = 1
    panel: int = 1
    at: int = 0

    def array(self, array: Array) -> Array:
        """The constant, packed."""
        packed = array.transpose(self.order)
        unit = max(self.align, self.panel)
        if packed.ndim and packed.shape[-1] % unit:
            short = -packed.shape[-1] % unit
            packed = np.pad(packed, [*[(0, 0)] * (packed.ndim - 1), (0, short)])
        if self.panel > 1:
            packed = packed.reshape(*packed.shape[:-1], packed.shape[-1] // self.panel, self.panel)
            packed = np.moveaxis(packed, -2, self.at)
        return np.ascontiguousarray(packed).reshape(packed.shape)

    def indices(self, indices: Sequence[Index]) -> list[Index]:
        """Where an element of the constant is read in the packed one."""
        packed = [indices[d] for d in self.order]
        if self.panel > 1:
            last = packed.pop()
            packed.insert(self.at, floordiv(last, self.panel, range_of))
            packed.append(mod(last, self.panel, range_of))
        return packed


def plain_symbols(indices: Sequence[Index]) -> list[SSAValue | None] | None:
    """The axis that each index is, None where it is a number; or None where an index is anything else."""
    found: list[SSAValue | None] = []
    for index in indices:
        if index.is_constant:
            found.append(None)
            continue
        atom = next(iter(index.terms), None)
        if not is_value(atom) or index != symbol(atom) or atom in found:
            return None
        found.append(atom)
    return found


def streams_other_operand(read: ReadOp, lane: SSAValue) -> bool:
    """Does the reduction around the read multiply it by something that does not depend on the lane axis?"""
    parent = read.parent_op()
    if not isinstance(parent, ReduceOp):
        return False
    others = [o for o in parent.walk() if isinstance(o, ReadOp) and o.source is not read.source]
    return any(lane not in e.symbols for o in others for e in [sum(o.exprs, ZERO)])


@dataclass(frozen=True)
class Packer:
    """How a target wants constants: panels of this many columns for matrix products, rows padded to `align`."""

    panel: int
    align: int

    def packing(self, read: ReadOp, compute: ComputeOp) -> Packing | None:
        """Loop order: steps, the compute's axes, then the reduction's, then the compute's last, which has lanes."""
        axes = plain_symbols(read.exprs)
        if axes is None:
            return None
        lane = compute.axes[-1] if compute.axes else None

        def rank(d: int) -> tuple[int, int]:
            axis = axes[d]
            if axis is None or isinstance(axis.owner, Block) and isinstance(axis.owner.parent_op(), LoopOp):
                return 0, d
            if axis is lane:
                return 3, d
            owner = axis.owner
            in_compute = isinstance(owner, Block) and owner.parent_op() is compute
            place = axis.index if isinstance(axis, BlockArgument) else d
            return (1 if in_compute else 2), place

        order = tuple(sorted(range(len(axes)), key=rank))
        at = sum(rank(d)[0] < 2 for d in order)
        has_lanes = bool(axes) and lane is not None and lane in axes
        wide = has_lanes and shape_of(read.source)[order[-1]] >= self.panel
        streams = has_lanes and at < len(order) - 1 and lane is not None and streams_other_operand(read, lane)
        panel = self.panel if wide and streams else 1
        return Packing(order, self.align if has_lanes else 1, panel, at)


def constant_of(array: Array, like: ConstantOp) -> ConstantOp:
    """A weight with these elements, of the element type of another constant."""
    new = ConstantOp.weight(STORE.put(array), element_type(like.output.type), array.shape)
    new.location = like.location
    new.output.name_hint = like.output.name_hint
    return new


def compute_around(read: ReadOp) -> ComputeOp | None:
    parent = read.parent_op()
    while isinstance(parent, ReduceOp):
        parent = parent.parent_op()
    return parent if isinstance(parent, ComputeOp) else None


def pack(op: ConstantOp, packer: Packer) -> None:
    """read(A, e) -> read(A', map(e)) for every reader; readers that agree share one packed constant."""
    made: dict[Packing | None, ConstantOp] = {}
    reads = [use.operation for use in list(op.output.uses)]
    for read in reads:
        if not isinstance(read, ReadOp):
            continue
        compute = compute_around(read)
        packing = packer.packing(read, compute) if compute else None
        if packing not in made:
            array = array_of(op)
            made[packing] = constant_of(array if packing is None else packing.array(array), op)
            Rewriter.insert_op(made[packing], InsertPoint.before(op))
        source = made[packing].output
        exprs = read.exprs if packing is None else packing.indices(read.exprs)
        inside = stays_inside(exprs, shape_of(source), range_of)
        Rewriter.replace_op(read, ReadOp(source, exprs, None if inside else read.outside, read.result.type))
    if not list(op.output.uses):
        Rewriter.erase_op(op)
    elif not isinstance(op.value, WeightAttr):
        Rewriter.replace_op(op, constant_of(array_of(op), op))


@dataclass(frozen=True)
class KernelPackWeightsPass(ModulePass):
    """Lay every constant out in the order of the loops that read it; what is repacked costs nothing at run time.

    Before (panel=8):

        %w = dnn.constant #dnn.weight<… : tensor<64x32x3x3xf32>> …
        … kernel.read %w[%o, %ci, %ky, %kx] …

    After:

        %w = dnn.constant #dnn.weight<… : tensor<8x3x3x32x8xf32>> …
        … kernel.read %w[%o floordiv 8, %ky, %kx, %ci, %o mod 8] …

    Leaves alone: constants that are read at computed or scaled indices, which keep their own order.
    Run after fusion, and before `kernel-assign-buffers`, which takes weights only.
    """

    name = "kernel-pack-weights"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    panel: int = 1
    align: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp):
                for constant in list(function.body.block.ops if function.body.blocks else ()):
                    if isinstance(constant, ConstantOp):
                        pack(constant, Packer(self.panel, self.align))
