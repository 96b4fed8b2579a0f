"""WebGPU devices of PyPI's wgpu, which has no types: what is used of them, and their failures in our words."""

import os
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from tempfile import gettempdir
from types import MappingProxyType
from typing import Protocol

from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Variant, WebGpu

STORAGE, UNIFORM, COPY_DST, COPY_SRC = 0x80, 0x40, 0x8, 0x4
"""Buffer usages, as the WebGPU specification numbers them"""

COMPUTE = 0x4
"""The shader stage"""

_GUARANTEED: Mapping[str, int] = {
    "maxBindGroups": 4,
    "maxBindingsPerBindGroup": 1000,
    "maxBufferSize": 256 * 2**20,
    "maxComputeInvocationsPerWorkgroup": 256,
    "maxComputeWorkgroupSizeX": 256,
    "maxComputeWorkgroupSizeY": 256,
    "maxComputeWorkgroupSizeZ": 64,
    "maxComputeWorkgroupsPerDimension": 65535,
    "maxComputeWorkgroupStorageSize": 16384,
    "maxDynamicUniformBuffersPerPipelineLayout": 8,
    "maxStorageBufferBindingSize": 128 * 2**20,
    "maxStorageBuffersPerShaderStage": 8,
    "maxUniformBufferBindingSize": 65536,
    "maxUniformBuffersPerShaderStage": 12,
    "minStorageBufferOffsetAlignment": 256,
    "minUniformBufferOffsetAlignment": 256,
}
"""Limits of every WebGPU device, by their names in GPUSupportedLimits"""

_OWN_NAMES = {"subgroups": "subgroup"}
"""Features that wgpu calls otherwise than WebGPU"""


class Buffer(Protocol):
    """Memory of a device."""

    def destroy(self) -> None: ...


class Pass(Protocol):
    """A compute pass being recorded."""

    def set_pipeline(self, pipeline: object) -> None: ...
    def set_bind_group(self, index: int, bind_group: object, dynamic_offsets_data: Sequence[int] = ()) -> None: ...
    def dispatch_workgroups(self, x: int, y: int, z: int) -> None: ...
    def end(self) -> None: ...


class Encoder(Protocol):
    """Commands being recorded."""

    def begin_compute_pass(self) -> Pass: ...
    def finish(self) -> object: ...


class Queue(Protocol):
    """What is done on a device, in order."""

    def write_buffer(self, buffer: Buffer, buffer_offset: int, data: bytes) -> None: ...
    def read_buffer(self, buffer: Buffer, buffer_offset: int, size: int) -> memoryview: ...
    def submit(self, command_buffers: Sequence[object]) -> None: ...


class Device(Protocol):
    """A WebGPU device."""

    @property
    def queue(self) -> Queue: ...
    def create_buffer(self, *, size: int, usage: int) -> Buffer: ...
    def create_shader_module(self, *, code: str) -> object: ...
    def create_bind_group_layout(self, *, entries: Sequence[Mapping[str, object]]) -> object: ...
    def create_pipeline_layout(self, *, bind_group_layouts: Sequence[object]) -> object: ...
    def create_compute_pipeline(self, *, layout: object, compute: Mapping[str, object]) -> object: ...
    def create_bind_group(self, *, layout: object, entries: Sequence[Mapping[str, object]]) -> object: ...
    def create_command_encoder(self) -> Encoder: ...


class Adapter(Protocol):
    """What a device is made of; limits are spelled `max-buffer-size`."""

    @property
    def features(self) -> set[str]: ...
    @property
    def limits(self) -> Mapping[str, int]: ...
    @property
    def info(self) -> Mapping[str, str]: ...
    def request_device_sync(
        self, *, required_features: Sequence[str], required_limits: Mapping[str, int]
    ) -> Device: ...


class _Gpu(Protocol):
    def request_adapter_sync(self, *, power_preference: str) -> Adapter: ...


