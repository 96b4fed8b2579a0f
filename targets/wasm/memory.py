"""The memory image of a module: where its words for threads, its buffers and its weights lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.kernel.access import AccessOp, ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.planning.storage import align
from webdnn.targets.bundle.sections import MemoryRange
from webdnn.targets.bundle.write import Move
from webdnn.targets.program import Program, WeightImage, byte_size
from webdnn.targets.wasm.threads import CONTROL_BYTES

PAGE = 65536
ALIGNMENT = 64
LARGEST_MEMORY = 2**32 - PAGE


@dataclass(frozen=True)
class Memory:
    """The memory image: words for threads, a margin, the arena, the weights that stay, a margin; byte addresses.

    Reads that a select discards may lie outside their buffer; the margins keep them inside the memory.
    """

    program: Program
    weights: WeightImage
    arena: int
    image: int
    size: int

    @classmethod
    def of(cls, program: Program, module: ModuleOp) -> Memory:
        """Raises DiagnosticError where it is more than WebAssembly can address."""
        before, behind = margins(module)
        weights = WeightImage.of(program.weights, ALIGNMENT)
        arena = CONTROL_BYTES + before
        image = align(arena + program.arena_bytes, ALIGNMENT)
        size = align(image + weights.kept + behind + ALIGNMENT, PAGE)
        if size > LARGEST_MEMORY:
            raise DiagnosticError(
                f"the model needs {size / 2**30:.1f} GiB of memory; WebAssembly has 4",
                hint="compile it without the target 'wasm'",
            )
        return cls(program, weights, arena, image, size)

    def address(self, buffer: SSAValue) -> int:
        owner = buffer.owner
        if isinstance(owner, WeightOp) and owner.offset is None:
            return self.image + self.weights.offsets[owner]
        return self.arena + self.program.offset(buffer)

    @property
    def moves(self) -> list[Move]:
        """Where the parts of the weights' image stand when loading begins."""
        passing = [replace(move, to=self.arena + move.to) for move in self.weights.passing]
        return [Move(0, self.weights.kept, self.image), *passing]

    def range(self, buffer: SSAValue) -> MemoryRange:
        return MemoryRange(self.address(buffer), byte_size(buffer))


def margins(module: ModuleOp) -> tuple[int, int]:
    """How many bytes accesses may stray before and behind their buffers."""
    before = behind = 0
    for function in module.body.block.ops:
        if not isinstance(function, FuncOp):
            continue
        for op in function.walk():
            if isinstance(op, ReadOp | WriteOp):
                low, high = stray(op)
                before, behind = max(before, low), max(behind, high)
    return align(before, ALIGNMENT), align(behind, ALIGNMENT)


def stray(op: AccessOp) -> tuple[int, int]:
    buffer = op.source if isinstance(op, ReadOp) else op.target if isinstance(op, WriteOp) else None
    assert buffer is not None
    (extent,) = buffer_type(buffer).get_shape()
    (index,) = op.exprs
    span = index.bounds(range_of)
    if span is None:
        return 0, 0
    size = byte_size(buffer) // max(1, extent)
    return max(0, -span[0]) * size, max(0, span[1] - extent + 1) * size
