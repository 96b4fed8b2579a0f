"""`kernel-lower-accesses`: affine accesses become loads and stores at indices that are values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce

from xdsl.context import Context
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IntegerAttr, MemRefType, ModuleOp, VectorType, i1
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import compute_type, is_memref, is_vector
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.kernel.workgroup import inner_memory
from webdnn.passes.kernel.loops.index_lowering import IndexLowering
from webdnn.passes.kernel.loops.merge_lanes import LANES, is_whole_texel, texel_of
from webdnn.passes.kernel.scheduling.vectors import extract
from webdnn.support.index import Index, symbol


def whole_texels(function: FuncOp) -> set[SSAValue]:
    """The buffers of which only whole groups of four are read and written."""
    found: set[SSAValue] = {*function.buffers, *inner_memory(function)}
    for op in function.walk():
        if isinstance(op, ReadOp) and not is_whole_texel(op):
            found.discard(op.source)
        elif isinstance(op, WriteOp) and not is_whole_texel(op):
            found.discard(op.target)
    return found


@dataclass
class AccessLowering:
    """One function. `texels` are the buffers that become arrays of vectors."""

    function: FuncOp
    texels: set[SSAValue]

    def run(self) -> None:
        self.indices = IndexLowering()
        self.tested: dict[Hashable, SSAValue] = {}
        for argument in list(self.texels):
            self.texels.add(retype(argument))
        for op in list(self.function.walk()):
            match op:
                case ReadOp():
                    Rewriter.replace_op(op, [], [self.read(op)])
                case WriteOp():
                    self.write(op)
                    Rewriter.erase_op(op)
                case PrefetchOp():
                    Rewriter.erase_op(op)
                case InsideOp():
                    Rewriter.replace_op(op, [], [self.inside(op)])
                case IndexOp() if op.count is None and op not in self.indices.own:
                    Rewriter.replace_op(op, [], [self.indices.value(op.exprs[0], op)])
                case _:
                    pass

    def insert(self, new: Operation, before: Operation) -> SSAValue:
        """Add an operation; its first result."""
        new.location = before.location
        Rewriter.insert_op(new, InsertPoint.before(before))
        return new.results[0]

    def read(self, op: ReadOp) -> SSAValue:
        (index,) = op.exprs
        if op.source in self.texels:
            return self.insert(memref.LoadOp.get(op.source, [self.indices.value(texel(index), op)]), op)
        if not is_vector(op.result.type):
            return self.scalar(op, index)
        lanes = [self.scalar(op, index + i) for i in range(op.result.type.get_shape()[0])]
        return self.insert(LanesOp(lanes), op)

    def scalar(self, op: ReadOp, index: Index) -> SSAValue:
        return self.insert(ReadOp(op.source, [symbol(self.indices.value(index, op))]), op)

    def write(self, op: WriteOp) -> None:
        (index,) = op.exprs
        if op.target in self.texels:
            place = self.indices.value(texel(index), op)
            Rewriter.insert_op(memref.StoreOp.get(op.value, op.target, [place]), InsertPoint.before(op))
            return
        lanes = op.value.type.get_shape()[0] if is_vector(op.value.type) else 0
        values = [self.insert(extract(op.value, i), op) for i in range(lanes)] if lanes else [op.value]
        for i, value in enumerate(values):
            place = symbol(self.indices.value(index + i, op))
            Rewriter.insert_op(WriteOp(value, op.target, [place]), InsertPoint.before(op))

    def inside(self, op: InsideOp) -> SSAValue:
        """0 <= e < n for each index, as far as ranges leave it open; a block tests the same only once."""
        tests: dict[tuple[Index, int, str], None] = {}
        for expr, extent in zip(op.exprs, op.extents, strict=True):
            low, high = expr.bounds(range_of) or (-1, extent.data)
            for needed, bound, predicate in ((low < 0, 0, "sge"), (high >= extent.data, extent.data, "slt")):
                if needed:
                    tests[expr, bound, predicate] = None
        key = op.parent, tuple(tests)
        if key not in self.tested:
            self.tested[key] = self.all_of([self.compare(*test, op) for test in tests], op)
        return self.tested[key]

    def compare(self, expr: Index, bound: int, predicate: str, op: Operation) -> SSAValue:
        value = self.indices.value(expr, op)
        limit = self.insert(arith.ConstantOp(IntegerAttr(bound, INDEX)), op)
        return self.insert(arith.CmpiOp(value, limit, predicate), op)

    def all_of(self, tests: Sequence[SSAValue], op: Operation) -> SSAValue:
        if not tests:
            return self.insert(arith.ConstantOp(IntegerAttr(1, i1)), op)
        return reduce(lambda a, b: self.insert(arith.AndIOp(a, b), op), tests)


def retype(buffer: SSAValue) -> SSAValue:
    """A buffer of vectors of four."""
    type = buffer.type
    assert is_memref(type)
    count = -(-type.get_shape()[0] // LANES)
    vectors = MemRefType(VectorType(compute_type(type.element_type), [LANES]), [count], type.layout, type.memory_space)
    return Rewriter.replace_value_with_new_type(buffer, vectors)


def texel(index: Index) -> Index:
    found = texel_of(index)
    assert found is not None
    assert found[1] == 0, "only whole groups of four"
    return found[0]


@dataclass(frozen=True)
class KernelLowerAccessesPass(ModulePass):
    """Make the arithmetic of indices explicit, as far outside of loops as it can stand.

    With `texels`, a buffer of which only whole groups of four are accessed becomes one of vectors. What remains of
    `kernel.index` is linear, or a division of something that is never negative.

    Before:

        scf.for %k = … { kernel.read %x[%m * 32 + %k * 4] : memref<64xf32>, vector<4xf32> }

    After:

        %i = kernel.index [%m * 8]
        scf.for %k = … { %j = kernel.index [%i + %k]; memref.load %x[%j] : memref<16xvector<4xf32>> }

    Leaves alone: buffers with other accesses keep their elements. Run after `kernel-merge-lanes`, or without lanes
    after `kernel-lower-blocks`.
    """

    name = "kernel-lower-accesses"
    texels: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp):
                AccessLowering(function, whole_texels(function) if self.texels else set()).run()
