"""A module whose kernels are exported one by one, for whoever calls and times them itself; no bundle holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import wasmtime
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.targets.program import Call, Program
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.lowering import functions
from webdnn.targets.wasm.memory import PAGE, Memory
from webdnn.targets.wasm.pieces import piece_of
from webdnn.targets.wasm.variants import Variant

EXPORTS, CODE = 7, 10
"""Numbers of sections: https://webassembly.github.io/spec/core/binary/modules.html#sections"""

FUNCTION = 0
"""The kind of an export that is a function."""

HEADER_BYTES = 8


@dataclass(frozen=True)
class Instrumented:
    """The module over the memory image of a bundle; `sizes` are the bytes of each kernel's code, pieces included."""

    binary: bytes
    memory: Memory
    sizes: dict[str, int]

    @classmethod
    def of(cls, module: ModuleOp, variant: Variant, ctx: Context) -> Instrumented:
        """From kernels on flat buffers and their program."""
        memory = Memory.of(Program.of(module), module)
        kernels = functions(module, variant, ctx)
        names = [kernel.name for kernel in kernels]
        binary = bytes(wasmtime.wat2wasm(module_text(kernels, memory.size // PAGE, names)))
        code = code_sizes(binary)
        sizes = {name: code[name] + code.get(piece_of(name), 0) for name in memory.program.kernels}
        return cls(binary, memory, sizes)

    def addresses(self, call: Call) -> list[int]:
        """The addresses that a kernel is called with."""
        return [self.memory.address(buffer) for buffer in call.buffers]


def code_sizes(binary: bytes) -> dict[str, int]:
    """The bytes of the code of every exported function of a module that imports no functions."""
    found = dict(sections(binary))
    names = exported_functions(found.get(EXPORTS, b"\0"))
    bodies = body_sizes(found.get(CODE, b"\0"))
    return {name: bodies[index] for name, index in names.items()}


def sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and the content of each section."""
    at = HEADER_BYTES
    while at < len(binary):
        number = binary[at]
        size, at = unsigned(binary, at + 1)
        yield number, binary[at : at + size]
        at += size


def exported_functions(section: bytes) -> dict[str, int]:
    names: dict[str, int] = {}
    count, at = unsigned(section, 0)
    for _ in range(count):
        length, at = unsigned(section, at)
        name, at = section[at : at + length].decode(), at + length
        kind = section[at]
        index, at = unsigned(section, at + 1)
        if kind == FUNCTION:
            names[name] = index
    return names


def body_sizes(section: bytes) -> list[int]:
    sizes: list[int] = []
    count, at = unsigned(section, 0)
    for _ in range(count):
        size, at = unsigned(section, at)
        sizes.append(size)
        at += size
    return sizes


def unsigned(content: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
