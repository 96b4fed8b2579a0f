"""The kernels of a WebGPU bundle on a device of wgpu: buffers, pipelines, and the steps that a run makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from webdnn.runner.python.launches import unrolled
from webdnn.runner.python.manifest import Alone, Dispatch, Variant, WebGpu
from webdnn.runner.python.wgpu_device import (
    COMPUTE,
    COPY_DST,
    COPY_SRC,
    STORAGE,
    UNIFORM,
    Buffer,
    Device,
    failures,
    is_offered,
)

STRIDE = 256
"""Bytes from one number to the next, a multiple of what every device asks of the offset of a uniform"""

DIRECTIVE = "enable subgroups;\n"
"""What browsers ask for, and naga refuses, which looks at the features of the device alone"""

KIND = {"arena": "storage", "weights": "read-only-storage"}


@dataclass(frozen=True)
class Step:
    """One launch: bind groups with their dynamic offsets, and how many workgroups there are."""

    pipeline: object
    bound: Sequence[tuple[object, Sequence[int]]]
    groups: tuple[int, int, int]


@dataclass(frozen=True)
class _Layout:
    groups: Sequence[object]
    pipeline: object


def create_buffers(device: Device, section: WebGpu) -> dict[str, Buffer]:
    """The arena, the weights, and the numbers that counters may be, each at a place that a uniform can be bound at."""
    counted = (number for _, counters in unrolled(section["dispatches"], section["loops"]) for number in counters)
    table = np.zeros((max(counted, default=0) + 1, STRIDE // 4), np.int32)
    table[:, 0] = np.arange(len(table))
    numbers = _buffer(device, table.nbytes, UNIFORM | COPY_DST)
    device.queue.write_buffer(numbers, 0, table.tobytes())
    return {
        "numbers": numbers,
        "arena": _buffer(device, section["arenaBytes"], STORAGE | COPY_DST | COPY_SRC),
        "weights": _buffer(device, section["weightsBytes"], STORAGE | COPY_DST),
    }


def _buffer(device: Device, size: int, usage: int) -> Buffer:
    return device.create_buffer(size=max(4, -(-size // 4) * 4), usage=usage)


def adapted(dispatch: Dispatch, variant: str | None) -> Dispatch:
    """What is launched, or the variant that is asked for, where there is one and the adapter has what it needs."""
    found: list[Variant | Alone] = [v for v in dispatch.get("others", ()) if v["name"] == variant and is_offered(v)]
    if variant == "alone" and "alone" in dispatch:
        found.append(dispatch["alone"])
    return {**dispatch, "pipeline": found[0]["pipeline"], "groups": found[0]["groups"]} if found else dispatch


class Kernels:
    """Makes the steps of a bundle: layouts, pipelines and bind groups, each once."""

    def __init__(self, device: Device, section: WebGpu, texts: Sequence[str], buffers: Mapping[str, Buffer]) -> None:
        self._device = device
        self._section = section
        self._texts = texts
        self._buffers = buffers
        self._layouts: dict[tuple[Sequence[str], int], _Layout] = {}
        self._pipelines: dict[int, object] = {}
        self._groups: dict[object, object] = {}

    def steps(self, variant: str | None = None) -> tuple[list[Step], list[Step]]:
        """Those of loading and those of each run. Raises SessionError where a kernel does not compile."""
        launches = [adapted(dispatch, variant) for dispatch in self._section["dispatches"]]
        made = [(i, self._step(launches[i], numbers)) for i, numbers in unrolled(launches, self._section["loops"])]
        loading = self._section["loading"]
        return [step for i, step in made if i < loading], [step for i, step in made if i >= loading]

    def _step(self, launch: Dispatch, numbers: Sequence[int]) -> Step:
        kinds = tuple(KIND[binding["buffer"]] for binding in launch["bindings"])
        layout = self._layout(kinds, len(numbers))
        ranges = [(binding["buffer"], binding["offset"], binding["size"]) for binding in launch["bindings"]]
        bound: list[tuple[object, Sequence[int]]] = [(self._group(layout.groups[0], ranges), ())]
        if numbers:
            counters = self._group(layout.groups[1], [("numbers", 0, 4)] * len(numbers))
            bound.append((counters, [STRIDE * number for number in numbers]))
        return Step(self._pipeline(launch["pipeline"], layout), bound, launch["groups"])

    def _layout(self, kinds: Sequence[str], counters: int) -> _Layout:
        key = kinds, counters
        if key not in self._layouts:
            buffers: list[Sequence[Mapping[str, object]]] = [[{"type": kind} for kind in kinds]]
            if counters:
                buffers.append([{"type": "uniform", "has_dynamic_offset": True}] * counters)
            groups = [
                self._device.create_bind_group_layout(
                    entries=[{"binding": i, "visibility": COMPUTE, "buffer": b} for i, b in enumerate(group)]
                )
                for group in buffers
            ]
            self._layouts[key] = _Layout(groups, self._device.create_pipeline_layout(bind_group_layouts=groups))
        return self._layouts[key]

    def _pipeline(self, number: int, layout: _Layout) -> object:
        if number not in self._pipelines:
            pipeline = self._section["pipelines"][number]
            source, entry = pipeline["source"], pipeline["entry"]
            with failures(f"kernel {entry!r} did not compile", "report this as a bug of the compiler"):
                module = self._device.create_shader_module(code=self._texts[source].removeprefix(DIRECTIVE))
                self._pipelines[number] = self._device.create_compute_pipeline(
                    layout=layout.pipeline, compute={"module": module, "entry_point": entry}
                )
        return self._pipelines[number]

    def _group(self, layout: object, ranges: Sequence[tuple[str, int, int]]) -> object:
        key = layout, tuple(ranges)
        if key not in self._groups:
            resources = [{"buffer": self._buffers[b], "offset": start, "size": size} for b, start, size in ranges]
            entries = [{"binding": i, "resource": resource} for i, resource in enumerate(resources)]
            self._groups[key] = self._device.create_bind_group(layout=layout, entries=entries)
        return self._groups[key]


def record(device: Device, steps: Iterable[Step]) -> object:
    """Commands that compute the steps in order, to be submitted."""
    encoder = device.create_command_encoder()
    work = encoder.begin_compute_pass()
    for step in steps:
        work.set_pipeline(step.pipeline)
        for i, (group, offsets) in enumerate(step.bound):
            work.set_bind_group(i, group, offsets)
        work.dispatch_workgroups(*step.groups)
    work.end()
    return encoder.finish()
