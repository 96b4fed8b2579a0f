"""`kernel-assign-layers`: results of which an invocation computes several rows lie in layers, one for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.attributes import LayersAttr
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.program import AllocOp, CallOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.mapping.copies import Copies
from webdnn.passes.kernel.mapping.map_points import UNROLL, storage_order
from webdnn.passes.kernel.scheduling.lane_analysis import depends_on, lane_stride
from webdnn.support.device import BUSY

LANES = 4

GAIN = 0.8
"""The share of loads that may be left: what is in layers takes more arithmetic to find."""

Signature = tuple[int | None, ...]
"""For each buffer of a call the elements of its layers, if it has layers."""


@dataclass(frozen=True)
class Loads:
    """What a point loads: `own` differs from row to row, `shared` is the same for all rows."""

    own: float
    shared: float

    def of(self, rows: int) -> float:
        """Those of an invocation with so many rows."""
        return rows * self.own + self.shared


def loads_of(compute: ComputeOp, row: SSAValue, lane: SSAValue) -> Loads:
    """The texels that four neighbours along an axis load."""
    own, shared = 0.0, 0.0
    for read in compute.walk():
        if isinstance(read, ReadOp):
            count = steps_of(read) * texels_of(read, lane)
            own, shared = (own + count, shared) if depends_on(read.result, row) else (own, shared + count)
    return Loads(own, shared)


def steps_of(read: ReadOp) -> int:
    """How often a point makes a read."""
    steps, parent = 1, read.parent_op()
    while isinstance(parent, ReduceOp):
        steps, parent = steps * prod(parent.shape), parent.parent_op()
    return steps


def texels_of(read: ReadOp, lane: SSAValue) -> float:
    """The texels that a read of four neighbours loads; those of steps that lie side by side are loaded once."""
    if depends_on(read.result, lane):
        return 1 if lane_stride(read, lane) == 1 else LANES
    reduce = read.parent_op()
    return 1 / UNROLL if isinstance(reduce, ReduceOp) and lane_stride(read, reduce.axes[-1]) == 1 else 1


def layer_of_result(compute: ComputeOp, write: WriteOp, most: int, busy: int) -> int | None:
    """The elements of each layer, for the number of rows that loads least; None where that would not pay."""
    order = storage_order(compute, write.exprs[0])
    axes = [i for i in order or () if compute.shape[i] > 1]
    if len(axes) < 2 or compute.shape[axes[-1]] % LANES or any(isinstance(op, FoldOp) for op in compute.walk()):
        return None
    extent, inner = compute.shape[axes[0]], prod(compute.shape[i] for i in axes[1:])
    loads = loads_of(compute, compute.axes[axes[0]], compute.axes[axes[-1]])
    found = [(-(-extent // count) * loads.of(count), -(-extent // count)) for count in range(2, most + 1)]
    found = [(cost, rows) for cost, rows in found if rows * inner // LANES >= busy]
    cost, rows = min(found, default=(0.0, 0))
    return rows * inner if rows and cost <= GAIN * extent * loads.of(1) else None


@dataclass
class Layering:
    """The buffers of a program that get layers, and the kernels as calls with such buffers need them."""

    kernels: Copies[Signature]
    calls: Sequence[CallOp]

    @classmethod
    def of(cls, module: ModuleOp) -> Layering:
        return cls(Copies[Signature].of(module), [op for op in module.walk() if isinstance(op, CallOp)])

    def results(self) -> dict[SSAValue, list[tuple[ComputeOp, WriteOp]]]:
        """What writes each buffer."""
        found: dict[SSAValue, list[tuple[ComputeOp, WriteOp]]] = {}
        for call in self.calls:
            function = self.kernels.functions[call.callee.root_reference.data]
            buffers = dict(zip(function.buffers, call.buffers, strict=True))
            for write in [op for op in function.walk() if isinstance(op, WriteOp)]:
                compute = write.parent_op()
                assert isinstance(compute, ComputeOp), "what is written is a point of a compute"
                found.setdefault(buffers[write.target], []).append((compute, write))
        return found

    def choose(self, most: int, busy: int) -> dict[SSAValue, int]:
        """The elements of the layers of each buffer that gets some: those that one kernel writes and kernels read."""
        found: dict[SSAValue, int] = {}
        for buffer, writes in self.results().items():
            within = isinstance(buffer.owner, AllocOp) and all(isinstance(u.operation, CallOp) for u in buffer.uses)
            if not within or len(writes) != 1:
                continue
            layer = layer_of_result(*writes[0], most, busy)
            if layer is not None:
                found[buffer] = layer
        return found

    def specialize(self, layers: dict[SSAValue, int]) -> None:
        """Let each call have the kernel for its buffers."""
        for call in self.calls:
            function = self.kernels.called(call, tuple(layers.get(buffer) for buffer in call.buffers))
            call.callee = call.callee.__class__(function.sym_name)
        for (_, signature), function in self.kernels.made.items():
            for buffer, layer in zip(list(function.buffers), signature, strict=True):
                if layer is not None:
                    with_layers(buffer, layer)
        self.kernels.erase_originals()


def with_layers(buffer: SSAValue, elements: int) -> SSAValue:
    """The buffer as a value of another type, in place of the old one."""
    type = buffer_type(buffer)
    assert is_memref(type)
    layered = MemRefType(type.element_type, type.get_shape(), type.layout, LayersAttr.of(elements))
    return Rewriter.replace_value_with_new_type(buffer, layered)


@dataclass(frozen=True)
class KernelAssignLayersPass(ModulePass):
    """Cut results into up to `most` layers, where invocations that compute one row of each load less.

    Rows of a product, or of a convolution's result, need the same weights, and a fragment may write a texel of each
    layer of its target. The number of layers is the one with which a run loads least, as long as `busy` invocations are
    left. A kernel that is called with such buffers and without is copied.

    Before:

        %y = kernel.alloc : memref<3072xf32>
        kernel.call @product(%x, %w, %y) : memref<3072xf32>, memref<4096xf32>, memref<3072xf32>

    After:

        %y = kernel.alloc : memref<3072xf32, #kernel.layers<768>>
        kernel.call @product(%x, %w, %y) : …, memref<3072xf32, #kernel.layers<768>>

    Leaves alone: inputs and outputs of the program, what several kernels write, and rows that share too little.

    Run after `kernel-split-buffers`, and before `kernel-map-points`.
    """

    name = "kernel-assign-layers"
    most: int = 4
    busy: int = BUSY

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        layering = Layering.of(op)
        chosen = layering.choose(self.most, self.busy)
        if chosen:
            layering.specialize({with_layers(buffer, elements): elements for buffer, elements in chosen.items()})