@cache
def adapter() -> Adapter:
    """The GPU of this machine, in software where there is no other. Raises SessionError."""
    os.environ.setdefault("XDG_RUNTIME_DIR", gettempdir())  # of which drivers complain that it is not set
    hint = "install a driver of the GPU, or Debian's mesa-vulkan-drivers, which compute in software"
    try:
        gpu: _Gpu = import_module("wgpu").gpu
        found = gpu.request_adapter_sync(power_preference="high-performance")
    except ImportError as error:
        raise SessionError(f"the engine wgpu is not installed: {error}", "pip install 'webdnn-mlir[gpu]'") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise SessionError(f"wgpu finds no adapter: {_one_line(error)}", hint) from error
    if found.info["backend_type"] == "OpenGL":
        raise SessionError("wgpu finds no adapter but one of OpenGL, which has not all of WebGPU", hint)
    return found


def is_software() -> bool:
    """Does the adapter compute on the CPU? Browsers call it a fallback adapter. Raises SessionError."""
    return adapter().info["adapter_type"] == "CPU"


def open_device(section: WebGpu) -> Device:
    """A device for a bundle, with what its variants need where the adapter has it. Raises SessionError."""
    buffers = max(section["arenaBytes"], section["weightsBytes"], section["limits"].get("maxBufferSize", 0))
    others = [variant for dispatch in section["dispatches"] for variant in dispatch.get("others", ())]
    offered = {name for variant in others if is_offered(variant) for name in variant.get("features", ())}
    return device_with({**section["limits"], "maxBufferSize": buffers}, [*section["features"], *sorted(offered)])


def is_offered(variant: Variant) -> bool:
    """Has the adapter what a variant of a kernel needs?"""
    return all(map(has_feature, variant.get("features", ())))


def has_feature(name: str) -> bool:
    """Has the adapter a feature, of WebGPU or of wgpu? Raises SessionError."""
    return _own_name(name) in adapter().features


def _own_name(feature: str) -> str:
    return _OWN_NAMES.get(feature, feature)


def device_with(limits: Mapping[str, int] = MappingProxyType({}), features: Sequence[str] = ()) -> Device:
    """A device with what is asked for, and no more than every browser has beside. Raises SessionError.

    All who ask for the same share one.
    """
    needed = dict(_GUARANTEED)
    for name, value in limits.items():
        needed[name] = (min if _is_alignment(name) else max)(value, needed.get(name, value))
    for name, value in needed.items():
        has = adapter().limits.get(re.sub("[A-Z]", lambda letter: f"-{letter.group().lower()}", name))
        if has is None or (has > value if _is_alignment(name) else has < value):
            problem = f"the bundle needs {name} {value}, and the adapter has {has}"
            raise SessionError(problem, "compile it with --limit, or run it on another GPU")
    if missing := [feature for feature in features if not has_feature(feature)]:
        raise SessionError(f"the adapter lacks {', '.join(missing)}", "run it on another GPU")
    return _device(tuple(needed.items()), tuple(map(_own_name, features)))


def _is_alignment(limit: str) -> bool:
    """Of these less is better."""
    return limit.startswith("min")


@cache
def _device(limits: tuple[tuple[str, int], ...], features: tuple[str, ...]) -> Device:
    try:
        return adapter().request_device_sync(required_features=features, required_limits=dict(limits))
    except RuntimeError as error:
        raise SessionError(f"wgpu makes no device: {_one_line(error)}", "run it on another GPU") from error


@contextmanager
def failures(what: str, hint: str) -> Generator[None]:
    """Turn what wgpu has against something that is done into a SessionError."""
    fault: type[Exception] = import_module("wgpu").GPUError
    try:
        yield
    except (fault, RuntimeError, ValueError) as error:
        _device.cache_clear()  # a device that is lost stays so: the next session has another
        raise SessionError(f"{what}: {_one_line(error)}", hint) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
