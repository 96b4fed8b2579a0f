"""The WebGPU part of a bundle: shader texts, dispatches, weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard, get_args

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.kernel.subgroup import uses_subgroups
from webdnn.support.diagnostic import fail
from webdnn.targets.bundle.names import StorageName, VariantName
from webdnn.targets.bundle.sections import (
    Alone,
    Binding,
    BufferPiece,
    BufferTensor,
    Counter,
    Dispatch,
    Pipeline,
    Variant,
    WebGpu,
)
from webdnn.targets.bundle.write import Move, split_weights
from webdnn.targets.c_like import function_name
from webdnn.targets.launches import Launches
from webdnn.targets.program import Call, Program, WeightImage, byte_size, stored_type
from webdnn.targets.wgsl.emit import emit_kernel, groups_of

SOURCES = "kernels/wgsl.json"
VECTOR = 16
"""Bytes of a vec4f"""

ALIGNMENT = 256
"""Of every binding's offset, by default limits."""

DEFAULT_LIMITS = {"maxStorageBuffersPerShaderStage": 8, "maxStorageBufferBindingSize": 128 * 2**20}
STORAGES: dict[str, StorageName] = {"f32": "f32", "i32": "i32", "u32": "u32"}


@dataclass(frozen=True)
class WebGpuPart:
    """The manifest's section and the files that it names."""

    section: WebGpu
    files: Mapping[str, bytes]


def webgpu_part(module: ModuleOp) -> WebGpuPart:
    """What a bundle holds for WebGPU, from a module after `wgsl-legalize`."""
    program = Program.of(module)
    kernels = sorted((k for called in program.called for k in (called, *others_of(program, called))), key=kind_of)
    image = WeightImage.of(program.weights, ALIGNMENT)
    kept = whole_vectors(image.kept)
    shards = split_weights(image.content.ljust(kept, b"\0"))
    loading = program.launches_at_load
    launches = Launches.of([*loading, *program.launches_of_a_run])
    places = {kernel: i for i, kernel in enumerate(kernels)}
    dispatches = tuple(
        dispatch(program, places, call.kernel, bindings(program, image, call), counters)
        for call, counters in zip(launches.calls, launches.counters, strict=True)
    )
    section = WebGpu(
        sources=SOURCES,
        pipelines=tuple(Pipeline(i, function_name(kernel)) for i, kernel in enumerate(kernels)),
        arena_bytes=whole_vectors(program.arena_bytes),
        weights_bytes=kept,
        weights=(
            *shards.in_buffer("weights", [Move(0, kept, 0)]),
            *shards.in_buffer("arena", image.passing),
        ),
        dispatches=dispatches,
        inputs=tuple(tensor(program, *it) for it in zip(program.input_pieces, program.input_magnitudes, strict=True)),
        outputs=tuple(tensor(program, pieces) for pieces in program.output_pieces),
        limits=limits(dispatches),
        loops=tuple(launches.loops),
        loading=len(loading),
    )
    sources = json.dumps([emit_kernel(kernel) for kernel in kernels])
    return WebGpuPart(section, {SOURCES: sources.encode(), **shards.files})


def others_of(program: Program, kernel: FuncOp) -> list[FuncOp]:
    """The kernels that do the same in other ways."""
    return [program.kernels[name.data] for name in kernel.others]


def kind_of(kernel: FuncOp) -> str:
    """What kernels are sorted by: texts of one variant are alike, and take an eighth less space side by side."""
    return kernel.variant.data if kernel.variant else ""


def dispatch(
    program: Program,
    places: Mapping[FuncOp, int],
    kernel: FuncOp,
    bound: tuple[Binding, ...],
    counters: tuple[Counter, ...],
) -> Dispatch:
    """A launch of a kernel, and what may be launched instead."""
    others = others_of(program, kernel)
    variants = [Variant(variant_of(other), places[other], groups_of(other), features_of(other)) for other in others]
    return Dispatch(
        places[kernel],
        groups_of(kernel),
        bound,
        counters,
        next((Alone(v.pipeline, v.groups) for v in variants if v.name == "alone"), None),
        variant_of(kernel) if variants else None,
        tuple(v for v in variants if v.name != "alone") or None,
    )


def features_of(kernel: FuncOp) -> tuple[str, ...] | None:
    """What a device needs for a variant, if that is more than WebGPU has everywhere."""
    return ("subgroups",) if uses_subgroups(kernel) else None


def variant_of(kernel: FuncOp) -> VariantName:
    """Raises DiagnosticError where a manifest has no word for it."""
    name = kernel.variant.data if kernel.variant else ""
    if not is_variant(name):
        known = ", ".join(get_args(VariantName))
        fail(kernel, f"is variant '{name}' of a kernel, expected one of {known}", hint="give it one of these names")
    return name


def is_variant(name: str) -> TypeGuard[VariantName]:
    return name in get_args(VariantName)


def bindings(program: Program, image: WeightImage, call: Call) -> tuple[Binding, ...]:
    """The byte range of each buffer of a call. Distinct buffers of one dispatch may not overlap."""
    found: list[Binding] = []
    for value in call.buffers:
        if isinstance(owner := value.owner, WeightOp) and owner.offset is None:
            found.append(Binding("weights", image.offsets[owner], whole_vectors(byte_size(value))))
            continue
        offset = program.offset(value)
        if offset % ALIGNMENT:
            fail(call.op, f"has a buffer at {offset}", hint="run 'kernel-assign-offsets{alignment=256}' for WebGPU")
        found.append(Binding("arena", offset, whole_vectors(byte_size(value))))
    ranges = sorted((b.offset, b.offset + b.size) for b in found if b.buffer == "arena")
    assert all(a[1] <= b[0] for a, b in pairwise(ranges)), "buffers of a call overlap"
    return tuple(found)


def whole_vectors(count: int) -> int:
    """Bytes up to a multiple of those of a vec4, of which an array of them has at least one."""
    return -(-count // VECTOR) * VECTOR


def tensor(program: Program, values: Sequence[SSAValue], magnitude: int | None = None) -> BufferTensor:
    """Where a tensor lies, in one buffer or in pieces, and the greatest magnitude that a run takes of its integers."""
    pieces = tuple(BufferPiece(program.offset(value), byte_size(value)) for value in values)
    first, storage = pieces[0], STORAGES[stored_type(values[0]).name]
    size = sum(piece.size for piece in pieces)
    return BufferTensor(first.offset, size, storage, pieces if len(pieces) > 1 else None, magnitude)


def limits(dispatches: tuple[Dispatch, ...]) -> dict[str, int]:
    """What the device must offer beyond the defaults."""
    needed = {
        "maxStorageBuffersPerShaderStage": max((len(d.bindings) for d in dispatches), default=0),
        "maxStorageBufferBindingSize": max((b.size for d in dispatches for b in d.bindings), default=0),
    }
    return {name: value for name, value in needed.items() if value > DEFAULT_LIMITS[name]}
