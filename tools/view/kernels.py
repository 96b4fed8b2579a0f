"""The kernels of a program: their source in the language of a target, their schedules, what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, ReduceOp
from webdnn.targets.program import Program
from webdnn.tools.bench.cost import cost_of
from webdnn.tools.changes import Changes


class Kernel(TypedDict):
    """A kernel: the calls that make it (numbers of the plan's), its cost for one of them, IR, schedule and source."""

    name: str
    calls: list[int]
    shape: str
    flops: int
    bytes: int
    schedule: list[str]
    ir: str
    source: str


def kernels_of(flat: ModuleOp, schedules: Mapping[str, list[str]], sources: Mapping[str, str]) -> list[Kernel]:
    """Those that a program on flat buffers calls, in the order of their first call."""
    program = Program.of(flat)
    calls: dict[str, list[int]] = {}
    for i, call in enumerate(program.calls):
        calls.setdefault(call.kernel.sym_name.data, []).append(i)
    return [
        Kernel(
            name=name,
            calls=calls[name],
            shape=cost.shape,
            flops=cost.operations,
            bytes=cost.bytes,
            schedule=schedules.get(name, []),
            ir=str(kernel),
            source=sources.get(name, ""),
        )
        for kernel in program.called
        for name, cost in [(kernel.sym_name.data, cost_of(kernel))]
    ]


def schedules_in(module: ModuleOp) -> Iterator[tuple[str, list[str]]]:
    """The schedules that a module's kernels have now, by name."""
    for function in module.body.block.ops:
        if isinstance(function, FuncOp):
            found = [spell_schedule(op) for op in function.walk() if isinstance(op, ComputeOp | ReduceOp)]
            yield function.sym_name.data, [*filter(None, found)]


def spell_schedule(op: ComputeOp | ReduceOp) -> str:
    """`compute 56x56x64: #kernel.schedule<…>`; empty where nothing is scheduled."""
    extents = "x".join(map(str, op.shape))
    chosen = op.unroll if isinstance(op, ReduceOp) else op.schedule
    return f"{op.name.removeprefix('kernel.')} {extents}: {chosen}" if chosen else ""


def wasm_sources(flat: ModuleOp, changes: Changes, context: Context, schedules: dict[str, list[str]]) -> dict[str, str]:
    """Kernels as WebAssembly text, for one thread and engines with relaxed SIMD; notes their schedules."""
    from webdnn.targets.wasm.lowering import kernels_in, spelled
    from webdnn.targets.wasm.variants import VARIANTS

    own = ModuleOp([kernel.clone() for kernel in kernels_in(flat)])
    for module_pass in changes.of_passes(VARIANTS[0].passes()):
        module_pass.apply(context, own)
        schedules.update((name, found) for name, found in schedules_in(own) if found and name not in schedules)
    functions = [op for op in own.body.block.ops if isinstance(op, func.FuncOp)]
    return {
        function.sym_name.data: "\n".join(piece.text for piece in spelled(function.clone(), pieces=True))
        for function in functions
    }


def sources_in(language: str, module: ModuleOp) -> dict[str, str]:
    """The kernels of a legal module in a language that prints them one by one."""
    kernels = Program.of(module).called
    match language:
        case "wgsl":
            from webdnn.targets.wgsl.emit import emit_kernel as wgsl

            return {kernel.sym_name.data: wgsl(kernel) for kernel in kernels}
        case "glsl" | "glsl100":
            from webdnn.targets.glsl.emit import emit_kernel as glsl

            version = 300 if language == "glsl" else 100
            return {kernel.sym_name.data: glsl(kernel, version) for kernel in kernels}
        case _:
            from webdnn.targets.js.emit import emit_kernel as js

            return {kernel.sym_name.data: js(kernel) for kernel in kernels}
