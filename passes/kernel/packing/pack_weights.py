"""`kernel-pack-weights`: constants are laid out, offline, in the order in which their kernel reads them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, BlockArgument, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.constants import array_of
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import element_type, shape_of, tensor_type
from webdnn.dialects.kernel.access import ReadOp
from webdnn.dialects.kernel.affine import LoopOp, is_value, range_of
from webdnn.dialects.kernel.clone import clone_compute
from webdnn.dialects.kernel.pairs import PAIR
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.fusion.fold_initial_values import is_zero
from webdnn.passes.kernel.fusion.inlining import GuardedCloner
from webdnn.passes.kernel.packing.pair_steps import factors_of
from webdnn.support.index import FloorDiv, Index, floordiv, linearize, mod, stays_inside, symbol
from webdnn.support.mixed_radix import Digit, digits_of
from webdnn.support.planning.storage import align
from webdnn.support.weights import STORE

Array = NDArray[np.generic]

LANES = 4
"""The extent that an axis has at least where vectors run along it."""

ROW_PANELS = (6, 5, 4, 3, 2)
"""Panels that lie side by side for the only row of a product, which waits for memory: one stream of whole cache lines.

The first that wastes least is taken; a block of so many columns has its sums in registers.
"""

CACHED_PANELS = (2,)
"""The same where a loop reads the constant again and again: the cache answers several streams at once faster."""

WASTE = 32
"""Of so many columns one may be added to fill the last panel."""


@dataclass(frozen=True)
class Packing:
    """A constant's dimensions, viewed as the digits of their indices, in a new order, the last one padded to `align`.

    If `panel` is more than 1, the last one is cut in panels, which lie before the dimensions from `at` on. In the end
    the last two change places if they are `paired`: columns, and the halves of pairs of steps.
    """

    view: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    align: int = 1
    panel: int = 1
    at: int = 0
    paired: bool = False

    def array(self, array: Array) -> Array:
        """The constant, packed."""
        whole = [prod(digits) for digits in self.view]
        padded = np.pad(array, [(0, w - n) for w, n in zip(whole, array.shape, strict=True)]) if self.view else array
        packed = padded.reshape([n for digits in self.view for n in digits]).transpose(self.order)
        unit = max(self.align, self.panel)
        if packed.ndim and packed.shape[-1] % unit:
            short = -packed.shape[-1] % unit
            packed = np.pad(packed, [*[(0, 0)] * (packed.ndim - 1), (0, short)])
        if self.panel > 1:
            packed = packed.reshape(*packed.shape[:-1], packed.shape[-1] // self.panel, self.panel)
            packed = np.moveaxis(packed, -2, self.at)
        if self.paired:
            packed = np.swapaxes(packed, -1, -2)
        return np.ascontiguousarray(packed).reshape(packed.shape)

    def pads(self, shape: Sequence[int]) -> bool:
        """Does the view have room for more than the constant's elements?"""
        return any(prod(digits) > n for digits, n in zip(self.view, shape, strict=True))

    @property
    def shape(self) -> list[int]:
        """The extents of the packed constant."""
        digits = [n for extents in self.view for n in extents]
        *packed, last = [digits[d] for d in self.order]
        if self.panel > 1:
            packed.insert(self.at, -(-last // self.panel))
            last = self.panel
        shape = [*packed, align(last, self.align)]
        return [*shape[:-2], shape[-1], shape[-2]] if self.paired else shape

    def logical(self, packed: Sequence[Index]) -> list[Index]:
        """The indices of the constant, from those of the packed one."""
        placed = list(packed)
        if self.paired:
            placed[-2:] = reversed(placed[-2:])
        if self.panel > 1:
            lane = placed.pop()
            placed.append(placed.pop(self.at) * self.panel + lane)
        digits = [placed[self.order.index(d)] for d in range(len(placed))]
        found: list[Index] = []
        for extents in self.view:
            found.append(linearize(digits[: len(extents)], extents))
            digits = digits[len(extents) :]
        return found

    def indices(self, read: ReadOp) -> list[Index]:
        """Where the packed constant is read."""
        values = [digit.value for digit in digits_of_read(read) or ()]
        packed = [values[d] for d in self.order]
        if self.panel > 1:
            last = packed.pop()
            packed.insert(self.at, floordiv(last, self.panel, range_of))
            packed.append(mod(last, self.panel, range_of))
        if self.paired:
            packed[-2:] = reversed(packed[-2:])
        return packed


def digits_of_read(read: ReadOp) -> list[Digit] | None:
    """The digits of all indices of a read, those of the first dimension first; None where an index has none."""
    found: list[Digit] = []
    for index, extent in zip(read.exprs, shape_of(read.source), strict=True):
        digits = digits_of(index, extent, range_of)
        if digits is None:
            return None
        found += digits
    return found


def view_of(read: ReadOp) -> tuple[tuple[int, ...], ...]:
    """The digits' extents, for each dimension that is read."""
    found = [digits_of(e, n, range_of) or () for e, n in zip(read.exprs, shape_of(read.source), strict=True)]
    return tuple(tuple(digit.extent for digit in digits) for digits in found)


def axis_of(index: Index) -> SSAValue | None:
    """The axis that an index is; None where it is anything else."""
    atom = next(iter(index.terms), None)
    return atom if is_value(atom) and index == symbol(atom) else None


def only(symbols: Collection[Hashable]) -> SSAValue | None:
    """The axis that alone decides a digit, which may be its quotient or remainder."""
    symbol = next(iter(symbols), None)
    return symbol if len(symbols) == 1 and is_value(symbol) else None


def varies_in_panels(index: Index, lane: SSAValue, panel: int) -> bool:
    """Does an index depend on where in a panel of columns a lane is, and not just on the group of channels it is in?"""
    for atom in index.terms:
        if not isinstance(atom, FloorDiv):
            if atom is lane:
                return True
        elif lane in atom.numerator.symbols and (atom.numerator != symbol(lane) or atom.divisor % panel):
            return True
    return False


def is_product(read: ReadOp, lane: SSAValue | None, panel: int) -> bool:
    """Does the reduction around the read multiply it by something that is the same for all columns of a panel?"""
    parent = read.parent_op()
    if lane is None or not isinstance(parent, ReduceOp):
        return False
    others = [o for o in parent.walk() if isinstance(o, ReadOp) and o.source is not read.source]
    return any(not any(varies_in_panels(e, lane, panel) for e in o.exprs) for o in others)


def lane_axis(read: ReadOp, compute: ComputeOp) -> SSAValue | None:
    """The axis along which products with a constant have lanes.

    It is the compute's last one, where the constant or all it is multiplied by is contiguous along it; else the last
    that only the constant depends on, though results then lie apart.
    """
    if not compute.axes:
        return None
    last, parent = compute.axes[-1], read.parent_op()
    if not isinstance(parent, ReduceOp) or any(last in e.symbols for e in read.exprs):
        return last
    others = [o for o in parent.walk() if isinstance(o, ReadOp) and o.source is not read.source]
    if all(o.exprs and o.exprs[-1].coefficient(last) == 1 for o in others):
        return last
    used = frozenset[object]().union(*(e.symbols for o in others for e in o.exprs))
    own = [
        axis
        for axis, size in zip(compute.axes, compute.shape, strict=True)
        if size >= LANES and axis not in used and any(axis in e.symbols for e in read.exprs)
    ]
    return own[-1] if own else last


@dataclass(frozen=True)
class Packer:
    """How a target wants constants: panels of this many columns for matrix products, rows padded to `align`.

    Without `reorder`, they stay as they are. With `pairs`, the halves of pairs of steps lie side by side.
    """

    panel: int
    align: int
    reorder: bool = True
    pairs: bool = False

    def packing(self, read: ReadOp, compute: ComputeOp) -> Packing | None:
        """Loop order: steps, the compute's axes, then the reduction's, then the compute's axis that has lanes."""
        digits = digits_of_read(read)
        if digits is None or not self.reorder:
            return None
        axes = [axis_of(digit.value) for digit in digits]
        known = [axis for axis in axes if axis is not None]
        if len(set(known)) != len(known):
            return None
        own, lane = frozenset[object](compute.axes), lane_axis(read, compute)

        def rank(d: int) -> tuple[int, int]:
            symbols = digits[d].value.symbols
            axis = axes[d] or only(symbols)
            if axis is None:
                return (0 if not symbols else 1 if symbols <= own else 2), d
            if isinstance(axis.owner, Block) and isinstance(axis.owner.parent_op(), LoopOp):
                return 0, d
            if axes[d] is lane:
                return 3, d
            return (1 if axis in own else 2), axis.index if isinstance(axis, BlockArgument) else d

        order = tuple(sorted(range(len(axes)), key=rank))
        at = sum(rank(d)[0] < 2 for d in order)
        has_lanes = lane is not None and lane in axes
        extent = digits[order[-1]].extent if order else 0
        streams = has_lanes and at < len(order) - 1 and is_product(read, lane, self.panel)
        panel = self.panel_of(extent, read, compute, lane) if streams else 1
        half = half_of(read) if self.pairs and has_lanes else None
        paired = half is not None and half in [axes[d] for d in order[-2:-1]]
        packing = Packing(view_of(read), order, self.align if has_lanes else 1, panel, at, paired)
        if read.outside and not is_zero(read.outside) and packing.pads(shape_of(read.source)):
            return None
        return packing

    def panel_of(self, extent: int, read: ReadOp, compute: ComputeOp, lane: SSAValue | None) -> int:
        """How many columns of so many lie side by side: no more than read the same channels."""
        if extent < self.panel:
            return 1
        if self.panel == 1 or shares_rows(read, compute):
            return self.panel
        counts = CACHED_PANELS if isinstance(compute.parent_op(), LoopOp) else ROW_PANELS
        panels = [self.panel * n for n in counts if is_product(read, lane, self.panel * n)]
        wide = min(panels, key=lambda panel: -extent % panel, default=self.panel)
        return wide if -extent % wide * WASTE <= extent else self.panel


def half_of(read: ReadOp) -> SSAValue | None:
    """The axis of the halves of pairs that a sum of products around a read has."""
    reduce = read.parent_op()
    paired = isinstance(reduce, ReduceOp) and reduce.shape[-1] == PAIR and factors_of(reduce) is not None
    return reduce.axes[-1] if isinstance(reduce, ReduceOp) and paired else None


def shares_rows(read: ReadOp, compute: ComputeOp) -> bool:
    """Do several points of the compute read each of the constant's columns?"""
    axes = frozenset[object](compute.axes)
    columns = [digit.extent for digit in digits_of_read(read) or () if digit.value.symbols & axes]
    return prod(compute.shape) > prod(columns)


def constant_of(array: Array, like: ConstantOp) -> ConstantOp:
    """A weight with these elements, of the element type of another constant."""
    new = ConstantOp.weight(STORE.put(array), element_type(like.output.type), array.shape)
    new.location = like.location
    new.output.name_hint = like.output.name_hint
    return new


def pack(op: ConstantOp, packer: Packer) -> None:
    """read(A, e) -> read(A', map(e)) for every reader; readers that agree share one packed constant."""
    made: dict[Packing | None, ConstantOp] = {}
    reads = [use.operation for use in list(op.output.uses)]
    for read in reads:
        if not isinstance(read, ReadOp):
            continue
        packing = packing_of(read, packer)
        if packing not in made:
            array = array_of(op)
            made[packing] = constant_of(array if packing is None else packing.array(array), op)
            Rewriter.insert_op(made[packing], InsertPoint.before(op))
        source = made[packing].output
        exprs = read.exprs if packing is None else packing.indices(read)
        inside = stays_inside(exprs, shape_of(source), range_of)
        Rewriter.replace_op(read, ReadOp(source, exprs, None if inside else read.outside, read.result.type))
    if not list(op.output.uses):
        Rewriter.erase_op(op)
    elif not isinstance(op.value, WeightAttr):
        Rewriter.replace_op(op, constant_of(array_of(op), op))


# What is computed from constants alone.


def from_constants(block: Block) -> list[ComputeOp]:
    """The computes that read nothing but constants, and what was computed from them."""
    found: dict[SSAValue, ComputeOp] = {}
    for op in block.ops:
        if isinstance(op, ComputeOp) and op.res:
            reads = [o for o in op.walk() if isinstance(o, ReadOp)]
            if all(isinstance(r.source.owner, ConstantOp) or r.source in found for r in reads):
                found[op.res[0]] = op
    return list(found.values())


def pack_computed(op: ComputeOp, packer: Packer) -> None:
    """compute(i) read at A[e] -> compute(j) with its axes in the order and the panels of the packing."""
    reads = [use.operation for use in op.res[0].uses]
    if len(op.res) != 1 or op.inset or not all(isinstance(read, ReadOp) and not read.outside for read in reads):
        return
    packings = {packing_of(read, packer) for read in reads if isinstance(read, ReadOp)}
    packing = packings.pop() if len(packings) == 1 else None
    if packing is None or not packing.order:
        return

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        return dict(zip(op.axes, packing.logical([symbol(axis) for axis in axes]), strict=True))

    type = TensorType(tensor_type(op.res[0]).element_type, packing.shape)
    new = clone_compute(op, packing.shape, to_index, cloner=GuardedCloner(), types=[type])
    Rewriter.insert_op(new, InsertPoint.before(op))
    for read in reads:
        assert isinstance(read, ReadOp)
        Rewriter.replace_op(read, ReadOp(new.res[0], packing.indices(read), None, read.result.type))
    Rewriter.erase_op(op)


def packing_of(read: ReadOp, packer: Packer) -> Packing | None:
    """How the kernel of a read wants what it reads."""
    parent = read.parent_op()
    while isinstance(parent, ReduceOp):
        parent = parent.parent_op()
    return packer.packing(read, parent) if isinstance(parent, ComputeOp) else None


@dataclass(frozen=True)
class KernelPackWeightsPass(ModulePass):
    """Lay every constant out in the order of the loops that read it; what is repacked costs nothing at run time.

    Before (panel=8):

        %w = dnn.constant #dnn.weight<… : tensor<64x32x3x3xf32>> …
        … kernel.read %w[%o, %ci, %ky, %kx] …

    After:

        %w = dnn.constant #dnn.weight<… : tensor<8x3x3x32x8xf32>> …
        … kernel.read %w[%o floordiv 8, %ky, %kx, %ci, %o mod 8] …

    What is computed from constants alone, such as the weights of Winograd's tiles, is computed in that order.
    Without `reorder`, constants become weights and keep their own order. With `pairs`, the halves of pairs of steps
    that `kernel-pair-steps` made lie side by side.

    Leaves alone: constants that are read at computed or scaled indices, which keep their own order.
    Run after fusion, and before `kernel-assign-buffers`, which takes weights only.
    """

    name = "kernel-pack-weights"
    stage_before: ClassVar = "kernel"
    stage_after: ClassVar = "kernel"
    panel: int = 1
    align: int = 1
    reorder: bool = True
    pairs: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            packer = Packer(self.panel, self.align, self.reorder, self.pairs)
            for compute in reversed(from_constants(function.body.block)):
                pack_computed(compute, packer)
            for constant in list(function.body.block.ops):
                if isinstance(constant, ConstantOp):
                    pack(constant, packer)
