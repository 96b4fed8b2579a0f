"""`kernel-form-strips`: kernels that hand large buffers to one another run in strips that stay in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import AccessOp, IndexOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import is_value
from webdnn.dialects.kernel.clone import Cloner, clone_compute
from webdnn.dialects.kernel.program import AllocOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.places import users
from webdnn.passes.kernel.tile import index_constant
from webdnn.support.index import FloorDiv, Index, symbol


@dataclass(frozen=True)
class Along:
    """The axis of a compute that runs along a buffer's dimension: `scale` of its points for each element there."""

    axis: int
    scale: int


@dataclass
class Group:
    """Computes that run in strips, and the buffers between them with the dimension of `extent` elements that is cut."""

    extent: int
    along: dict[ComputeOp, Along] = field(default_factory=dict[ComputeOp, Along])
    buffers: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    @property
    def bytes_each(self) -> int:
        """Bytes of all buffers for one element along the dimension."""
        return sum(byte_size(buffer) for buffer in self.buffers) // self.extent

    def joined(self, other: Group) -> Group | None:
        """Both groups as one, where they cut the computes that they share alike."""
        shared = self.along.keys() & other.along.keys()
        if self.extent != other.extent or not shared or any(self.along[c] != other.along[c] for c in shared):
            return None
        return Group(self.extent, {**self.along, **other.along}, {**self.buffers, **other.buffers})


def byte_size(buffer: SSAValue) -> int:
    type = buffer_type(buffer)
    return prod(type.get_shape()) * element_type(type).bytes


def accesses_of(compute: ComputeOp, buffer: SSAValue) -> list[ReadOp | WriteOp]:
    return [
        op
        for op in compute.walk()
        if (isinstance(op, ReadOp) and op.source is buffer) or (isinstance(op, WriteOp) and op.target is buffer)
    ]


def along(compute: ComputeOp, buffer: SSAValue, dimension: int) -> Along | None:
    """How a compute runs along a dimension of a buffer; None where some access goes elsewhere, or may leave it."""
    found: set[Along] = set()
    extent = buffer_type(buffer).get_shape()[dimension]
    for op in accesses_of(compute, buffer):
        if isinstance(op, ReadOp) and op.outside:
            return None
        axis, scale = axis_of(compute, op.exprs[dimension])
        if axis is None or compute.shape[axis] != extent * scale or (isinstance(op, WriteOp) and scale != 1):
            return None
        found.add(Along(axis, scale))
    return found.pop() if len(found) == 1 else None


def axis_of(compute: ComputeOp, index: Index) -> tuple[int | None, int]:
    """The axis that an index is, or is a fraction of, and that fraction."""
    atom, scale = next(iter(index.terms), None), 1
    if isinstance(atom, FloorDiv) and index == Index(0, {atom: 1}):
        atom, scale, index = next(iter(atom.numerator.terms), None), atom.divisor, atom.numerator
    if not is_value(atom) or index != symbol(atom) or atom not in compute.axes:
        return None, 1
    return list(compute.axes).index(atom), scale


def group_around(buffer: SSAValue) -> Group | None:
    """What a buffer's writers and readers are along its first dimension that all of them follow, but for the last."""
    computes = users(buffer)
    for dimension, extent in enumerate(buffer_type(buffer).get_shape()[:-1]):
        group = Group(extent, buffers={buffer: dimension})
        for compute in computes:
            if not isinstance(compute, ComputeOp) or compute.once:
                return None
            found = along(compute, buffer, dimension)
            if found is None:
                break
            group.along[compute] = found
        else:
            if extent > 1:
                return group
    return None


def may_run(group: Group, block: Block) -> bool:
    """Do the computes follow one another, and write nothing that another of them uses but the group's buffers?"""
    order = {op: i for i, op in enumerate(block.ops)}
    places = sorted(order[compute] for compute in group.along)
    between = list(block.ops)[places[0] : places[-1] + 1]
    if any(op not in group.along and not may_go_before(op) for op in between):
        return False
    for compute in group.along:
        for op in compute.walk():
            if isinstance(op, WriteOp) and op.target not in group.buffers:
                others = [c for c in group.along if c is not compute and accesses_of(c, op.target)]
                if others:
                    return False
    return True


def may_go_before(op: Operation) -> bool:
    """Can the operation stand in front of the loop whatever the loop does?"""
    return isinstance(op, AllocOp | WeightOp) or (isinstance(op, ComputeOp) and op.once is not None)


def strip_extent(group: Group, limit: int) -> int:
    """The longest strip whose buffers stay within the limit, of those that divide the extent."""
    fitting = [n for n in range(1, group.extent + 1) if group.extent % n == 0 and n * group.bytes_each <= limit]
    return max(fitting, default=1)


