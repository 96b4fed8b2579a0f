"""Copy kernel bodies while substituting index expressions: the one tool of every pass that rewrites them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ScheduleAttr
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.support.index import Index, substitute, symbol

AxesToIndex = Callable[[Sequence[SSAValue]], Mapping[SSAValue, Index]]
"""New axes -> what each old axis is in terms of them"""


@dataclass
class Cloner:
    """`by` maps old axes to index expressions, `values` old scalars and buffers to new ones; `ops` is the copy."""

    by: dict[SSAValue, Index] = field(default_factory=dict[SSAValue, Index])
    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    ops: list[Operation] = field(default_factory=list[Operation])

    def index(self, expr: Index) -> Index:
        return substitute(expr, self.by, range_of)

    def value(self, value: SSAValue) -> SSAValue:
        return self.values.get(value, value)

    def emit(self, op: Operation) -> Operation:
        self.ops.append(op)
        return op

    def clone_all(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            self.clone(op)

    def clone(self, op: Operation) -> None:
        """Copy one operation; its results are known by the old ones from here on."""
        new = self.emit(self.copy(op))
        new.location = op.location
        for old, result in zip(op.results, new.results, strict=True):
            result.name_hint = old.name_hint
            self.values[old] = result
            if result.type == INDEX:
                self.by[old] = symbol(result)

    def copy(self, op: Operation) -> Operation:
        match op:
            case ReadOp():
                return self.read(op)
            case WriteOp():
                return WriteOp(self.value(op.value), self.value(op.target), [self.index(e) for e in op.exprs])
            case InsideOp():
                return InsideOp([self.index(e) for e in op.exprs], [e.data for e in op.extents])
            case IndexOp():
                return IndexOp(self.index(op.exprs[0]), op.index_count)
            case TableOp():
                return TableOp(op.values, [self.index(e) for e in op.exprs])
            case ReduceOp():
                return self.reduce(op, op.shape, identity_axes(op))
            case FoldOp():
                return self.fold(op)
            case ComputeOp():
                return clone_compute(op, op.shape, identity_axes(op), cloner=self)
            case _:
                return op.clone(value_mapper=dict(self.values))

    def read(self, op: ReadOp) -> ReadOp:
        outside = self.value(op.outside) if op.outside else None
        return ReadOp(self.value(op.source), [self.index(e) for e in op.exprs], outside, op.result.type)

    def nested(self, axes: Mapping[SSAValue, Index]) -> Cloner:
        """A cloner for a region inside: it sees what this one knows, and keeps to itself what it learns."""
        return type(self)({**self.by, **axes}, dict(self.values))

    def reduce(
        self, op: ReduceOp, sizes: Sequence[int], axes_to_index: AxesToIndex, init: SSAValue | None = None
    ) -> ReduceOp:
        """The reduction over new axes, with each old axis an expression of them."""
        block = Block(arg_types=[INDEX] * len(sizes))
        unroll = op.unroll if op.unroll and len(op.unroll.factors) == len(sizes) else None
        new = ReduceOp(op.kind.data, sizes, init or self.value(op.init), Region(block), unroll)
        hint(block.args, op.axes)
        inner = self.nested(axes_to_index(block.args))
        inner.clone_all(op.body.block.ops)
        block.add_ops(inner.ops)
        return new

    def fold(self, op: FoldOp) -> FoldOp:
        inits = [self.value(i) for i in op.inits]
        block = FoldOp.block_for(inits)
        new = FoldOp(op.shape[0], inits, Region(block))
        hint(block.args, op.body.block.args)
        inner = self.nested(identity_axes(op)(new.axes))
        inner.values.update(zip(op.carried, new.carried, strict=True))
        inner.clone_all(op.body.block.ops)
        block.add_ops(inner.ops)
        return new


def clone_compute(
    op: ComputeOp,
    sizes: Sequence[int],
    axes_to_index: AxesToIndex,
    *,
    cloner: Cloner | None = None,
    schedule: ScheduleAttr | None = None,
    types: Sequence[Attribute] | None = None,
) -> ComputeOp:
    """The compute over new axes, with each old axis an expression of them, perhaps with results of other types."""
    block = Block(arg_types=[INDEX] * len(sizes))
    inset = None if op.inset is None else [i.data for i in op.inset]
    new = ComputeOp(
        sizes, Region(block), types or op.res.types, schedule=schedule or op.schedule, inset=inset, once=op.once
    )
    new.location = op.location
    hint(block.args, op.axes)
    inner = (cloner or Cloner()).nested(axes_to_index(block.args))
    inner.clone_all(op.body.block.ops)
    block.add_ops(inner.ops)
    return new


def identity_axes(op: ComputeOp | ReduceOp | FoldOp) -> AxesToIndex:
    return lambda axes: dict(zip(op.axes, map(symbol, axes), strict=True))


def hint(new: Sequence[SSAValue], old: Sequence[SSAValue]) -> None:
    """Axes keep their names as far as there are any."""
    for axis, named in zip(new, old, strict=False):
        axis.name_hint = named.name_hint
