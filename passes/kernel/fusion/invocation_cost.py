"""What kernels cost on a GPU, where an invocation computes a few neighbours and shares what they have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from xdsl.dialects import arith, math
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import AccessOp, byte_size
from webdnn.dialects.kernel.affine import Lane, range_of
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, TableOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp, YieldOp
from webdnn.passes.kernel.fusion.fuse_producers import CHEAP
from webdnn.passes.kernel.fusion.inlining import points_of, reads_in
from webdnn.support.device import BUSY
from webdnn.support.index import substitute, symbol

FUNCTION = 8
"""Operations that an exponential and its like are worth, …"""

POLYNOMIAL = 40
"""… and those that no device has:"""

MISSING = (math.ErfOp,)

LANES = 4
"""Neighbours that an invocation computes, but where it is worth its while to compute more."""


def weight(op: Operation) -> int:
    """The operations of one step of a body."""
    if isinstance(op, ReduceOp):
        return prod(op.shape)
    if isinstance(op, arith.ConstantOp | FoldOp | IndexOp | TableOp | YieldOp):
        return 0
    if not op.name.startswith("math.") or isinstance(op, CHEAP):
        return 1
    return POLYNOMIAL if isinstance(op, MISSING) else FUNCTION


@dataclass
class Differing:
    """The values of a body that differ between so many neighbours along an axis."""

    axis: SSAValue
    count: int
    found: set[SSAValue] = field(default_factory=set[SSAValue])

    def moves(self, op: Operation) -> bool:
        """Does an operation alone, without its body, give each neighbour something else?"""
        if any(operand in self.found for operand in op.operands):
            return True
        if not isinstance(op, AccessOp):
            return self.axis in op.operands
        lane = Lane(self.count)
        by = {self.axis: symbol(self.axis) * self.count + symbol(lane)}
        return any(lane in substitute(e, by, range_of).symbols for e in op.exprs)

    def visit(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, FoldOp):
                self.visit_steps(op)
                continue
            for region in op.regions:
                self.visit(region.block)
            if any(map(self.moves, op.walk())):
                self.found.update(op.results)

    def visit_steps(self, op: FoldOp) -> None:
        """One carried value may differ where others do not."""
        self.found.update(c for c, init in zip(op.carried, op.inits, strict=True) if init in self.found)
        size = -1
        while size != (size := len(self.found)):
            self.visit(op.body.block)
            self.found.update(c for c, value in zip(op.carried, op.nexts, strict=True) if value in self.found)
        self.found.update(r for r, c in zip(op.res, op.carried, strict=True) if c in self.found)


def operations(compute: ComputeOp, count: int = LANES) -> float:
    """How many operations all invocations of a kernel take together, if each computes so many neighbours."""
    differing = None
    long = [i for i, size in enumerate(compute.shape) if size > 1]
    if long and compute.shape[long[-1]] % count == 0:
        differing = Differing(compute.axes[long[-1]], count)
        differing.visit(compute.body.block)
    total = 0.0
    for op in compute.walk():
        if op is not compute and (each := weight(op)):
            alone = differing is None or (bool(op.results) and op.results[0] in differing.found)
            total += each * points_of(op) / (1 if alone else count)
    return total


def traffic(compute: ComputeOp) -> int:
    """The bytes that a kernel reads and writes, those of each buffer once."""
    counts: dict[SSAValue, int] = {}
    for read in reads_in(compute):
        counts[read.source] = counts.get(read.source, 0) + points_of(read)
    taken = sum(min(byte_size(source), n * element_type(source.type).bytes) for source, n in counts.items())
    return taken + written(compute)


def written(compute: ComputeOp) -> int:
    """The bytes of what a kernel gives."""
    return prod(compute.shape) * sum(element_type(r.type).bytes for r in compute.res)


def time(compute: ComputeOp, count: int = LANES) -> float:
    """The operations that a busy GPU does meanwhile: few invocations leave most of it idle."""
    return operations(compute, count) * max(1.0, BUSY * count / prod(compute.shape))


def neighbours(compute: ComputeOp, most: int) -> int:
    """How many neighbours along its last axis an invocation of a kernel should compute, `most` at most.

    Those of a fold share what its steps compute for all of them.
    """
    if not any(isinstance(op, FoldOp) for op in compute.body.block.ops):
        return LANES
    size = next((size for size in reversed(compute.shape) if size > 1), 1)
    counts = [n for n in range(LANES, most + 1, LANES) if size % n == 0]
    return min(counts, key=lambda n: time(compute, n), default=LANES)
