"""What the tests use of wgpu, which has no types: a device, and a bundle's WebGPU part computed on it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, TypeGuard

import numpy as np

from validation.kernel_programs import Array
from webdnn.targets.bundle.sections import Dispatch
from webdnn.targets.wgsl.bundle import WebGpuPart

STORAGE, COPY_DST, COPY_SRC = 0x80, 0x8, 0x4
"""Buffer usages, as the WebGPU specification numbers them."""
COMPUTE = 0x4

STORED = {"f32": np.float32, "i32": np.int32, "u32": np.uint32}


class Pass(Protocol):
    """A compute pass being recorded."""

    def set_pipeline(self, pipeline: object) -> None: ...
    def set_bind_group(self, index: int, bind_group: object) -> None: ...
    def dispatch_workgroups(self, x: int, y: int, z: int) -> None: ...
    def end(self) -> None: ...


class Encoder(Protocol):
    """Commands being recorded."""

    def begin_compute_pass(self) -> Pass: ...
    def finish(self) -> object: ...


class Queue(Protocol):
    """What is done on the device, in order."""

    def write_buffer(self, buffer: object, buffer_offset: int, data: bytes) -> None: ...
    def read_buffer(self, buffer: object, buffer_offset: int, size: int) -> memoryview: ...
    def submit(self, command_buffers: Sequence[object]) -> None: ...


class Device(Protocol):
    """A WebGPU device."""

    @property
    def queue(self) -> Queue: ...
    def create_buffer(self, *, size: int, usage: int) -> object: ...
    def create_shader_module(self, *, code: str) -> object: ...
    def create_bind_group_layout(self, *, entries: Sequence[Mapping[str, object]]) -> object: ...
    def create_pipeline_layout(self, *, bind_group_layouts: Sequence[object]) -> object: ...
    def create_compute_pipeline(self, *, layout: object, compute: Mapping[str, object]) -> object: ...
    def create_bind_group(self, *, layout: object, entries: Sequence[Mapping[str, object]]) -> object: ...
    def create_command_encoder(self) -> Encoder: ...


def is_device(value: object) -> TypeGuard[Device]:
    return hasattr(value, "create_compute_pipeline")


def called(value: object, method: str) -> object:
    """What a method of an untyped object gives."""
    found: object = getattr(value, method)
    assert callable(found)
    result: object = found()
    return result


@cache
def gpu() -> Device:
    """A Vulkan device, in software where there is no other."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    entry: object = import_module("wgpu").gpu
    device = called(called(entry, "request_adapter_sync"), "request_device_sync")
    assert is_device(device)
    return device


def validate_wgsl(text: str) -> None:
    """Raise what naga has against a module."""
    gpu().create_shader_module(code=text)


def run_webgpu(part: WebGpuPart, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of a bundle's WebGPU part, as they are stored, computed on naga's device."""
    queue, section = gpu().queue, part.section
    buffers = {"arena": new_buffer(section.arena_bytes), "weights": new_buffer(section.weights_bytes)}
    for piece in section.weights:
        content = part.files[piece.file][piece.start : piece.start + piece.bytes]
        queue.write_buffer(buffers[piece.buffer], piece.offset, content + bytes(-len(content) % 4))
    texts: list[str] = json.loads(part.files[section.sources])

    def dispatched(steps: Sequence[Dispatch]) -> None:
        for step in steps:
            pipeline = section.pipelines[step.pipeline]
            dispatch(texts[pipeline.source], pipeline.entry, step, buffers)

    dispatched(section.dispatches[: section.loading])
    for value, place in zip(inputs, section.inputs, strict=True):
        queue.write_buffer(buffers["arena"], place.offset, value.astype(STORED[place.storage]).tobytes())
    dispatched(section.dispatches[section.loading :])
    return [
        np.frombuffer(queue.read_buffer(buffers["arena"], place.offset, place.size), STORED[place.storage])
        for place in section.outputs
    ]


def new_buffer(size: int) -> object:
    return gpu().create_buffer(size=max(16, -(-size // 4) * 4), usage=STORAGE | COPY_DST | COPY_SRC)


def dispatch(text: str, entry: str, step: Dispatch, buffers: Mapping[str, object]) -> None:
    """Run one kernel."""
    device = gpu()
    kinds = ["storage" if b.buffer == "arena" else "read-only-storage" for b in step.bindings]
    layout = device.create_bind_group_layout(
        entries=[{"binding": i, "visibility": COMPUTE, "buffer": {"type": kind}} for i, kind in enumerate(kinds)]
    )
    resources = [{"buffer": buffers[b.buffer], "offset": b.offset, "size": b.size} for b in step.bindings]
    entries = [{"binding": i, "resource": resource} for i, resource in enumerate(resources)]
    encoder = device.create_command_encoder()
    work = encoder.begin_compute_pass()
    work.set_pipeline(
        device.create_compute_pipeline(
            layout=device.create_pipeline_layout(bind_group_layouts=[layout]),
            compute={"module": device.create_shader_module(code=text), "entry_point": entry},
        )
    )
    work.set_bind_group(0, device.create_bind_group(layout=layout, entries=entries))
    work.dispatch_workgroups(*step.groups)
    work.end()
    device.queue.submit([encoder.finish()])
