"""`kernel-form-strips`: kernels that hand large buffers to one another run in strips that stay in the cache."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type, byte_size
from webdnn.dialects.kernel.affine import is_value, range_of
from webdnn.dialects.kernel.clone import Cloner, clone_compute
from webdnn.dialects.kernel.indexing import IndexOp, TableOp
from webdnn.dialects.kernel.program import AllocOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.passes.kernel.memory.places import users
from webdnn.passes.kernel.scheduling.tile import index_constant
from webdnn.support.index import FloorDiv, Index, substitute, symbol

SHORT = 8
"""A strip that could be more than so many times as long within the limit is not worth its loop."""

STALL = 6
"""How much longer a byte that is handed on takes, beyond the cache, than one that is read again in a known order."""


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


def accesses_of(compute: ComputeOp, buffer: SSAValue) -> list[ReadOp | WriteOp]:
    return [
        op
        for op in compute.walk()
        if (isinstance(op, ReadOp) and op.source is buffer) or (isinstance(op, WriteOp) and op.target is buffer)
    ]


def along(compute: ComputeOp, buffer: SSAValue, dimension: int) -> Along | None:
    """How a compute runs along a dimension of a buffer; None where some access goes elsewhere, or may leave it.

    None too where a coefficient depends on where it is there, which a strip could not know at compile time.
    """
    found: set[Along] = set()
    extent = buffer_type(buffer).get_shape()[dimension]
    for op in accesses_of(compute, buffer):
        if isinstance(op, ReadOp) and op.outside:
            return None
        axis, scale = axis_of(compute, op.exprs[dimension])
        if axis is None or compute.shape[axis] != extent * scale or (isinstance(op, WriteOp) and scale != 1):
            return None
        found.add(Along(axis, scale))
    way = found.pop() if len(found) == 1 else None
    return None if way is None or chooses(compute, way) else way


def chooses(compute: ComputeOp, way: Along) -> bool:
    """Does a table have other elements for another element of the dimension?"""
    axis, strip = compute.axes[way.axis], "strip"
    later: Mapping[Hashable, Index] = {axis: symbol(axis) + symbol(strip) * way.scale}
    tables = [op for op in compute.walk() if isinstance(op, TableOp)]
    return any(strip in substitute(e, later, range_of).symbols for op in tables for e in op.exprs)


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


def completed(group: Group, block: Block) -> Group:
    """The group with the smaller buffers too that its computes alone hand to one another in the same strips."""
    computes = [op for op in block.ops if op in group.along]
    written = {o.target for compute in computes for o in compute.walk() if isinstance(o, WriteOp)}
    buffers = dict(group.buffers)
    for buffer in written - buffers.keys():
        if not isinstance(buffer.owner, AllocOp) or not set(users(buffer)) <= group.along.keys():
            continue
        extents = buffer_type(buffer).get_shape()
        for dimension in (d for d, n in enumerate(extents) if n == group.extent):
            if all(along(c, buffer, dimension) == group.along[c] for c in users(buffer) if isinstance(c, ComputeOp)):
                buffers[buffer] = dimension
                break
    return Group(group.extent, group.along, buffers)


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


def read_again(parts: Mapping[ComputeOp, Along], between: Container[SSAValue]) -> int:
    """Bytes of what every strip of the computes reads anew: weights, the keys of a head."""
    whole: set[SSAValue] = set()
    for compute, way in parts.items():
        axis = compute.axes[way.axis]
        reads = (op for op in compute.walk() if isinstance(op, ReadOp) and op.source not in between)
        whole |= {op.source for op in reads if not any(axis in e.symbols for e in op.exprs)}
    return sum(map(byte_size, whole))


def best_strip(extent: int, bytes_each: int, again: int, limit: int) -> int | None:
    """The length of strips that wait least for memory, of those that divide an extent; the longest of them.

    What is handed on is written and read beyond the cache where a strip of it is more than the limit; what each strip
    reads again, where it does not stay in half of the cache. A strip of one element may be cut along another dimension
    yet. None where the strip would be so short that kernels had little to share in it, as with an extent that is prime,
    or where it is the whole.
    """

    def waits(strip: int) -> int:
        handed_on = 2 * extent * bytes_each if strip > 1 and strip * bytes_each > limit else 0
        return STALL * handed_on + (extent // strip - 1) * again * (again > limit // 2)

    strip = min((n for n in range(1, extent + 1) if extent % n == 0), key=lambda n: (waits(n), -n))
    return strip if strip < extent and strip * bytes_each * SHORT >= limit else None


def form(group: Group, block: Block, strip: int) -> scf.ForOp:
    """The computes inside a loop over strips, on buffers of one strip, which stand at its start."""
    computes = [op for op in block.ops if op in group.along]
    first = computes[0]
    low, high, step = (index_constant(v) for v in (0, group.extent // strip, 1))
    body = Block(arg_types=[INDEX])
    counter = IndexOp(symbol(body.args[0]), group.extent // strip)
    counter.result.name_hint = "strip"
    smaller = {buffer: shortened(buffer, dimension, strip) for buffer, dimension in group.buffers.items()}
    loop = scf.ForOp(low, high, step, [], Region(body))
    body.add_ops([buffer.owner for buffer in smaller.values() if isinstance(buffer.owner, AllocOp)])
    body.add_op(counter)
    for compute in computes:
        assert isinstance(compute, ComputeOp)
        body.add_op(one_strip(compute, group, symbol(counter.result), strip, smaller))
    body.add_op(scf.YieldOp())
    for op in list(block.ops)[list(block.ops).index(first) :]:
        if may_go_before(op):
            op.detach()
            Rewriter.insert_op(op, InsertPoint.before(first))
    Rewriter.insert_op([low, high, step, loop], InsertPoint.before(first))
    for compute in reversed(computes):
        Rewriter.erase_op(compute)
    for buffer in group.buffers:
        assert isinstance(buffer.owner, AllocOp)
        Rewriter.erase_op(buffer.owner)
    return loop


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

    A strip's buffers hold at most `limit` bytes; where a single element along the dimension holds more, it is cut along
    another one: the scores of attention by heads, and then by rows. Buffers of less than half of that are left whole,
    if nothing else that the kernels hand to one another asks for strips. So are those of kernels whose weights every
    strip would read again, where these leave the cache and are more than the buffers.

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
                self.cut(function.body.block)

    def cut(self, block: Block) -> None:
        """Cut what a block hands on; a strip that is still too large, along another dimension."""
        for group in groups(block, self.limit // 2):
            again = read_again(group.along, group.buffers)
            strip = best_strip(group.extent, group.bytes_each, again, self.limit)
            if strip is None:
                continue
            loop = form(group, block, strip)
            self.cut(loop.body.block)
            for alloc in [o for o in loop.body.block.ops if isinstance(o, AllocOp)]:
                alloc.detach()
                Rewriter.insert_op(alloc, InsertPoint.before(loop))


def groups(block: Block, least: int) -> list[Group]:
    """Groups that may run, around buffers of `least` bytes, the largest first.

    Those that share a compute are one, where that may run too; else the smaller buffer is left whole.
    """
    allocs = [op.result for op in block.ops if isinstance(op, AllocOp) and byte_size(op.result) >= least]
    found: list[Group] = []
    for buffer in sorted(allocs, key=byte_size, reverse=True):
        group = group_around(buffer)
        others = [other for other in found if group and not other.along.keys().isdisjoint(group.along)]
        for other in others:
            group = group and other.joined(group)
        if group and may_run(group := completed(group, block), block):
            found = [*(other for other in found if other not in others), group]
    return found
