"""The JavaScript part of a bundle: one module with all kernels, and the memory image that it works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.kernel.affine import is_value
from webdnn.dialects.kernel.program import WeightOp
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index
from webdnn.targets.bundle.sections import Js, MemoryRange
from webdnn.targets.bundle.write import Move, split_weights
from webdnn.targets.c_like import function_name
from webdnn.targets.js.emit import emit_kernels, view_of
from webdnn.targets.program import Call, Loop, Program, WeightImage, byte_size, calls_in, elements_of, stored_type

MODULE = "kernels/kernels.js"
ALIGNMENT = 64


@dataclass(frozen=True)
class JsPart:
    """The manifest's section and the files that it names."""

    section: Js
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Memory:
    """The memory image: the arena, and after it the weights that stay."""

    program: Program
    image: WeightImage

    @property
    def weights_at(self) -> int:
        return -(-self.program.arena_bytes // ALIGNMENT) * ALIGNMENT

    def address(self, value: SSAValue) -> int:
        owner = value.owner
        if isinstance(owner, WeightOp) and owner.offset is None:
            return self.weights_at + self.image.offsets[owner]
        return self.program.offset(value)

    @property
    def moves(self) -> list[Move]:
        """Where the parts of the weights' image stand when loading begins."""
        return [Move(0, self.image.kept, self.weights_at), *self.image.passing]

    def range(self, value: SSAValue) -> MemoryRange:
        return MemoryRange(self.address(value), byte_size(value))

    def view(self, value: SSAValue) -> str:
        """The typed array over a buffer."""
        element, at = stored_type(value), self.address(value)
        if at % element.bytes:
            fail(self.program.function, f"has {element.name} elements at {at}", hint="align buffers to 8 bytes or more")
        begin = at // element.bytes
        return f"{view_of(element.name)}.subarray({begin}, {begin + elements_of(value)})"


def js_part(module: ModuleOp) -> JsPart:
    """What a bundle holds for JavaScript, from a module after `js-legalize`."""
    program = Program.of(module)
    memory = Memory(program, WeightImage.of(program.weights, ALIGNMENT))
    shards = split_weights(memory.image.content)
    section = Js(
        module=MODULE,
        memory_bytes=memory.weights_at + memory.image.kept,
        weights=shards.at_addresses(memory.moves),
        inputs=tuple(memory.range(value) for value in program.inputs),
        outputs=tuple(memory.range(value) for value in program.outputs),
    )
    return JsPart(section, {MODULE: module_text(module, memory).encode(), **shards.files})


@dataclass(frozen=True)
class Launches:
    """The statements that call kernels. Views that loops use are made before; `names` are those of counters."""

    memory: Memory
    views: Mapping[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    names: Mapping[SSAValue, str] = field(default_factory=dict[SSAValue, str])

    def lines(self, launches: Sequence[Call | Loop]) -> list[str]:
        found: list[str] = []
        for launch in launches:
            found += [self.call(launch)] if isinstance(launch, Call) else self.loop(launch)
        return [f"  {line}" for line in found]

    def call(self, call: Call) -> str:
        views = [self.views.get(b) or self.memory.view(b) for b in call.buffers]
        counters = [index_text(index, self.names) for index in call.counters]
        return f"{function_name(call.kernel)}({', '.join([*views, *counters])});"

    def loop(self, loop: Loop) -> list[str]:
        views = {b: f"v{i}" for i, b in enumerate(dict.fromkeys(b for call in loop.calls for b in call.buffers))}
        made = [] if self.views else [f"  const {name} = {self.memory.view(b)};" for b, name in views.items()]
        counter = f"i{len(self.names)}"
        inner = Launches(self.memory, self.views or views, {**self.names, loop.counter: counter})
        head = f"for (let {counter} = 0; {counter} < {loop.trips}; {counter}++) {{"
        lines = [head, *inner.lines(loop.launches), "}"]
        return ["{", *made, *(f"  {line}" for line in lines), "}"] if made else lines


def index_text(index: Index, names: Mapping[SSAValue, str]) -> str:
    """A sum of counters."""
    return " + ".join([*(f"{names[a]} * {c}" for a, c in index.terms.items() if is_value(a)), str(index.constant)])


def module_text(module: ModuleOp, memory: Memory) -> str:
    """Kernels, and functions that call them on places of the heap: once, and each time."""
    program = memory.program
    entries = {"load": program.launches_at_load, "run": program.launches_of_a_run}
    callers = [caller(name, found, memory) for name, found in entries.items() if found or name == "run"]
    return "\n".join([emit_kernels(module), *callers, ""])


def caller(name: str, launches: Sequence[Call | Loop], memory: Memory) -> str:
    """A function that calls kernels in order."""
    views = sorted({view_of(stored_type(b).name) for call in calls_in(launches) for b in call.buffers})
    lines = Launches(memory).lines(launches)
    heap = f"{{ {', '.join(views)} }}" if views else ""
    return "\n".join([f"export function {name}({heap}) {{", *lines, "}"])