def form(group: Group, block: Block, strip: int) -> None:
    """The computes inside a loop over strips, on buffers of one strip."""
    computes = [op for op in block.ops if op in group.along]
    first = computes[0]
    low, high, step = (index_constant(v) for v in (0, group.extent // strip, 1))
    body = Block(arg_types=[INDEX])
    counter = IndexOp(symbol(body.args[0]), group.extent // strip)
    counter.result.name_hint = "strip"
    smaller = {buffer: shortened(buffer, dimension, strip) for buffer, dimension in group.buffers.items()}
    loop = scf.ForOp(low, high, step, [], Region(body))
    body.add_op(counter)
    for compute in computes:
        assert isinstance(compute, ComputeOp)
        body.add_op(one_strip(compute, group, symbol(counter.result), strip, smaller))
    body.add_op(scf.YieldOp())
    for op in list(block.ops)[list(block.ops).index(first) :]:
        if may_go_before(op):
            op.detach()
            Rewriter.insert_op(op, InsertPoint.before(first))
    allocs = [buffer.owner for buffer in smaller.values() if isinstance(buffer.owner, AllocOp)]
    Rewriter.insert_op([*allocs, low, high, step, loop], InsertPoint.before(first))
    for compute in reversed(computes):
        Rewriter.erase_op(compute)
    for buffer in group.buffers:
        assert isinstance(buffer.owner, AllocOp)
        Rewriter.erase_op(buffer.owner)


def shortened(buffer: SSAValue, dimension: int, extent: int) -> SSAValue:
    """A buffer like another one, shorter along a dimension."""
    type = buffer_type(buffer)
    shape = [extent if d == dimension else n for d, n in enumerate(type.get_shape())]
    alloc = AllocOp(MemRefType(type.element_type, shape))
    alloc.result.name_hint = buffer.name_hint
    return alloc.result


def one_strip(
    compute: ComputeOp, group: Group, number: Index, strip: int, smaller: dict[SSAValue, SSAValue]
) -> ComputeOp:
    """The part of a compute that one strip is: its axis begins where the strip does, but not in the buffers between."""
    at, scale = group.along[compute].axis, group.along[compute].scale
    sizes = [strip * scale if i == at else size for i, size in enumerate(compute.shape)]

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        by = {old: symbol(new) for old, new in zip(compute.axes, axes, strict=True)}
        by[compute.axes[at]] = number * (strip * scale) + by[compute.axes[at]]
        return by

    new = clone_compute(compute, sizes, to_index, cloner=Cloner(values=dict(smaller)))
    dimension = {smaller[buffer]: d for buffer, d in group.buffers.items()}
    for op in list(new.walk()):
        if isinstance(op, ReadOp) and op.source in dimension:
            exprs = shifted(op, dimension[op.source], number * strip)
            Rewriter.replace_op(op, ReadOp(op.source, exprs, None, op.result.type))
        elif isinstance(op, WriteOp) and op.target in dimension:
            Rewriter.replace_op(op, WriteOp(op.value, op.target, shifted(op, dimension[op.target], number * strip)))
    return new


def shifted(op: AccessOp, dimension: int, by: Index) -> list[Index]:
    return [e - by if d == dimension else e for d, e in enumerate(op.exprs)]


@dataclass(frozen=True)
class KernelFormStripsPass(ModulePass):
    """Cut what large buffers hold along a dimension that all kernels on them follow, and loop over the strips.

    Before:

        kernel.compute (%y = 64, …) { … kernel.write %v, %a[%y, …] : memref<64x…xf32> }
        kernel.compute (%z = 256, …) { … kernel.read %a[%z floordiv 4, …] … }

    After:

        scf.for %n = 0 to 16 {
          %strip = kernel.index [%n] of 16
          kernel.compute (%y = 4, …) { … kernel.write %v, %a[%y, …] : memref<4x…xf32> }
          kernel.compute (%z = 16, …) { … kernel.read %a[%z floordiv 4, …] … }
        }

    A strip's buffers hold at most `limit` bytes, if not a single element along the dimension holds more; buffers of
    less than half of that are left whole.

    Leaves alone: buffers that hold no more together, that a kernel in between uses another way, and computes that
    write what another one of them reads. Run after `kernel-assign-buffers`, before `kernel-assign-offsets`.
    """

    name = "kernel-form-strips"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"
    limit: int = 1 << 20

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                for group in groups(function.body.block, self.limit // 2):
                    if group.bytes_each * group.extent > self.limit and may_run(group, function.body.block):
                        form(group, function.body.block, strip_extent(group, self.limit))


def groups(block: Block, least: int) -> list[Group]:
    """Groups around buffers of `least` bytes; those that share a compute are one, and no compute is in two."""
    found: list[Group] = []
    for op in block.ops:
        if not isinstance(op, AllocOp) or byte_size(op.result) < least:
            continue
        group = group_around(op.result)
        if group is None:
            continue
        if found and (both := found[-1].joined(group)):
            found[-1] = both
        elif not found or found[-1].along.keys().isdisjoint(group.along):
            found.append(group)
    return found
