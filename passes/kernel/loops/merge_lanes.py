"""`kernel-merge-lanes`: scalar reads of one group of four become one vector read."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, ModuleOp, VectorType, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.kernel.workgroup import BarrierOp, inner_memory
from webdnn.passes.kernel.scheduling.vectors import extract
from webdnn.support.index import Index, floordiv

LANES = 4

Texel = tuple[SSAValue, Index]
"""A buffer, and where in it four elements begin."""


def texel_of(index: Index) -> tuple[Index, int] | None:
    """index = 4 * texel + lane, when the lane is the same everywhere."""
    if any(c % LANES for c in index.terms.values()):
        return None
    quarter = {atom: c // LANES for atom, c in index.terms.items()}
    return Index(index.constant // LANES, quarter), index.constant % LANES


def is_whole_texel(op: ReadOp | WriteOp) -> bool:
    """Does the access move four elements that begin at a multiple of four?"""
    type = op.result.type if isinstance(op, ReadOp) else op.value.type
    found = texel_of(op.exprs[0])
    return is_vector(type) and type.get_shape() == (LANES,) and found is not None and found[1] == 0


def in_texels(function: FuncOp) -> set[SSAValue]:
    """The buffers whose every access is a whole aligned group of four, or one known lane of it."""
    buffers = [*function.buffers, *inner_memory(function)]
    good: set[SSAValue] = {a for a in buffers if buffer_type(a).get_shape()[0] % LANES == 0}
    for op in function.walk():
        if isinstance(op, ReadOp) and not (is_whole_texel(op) or is_lane(op)):
            good.discard(op.source)
        elif isinstance(op, WriteOp) and not is_whole_texel(op):
            good.discard(op.target)
    return good


def is_lane(op: ReadOp) -> bool:
    return not is_vector(op.result.type) and texel_of(op.exprs[0]) is not None


@dataclass
class Merging:
    """The reads of one function being merged. `known` holds the vectors that are there already, by buffer and place."""

    buffers: set[SSAValue]
    written: set[SSAValue]
    known: dict[Texel, SSAValue] = field(default_factory=dict[Texel, SSAValue])

    def visit(self, block: Block) -> None:
        for op in list(block.ops):
            for region in op.regions:
                if region.blocks:
                    inner = {k: v for k, v in self.known.items() if k[0] not in self.written}
                    Merging(self.buffers, self.written, inner).visit(region.block)
            if isinstance(op, BarrierOp):
                self.known = {k: v for k, v in self.known.items() if k[0] not in self.written}
            elif isinstance(op, WriteOp):
                self.known = {k: v for k, v in self.known.items() if k[0] is not op.target}
            elif isinstance(op, ReadOp) and op.source in self.buffers:
                self.merge(op)
            elif isinstance(op, vector.ExtractOp):
                forward(op)

    def merge(self, op: ReadOp) -> None:
        index = op.exprs[0]
        if is_whole_texel(op):
            key = (op.source, index)
            if key in self.known:
                Rewriter.replace_op(op, [], [self.known[key]])
            else:
                self.known[key] = op.result
            return
        if is_vector(op.result.type):
            lanes = [self.lane(op, index + i) for i in range(op.result.type.get_shape()[0])]
            Rewriter.replace_op(op, LanesOp(lanes))
        else:
            Rewriter.replace_op(op, [], [self.lane(op, index)])

    def lane(self, op: ReadOp, index: Index) -> SSAValue:
        """One element, by way of the four that it lies in; made before `op`."""
        found = texel_of(index)
        texel = found[0] if found else floordiv(index, LANES, range_of)
        start = texel * LANES
        key = (op.source, start)
        if key not in self.known:
            scalar = op.result.type.element_type if is_vector(op.result.type) else op.result.type
            read = ReadOp(op.source, [start], None, VectorType(scalar, [LANES]))
            Rewriter.insert_op(read, InsertPoint.before(op))
            self.known[key] = read.result
        four = self.known[key]
        if found:
            return insert(extract(four, found[1]), op)
        return insert(dynamic_extract(four, insert(IndexOp(index - start), op)), op)


def insert(new: Operation, before: Operation) -> SSAValue:
    Rewriter.insert_op(new, InsertPoint.before(before))
    return new.results[0]


def dynamic_extract(four: SSAValue, lane: SSAValue) -> Operation:
    """The lane whose number is a value."""
    assert is_vector(four.type)
    position = {"static_position": DenseArrayBase.from_list(i64, [DYNAMIC_INDEX])}
    return vector.ExtractOp.create(operands=[four, lane], result_types=[four.type.element_type], properties=position)


def forward(op: vector.ExtractOp) -> None:
    """extract(lanes(a, b, …), i) -> the i-th"""
    lanes = op.vector.owner
    if isinstance(lanes, LanesOp) and not op.dynamic_position:
        Rewriter.replace_op(op, [], [lanes.scalars[op.static_position.get_values()[0]]])


@dataclass(frozen=True)
class KernelMergeLanesPass(ModulePass):
    """Load four neighbours at once, and each group only once.

    A buffer takes part if all its accesses are whole groups of four, or a known lane of one. With `every` all buffers
    do, as textures must: what lies across groups is put together, and an unknown lane is a dynamic `vector.extract`.

    Before:

        %a = kernel.read %x[%t * 4] : memref<64xf32>
        %b = kernel.read %x[%t * 4 + 1] : memref<64xf32>

    After:

        %v = kernel.read %x[%t * 4] : memref<64xf32>, vector<4xf32>
        %a = vector.extract %v[0] : f32 from vector<4xf32>
        %b = vector.extract %v[1] : f32 from vector<4xf32>

    Leaves alone: buffers with other accesses. Run after `kernel-lower-blocks`.
    """

    name = "kernel-merge-lanes"
    every: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                every: set[SSAValue] = set(function.buffers)
                buffers = every if self.every else in_texels(function)
                written = {o.target for o in function.walk() if isinstance(o, WriteOp)}
                Merging(buffers, written).visit(function.body.block)
