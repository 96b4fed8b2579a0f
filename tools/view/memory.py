"""The plan of a program's memory: its calls in order, and when and where each buffer lives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.kernel.program import AllocOp
from webdnn.passes.kernel.memory.assign_offsets import ARENA_BOUND, ARENA_BYTES
from webdnn.support.diagnostic import origins
from webdnn.targets.program import Call, Loop, Program, byte_size
from webdnn.tools.summary import noted
from webdnn.tools.view.graphs import accesses_inside, spell_type


class Buffer(TypedDict):
    """A buffer: bytes from `at` on, alive from the call `first` to the call `last`.

    `kind` is "input", "output", "once" (computed when the model is loaded, and kept) or "value".
    """

    name: str
    kind: str
    type: str
    at: int
    bytes: int
    first: int
    last: int
    writers: list[int]
    readers: list[int]


class Launch(TypedDict):
    """A call: its kernel, how often the loops around make it, and the ONNX nodes that it comes from."""

    kernel: str
    origins: list[str]
    trips: int
    once: bool


class Plan(TypedDict):
    """The whole plan. `bound` is the least that any plan of these calls needs."""

    arena: int
    bound: int
    launches: list[Launch]
    buffers: list[Buffer]


def shapes(module: ModuleOp) -> list[str]:
    """The types of arguments and buffers in order, as long as buffers have their dimensions."""
    found: list[str] = []
    for function in module.body.block.ops:
        if isinstance(function, func.FuncOp):
            found += map(spell_type, function.body.block.args)
            found += [spell_type(op.result) for op in function.body.block.ops if isinstance(op, AllocOp)]
    return found


def plan_of(module: ModuleOp, types: Sequence[str]) -> Plan:
    """The plan of a program of kernels; `types` are those of its buffers, where they are as many."""
    program = Program.of(module)
    calls = [*placed(program.launches)]
    allocs = [op.result for op in program.function.body.block.ops if isinstance(op, AllocOp)]
    values: list[SSAValue] = [*program.inputs, *allocs]
    spelled = types if len(types) == len(values) else [spell_type(value) for value in values]
    uses = {value: Uses() for value in values}
    for i, (call, _, span) in enumerate(calls):
        reads, writes = accesses_inside(call.kernel)
        for parameter, value in zip(call.kernel.buffers, call.buffers, strict=True):
            if value in uses:
                uses[value].add(i, span, read=parameter in reads, write=parameter in writes)
    buffers = [
        described(program, value, type, uses[value], [calls[i][0] for i in uses[value].writers], len(calls))
        for value, type in zip(values, spelled, strict=True)
    ]
    launches = [
        Launch(
            kernel=call.kernel.sym_name.data,
            origins=origins(call.op.location),
            trips=trips,
            once=call.op.once is not None,
        )
        for call, trips, _ in calls
    ]
    bound = noted(module, ARENA_BOUND)
    return Plan(arena=noted(module, ARENA_BYTES), bound=bound, launches=launches, buffers=buffers)


class Uses:
    """Which calls write and read a buffer, and the first and the last moment of all of these."""

    def __init__(self) -> None:
        self.writers: list[int] = []
        self.readers: list[int] = []
        self.span: tuple[int, int] | None = None

    def add(self, call: int, span: tuple[int, int], *, read: bool, write: bool) -> None:
        self.writers += [call] * write
        self.readers += [call] * read
        first, last = self.span or span
        self.span = min(first, span[0]), max(last, span[1])


def placed(launches: Sequence[Call | Loop]) -> Iterator[tuple[Call, int, tuple[int, int]]]:
    """Every call, how often it is made, and from which call to which a buffer of it lives: all of the loop around."""
    at = 0
    for launch in launches:
        inner = [(launch, 1)] if isinstance(launch, Call) else list(made(launch, 1))
        span = at, at + len(inner) - 1
        yield from ((call, trips, span) for call, trips in inner)
        at += len(inner)


def made(loop: Loop, times: int) -> Iterator[tuple[Call, int]]:
    for launch in loop.launches:
        if isinstance(launch, Call):
            yield launch, times * loop.trips
        else:
            yield from made(launch, times * loop.trips)


def described(program: Program, value: SSAValue, type: str, uses: Uses, writers: Sequence[Call], calls: int) -> Buffer:
    """A buffer; inputs live from the start, outputs to the end, and what is computed once always."""
    inputs, outputs = list(program.inputs), list(program.outputs)
    once = bool(writers) and all(call.op.once is not None for call in writers)
    kind = "input" if value in inputs else "output" if value in outputs else "once" if once else "value"
    first, last = uses.span or (0, 0)
    names = dict.fromkeys(name for call in writers for name in origins(call.op.location))
    return Buffer(
        name=value.name_hint or ", ".join(names) or kind,
        kind=kind,
        type=type,
        at=program.offset(value),
        bytes=byte_size(value),
        first=0 if kind in ("input", "once") else first,
        last=calls - 1 if kind in ("output", "once") else last,
        writers=uses.writers,
        readers=uses.readers,
    )
