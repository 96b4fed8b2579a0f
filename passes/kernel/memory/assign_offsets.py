"""`kernel-assign-offsets`: every buffer gets its place in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar, NoReturn

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import buffer_type, byte_size
from webdnn.dialects.kernel.program import AllocOp, WeightOp
from webdnn.dialects.signature import entries, written
from webdnn.passes.kernel.memory.loading import Loading
from webdnn.passes.kernel.memory.places import users
from webdnn.passes.kernel.memory.touched import touched
from webdnn.support.diagnostic import fail
from webdnn.support.planning.expansion import expansion_order
from webdnn.support.planning.offsets import Assignment, assign, verify
from webdnn.support.planning.packing import lower_bound
from webdnn.support.planning.storage import Block as StorageBlock
from webdnn.support.planning.storage import Part, align

ARGUMENT_OFFSET = "kernel.at"
ARENA_BYTES, ARENA_BOUND = "kernel.arena", "kernel.arena_bound"
MEMORY_BYTES, MEMORY_BOUND = "kernel.memory", "kernel.memory_bound"


@dataclass(frozen=True)
class Life:
    """From the step at which something is first used to that after the last."""

    start: int
    stop: int

    def block(self, size: int) -> StorageBlock:
        return StorageBlock((Part(self.start, self.stop, 0, size),))


@dataclass(frozen=True)
class Plan:
    """The byte offset of every buffer, and of every weight that only loading reads.

    `arena` is for what comes and goes in a run, `memory` also for what loading needs and leaves, each with the least
    that any plan needs.
    """

    offsets: Mapping[SSAValue, int]
    arena: Assignment
    memory: Assignment


def plan(block: Block, alignment: int, reuse: bool, parts: bool, enough: int) -> Plan:
    """Place what a run uses in an arena, and the arena as a whole beside what loading uses, where it is needed last.

    So the arena is as small as if nothing were loaded, and lies where weights were.
    """
    loading, size = Loading.of(block), partial(aligned_size, alignment=alignment)
    lives = lives_of_run(block, loading)
    if not reuse:
        lives = dict.fromkeys(lives, Life(0, len(block.ops)))
    blocks = [
        parts_of(buffer, life, block, alignment) if reuse and parts else life.block(size(buffer))
        for buffer, life in lives.items()
    ]
    arena = kept(blocks, known_offsets(block, list(lives)), enough) or placed(blocks, alignment, enough=enough)
    groups = [*([weight.result for weight in group] for group in loading.weights), *([b] for b in loading.buffers)]
    needed = [life_of_loading(group, loading).block(size(group[0])) for group in groups]
    end = len(loading.ops)
    memory = placed([*needed, Life(end, end + 1).block(align(arena.arena, alignment))], alignment, in_place=True)
    *beside, base = memory.offsets
    offsets = {buffer: base + offset for buffer, offset in zip(lives, arena.offsets, strict=True)}
    offsets |= {buffer: offset for group, offset in zip(groups, beside, strict=True) for buffer in group}
    return Plan(offsets, arena, memory)


def placed(blocks: Sequence[StorageBlock], alignment: int, *, in_place: bool = False, enough: int = 0) -> Assignment:
    """Offsets that have been checked; `in_place` tells of blocks that others are expanded from."""
    found = assign(blocks, alignment, hint=expansion_order(blocks) if in_place else (), enough=enough)
    verify(blocks, found.offsets)
    return found


def known_offsets(block: Block, buffers: Sequence[SSAValue]) -> list[int]:
    """Where an earlier plan put buffers in the arena; empty if there is none."""
    function = block.parent_op()
    assert isinstance(function, func.FuncOp)
    given = [attributes.get(ARGUMENT_OFFSET) for attributes in entries(function.arg_attrs, len(block.args))]
    places: dict[SSAValue, Attribute | None] = dict(zip(block.args, given, strict=True))
    places |= {op.result: op.at for op in block.ops if isinstance(op, AllocOp)}
    found = [at.value.data for buffer in buffers if isinstance(at := places[buffer], IntegerAttr)]
    return [at - min(found) for at in found] if len(found) == len(buffers) else []


def kept(blocks: Sequence[StorageBlock], known: Sequence[int], enough: int) -> Assignment | None:
    """An earlier plan, if it takes no more than `enough` bytes and is still right: elements may have become wider."""
    if not known:
        return None
    arena = max(at + block.height for at, block in zip(known, blocks, strict=True))
    if arena > enough:
        return None
    try:
        verify(blocks, known)
    except ValueError:
        return None
    bound = lower_bound(blocks)
    return Assignment(tuple(known), arena, bound, arena == bound)


def lives_of_run(block: Block, loading: Loading) -> dict[SSAValue, Life]:
    """Arguments live from the start, results to the end, all else from its first use to its last."""
    time = {op: t for t, op in enumerate(block.ops)}
    allocs = [op.result for op in block.ops if isinstance(op, AllocOp) and op.result not in loading.buffers]
    lives: dict[SSAValue, Life] = {}
    for buffer in (*block.args, *allocs):
        used = users(buffer)
        times = [time[op] for op in used]
        start = min(times, default=0) if isinstance(buffer.owner, AllocOp) else 0
        stop = len(time) if any(isinstance(op, func.ReturnOp) for op in used) else max(times, default=start) + 1
        lives[buffer] = Life(start, stop)
    return lives


def parts_of(buffer: SSAValue, life: Life, block: Block, alignment: int) -> StorageBlock:
    """A buffer whose bytes live from the first operation that touches them to the last.

    All of it counts for its height. Arguments are there from the start, results to the end.
    """
    time = {op: t for t, op in enumerate(block.ops)}
    unit, size = element_type(buffer_type(buffer)).bytes, aligned_size(buffer, alignment)
    spans = [(time[op], span) for op in users(buffer) if (span := touched(op, buffer))]
    borders = sorted({0, size, *(end * unit for _, span in spans for end in span)})
    parts = [Part(life.start, life.start, 0, size)]
    given, kept = isinstance(buffer.owner, Block), life.stop == len(time)
    for low, high in pairwise(borders):
        times = [t for t, (first, last) in spans if first * unit < high and low < last * unit]
        start = 0 if given else min(times, default=life.start)
        stop = life.stop if kept else max(times, default=start - 1 + given) + 1
        if parts[-1].end > parts[-1].start and (parts[-1].start, parts[-1].end) == (start, stop):
            low = parts.pop().offset
        parts.append(Part(start, stop, low, high - low))
    return StorageBlock(tuple(parts))


def life_of_loading(group: Sequence[SSAValue], loading: Loading) -> Life:
    """Weights stand there from the start, and what a run uses stays to the end: the run is the last step."""
    time = {op: t for t, op in enumerate(loading.ops)}
    found = [op for value in group for op in users(value)]
    times = [time.get(op, len(time)) for op in found]
    weights = any(isinstance(value.owner, WeightOp) for value in group)
    return Life(0 if weights else min(times), max(times) + 1)


def aligned_size(buffer: SSAValue, alignment: int) -> int:
    return align(byte_size(buffer), alignment)


@dataclass(frozen=True)
class KernelAssignOffsetsPass(ModulePass):
    """Place the buffers of a function in one memory, those that live at one time side by side.

    First comes loading: the weights that nothing else reads stand there from the start, and may be overwritten when
    they have been read; what is computed once from them is kept, if a run uses it. Then come runs, whose buffers share
    an arena, which may lie where such weights were.

    The function then says how large the arena is, and the least that any plan needs (`kernel.arena_bound`, the
    largest sum of bytes alive at once), and both for all of this memory (`kernel.memory`, `kernel.memory_bound`).
    Without `reuse`, no two buffers of a run share bytes. With `parts`, each byte of a buffer lives only from the first
    operation that touches it to the last, so that a result may lie where rows of an operand were. A run that takes
    `enough` bytes, or could not take so few, is not packed any closer; an earlier plan of so few stays, if it still
    holds. A run that takes more than `most`, if there is such a limit, is refused.

    Before:

        %a = kernel.alloc : memref<8xf32>

    After:

        %a = kernel.alloc at 64 : memref<8xf32>

    Leaves alone: weights that runs read, which lie elsewhere. Run after `kernel-assign-buffers`, once the order of
    kernels is final.
    """

    name = "kernel-assign-offsets"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "buffers"
    alignment: int = 64
    reuse: bool = True
    parts: bool = False
    enough: int = 0
    most: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            found = plan(function.body.block, self.alignment, self.reuse, self.parts, self.enough)
            if 0 < self.most < found.memory.arena:
                self.refuse(found, function)
            self.note(found, function)

    def refuse(self, found: Plan, function: func.FuncOp) -> NoReturn:
        """Say what would do: a limit of memory lowers what a run needs, but not what loading leaves."""
        needed = found.memory.arena
        devices = f"write --limit buffer={needed} for devices that allow it"
        fail(
            function,
            f"has values of {needed} bytes, more than the {self.most} that a buffer may have",
            hint=f"{devices}, or --memory-limit {self.most}" if found.arena.arena > self.most else devices,
        )

    def note(self, found: Plan, function: func.FuncOp) -> None:
        """Write the plan into the function."""
        arguments = function.body.block.args
        function.arg_attrs = written(
            {**attributes, ARGUMENT_OFFSET: IntegerAttr(found.offsets[argument], i64)}
            for attributes, argument in zip(entries(function.arg_attrs, len(arguments)), arguments, strict=True)
        )
        for op in function.body.block.ops:
            if isinstance(op, AllocOp | WeightOp):
                at = found.offsets.get(op.result)
                op.at = None if at is None else IntegerAttr(at, i64)
        sizes = {
            ARENA_BYTES: found.arena.arena,
            ARENA_BOUND: found.arena.bound,
            MEMORY_BYTES: found.memory.arena,
            MEMORY_BOUND: found.memory.bound,
        }
        function.attributes |= {name: IntegerAttr(size, i64) for name, size in sizes.items()}
