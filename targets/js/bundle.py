"""The JavaScript part of a bundle: one module with all kernels, and the memory image that it works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.kernel.program import WeightOp
from webdnn.support.diagnostic import fail
from webdnn.targets.bundle.manifest import Js, MemoryRange
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.c_like import function_name
from webdnn.targets.js.emit import emit_kernels, view_of
from webdnn.targets.program import Call, Program, WeightImage, byte_size, elements_of, stored_type

MODULE = "kernels/kernels.js"
ALIGNMENT = 64


@dataclass(frozen=True)
class JsPart:
    """The manifest's section and the files that it names."""

    section: Js
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Memory:
    """The memory image: the arena, and the weights after it."""

    program: Program
    image: WeightImage

    @property
    def weights_at(self) -> int:
        return -(-self.program.arena_bytes // ALIGNMENT) * ALIGNMENT

    def address(self, value: SSAValue) -> int:
        owner = value.owner
        if isinstance(owner, WeightOp):
            return self.weights_at + self.image.offsets[owner]
        return self.program.offset(value)

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
        memory_bytes=memory.weights_at + len(memory.image.content),
        weights=shards.at_address(memory.weights_at),
        inputs=tuple(memory.range(value) for value in program.inputs),
        outputs=tuple(memory.range(value) for value in program.outputs),
    )
    return JsPart(section, {MODULE: module_text(module, memory).encode(), **shards.files})


def module_text(module: ModuleOp, memory: Memory) -> str:
    """Kernels, and functions that call them on places of the heap: once, and each time."""
    program = memory.program
    entries = {"load": program.calls_at_load, "run": program.calls_of_a_run}
    callers = [caller(name, calls, memory) for name, calls in entries.items() if calls or name == "run"]
    return "\n".join([emit_kernels(module), *callers, ""])


def caller(name: str, calls: Sequence[Call], memory: Memory) -> str:
    """A function that calls kernels in order."""
    views = sorted({view_of(stored_type(b).name) for call in calls for b in call.buffers})
    lines = [f"  {function_name(call.kernel)}({', '.join(memory.view(b) for b in call.buffers)});" for call in calls]
    heap = f"{{ {', '.join(views)} }}" if views else ""
    return "\n".join([f"export function {name}({heap}) {{", *lines, "}"])
