"""One kernel under several plans, as one module that exports them all, and the memory that they run in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import wasmtime
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type, byte_size
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.support.planning.storage import align
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.lowering import functions
from webdnn.targets.wasm.memory import ALIGNMENT, PAGE, margins
from webdnn.targets.wasm.variants import Variant

TURN_BYTES = 8 << 20
"""A kernel is called on so many bytes in turn, since a model's other kernels leave it no more of the caches."""

MOST_SETS = 16


@dataclass(frozen=True)
class Buffer:
    """An argument of a kernel: its place in a set, its element type, and what the kernel does to it."""

    offset: int
    bytes: int
    type: str
    read: bool
    written: bool


@dataclass(frozen=True)
class Trial:
    """A module with a function for each plan, called by its number; every set has a place for all buffers."""

    binary: bytes
    buffers: Sequence[Buffer]
    counters: int
    sets: Sequence[int]
    pages: int

    @classmethod
    def of(cls, kernel: FuncOp, plans: Sequence[Plan], variant: Variant, ctx: Context) -> Trial:
        """From a kernel of one compute on flat buffers, which stays as it is."""
        names = tuple(map(str, range(len(plans))))
        module = ModuleOp([planned(kernel, plan, name) for plan, name in zip(plans, names, strict=True)])
        before, behind = margins(module)
        buffers, size = placed(kernel)
        count = max(1, min(MOST_SETS, TURN_BYTES // max(1, size)))
        first = align(before, ALIGNMENT) + ALIGNMENT
        pages = align(first + count * size + behind + ALIGNMENT, PAGE) // PAGE
        binary = bytes(wasmtime.wat2wasm(module_text(functions(module, variant, ctx), pages, names)))
        return cls(binary, buffers, len(kernel.counters), [first + i * size for i in range(count)], pages)


def planned(kernel: FuncOp, plan: Plan, name: str) -> FuncOp:
    """A copy of a kernel that runs as planned."""
    copy = kernel.clone()
    copy.sym_name = StringAttr(name)
    plan.apply(compute_of(copy))
    return copy


def compute_of(kernel: FuncOp) -> ComputeOp:
    """The one compute of a kernel."""
    (compute,) = [op for op in kernel.body.block.ops if isinstance(op, ComputeOp)]
    return compute


def placed(kernel: FuncOp) -> tuple[list[Buffer], int]:
    """The buffers of a kernel one after another, and the bytes of them all."""
    read = {op.source for op in kernel.walk() if isinstance(op, ReadOp)}
    written = {op.target for op in kernel.walk() if isinstance(op, WriteOp)}
    found: list[Buffer] = []
    end = 0
    for value in kernel.buffers:
        found.append(Buffer(end, byte_size(value), type_of(value), value in read, value in written))
        end = align(end + byte_size(value), ALIGNMENT)
    return found, end


def type_of(value: SSAValue) -> str:
    """The name of a buffer's elements."""
    return element_type(buffer_type(value)).name
