"""What kernels are timed on: the WebGPU of Chromium, or wgpu's without a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Protocol, TypedDict

import numpy as np

from webdnn.runner.python.chromium import FLAGS, Browser
from webdnn.runner.python.manifest import WebGpu
from webdnn.runner.python.wgpu_device import adapter, has_feature, is_software, open_device
from webdnn.runner.python.wgpu_kernels import Kernels, create_buffers, record
from webdnn.targets.bundle.sections import Binding

HARDWARE = (*(flag for flag in FLAGS if "swiftshader" not in flag), "--enable-features=Vulkan")
"""The browser's flags where it may choose any adapter."""

MOST = 4096
"""Repetitions in one submission"""


@dataclass(frozen=True)
class Launch:
    """A kernel, how many workgroups there are, and what they bind."""

    code: str
    entry: str
    groups: tuple[int, int, int]
    bindings: tuple[Binding, ...]


class Device(Protocol):
    """Times kernels."""

    @property
    def name(self) -> str: ...
    @property
    def software(self) -> bool:
        """Is it none but the CPU?"""
        ...

    @property
    def subgroups(self) -> bool:
        """Do its invocations hand values to one another?"""
        ...

    def milliseconds(self, sizes: Mapping[str, int], launches: Sequence[Launch], least: float) -> float:
        """One run of them all, in buffers of so many bytes: the best of five of at least so many milliseconds."""
        ...

    def close(self) -> None: ...


_ADAPTER = """async () => {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, description].filter(Boolean).join(" ");
  return { name, software: isFallbackAdapter, subgroups: adapter.features.has("subgroups") };
}"""

_TIME = """async ({ sizes, steps, least }) => {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const requiredFeatures = ["subgroups"].filter((feature) => adapter.features.has(feature));
  const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize };
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const failed = new Promise((_, reject) => { device.onuncapturederror = ({ error }) => reject(error); });
  const buffers = Object.fromEntries(Object.entries(sizes).map(([name, size]) => {
    const buffer = device.createBuffer({ size: Math.max(size, 16), usage: 128 | 8 });
    device.queue.writeBuffer(buffer, 0, Float32Array.from({ length: size / 4 }, (_, i) => (i % 7) / 8));
    return [name, buffer];
  }));
  const made = await Promise.all(steps.map(async ({ code, entry, groups, bindings }) => {
    const kind = (buffer) => (buffer === "arena" ? "storage" : "read-only-storage");
    const entries = bindings.map(({ buffer }, binding) => ({ binding, visibility: 4, buffer: { type: kind(buffer) } }));
    const group = device.createBindGroupLayout({ entries });
    const layout = device.createPipelineLayout({ bindGroupLayouts: [group] });
    const compute = { module: device.createShaderModule({ code }), entryPoint: entry };
    const pipeline = await device.createComputePipelineAsync({ layout, compute });
    const bound = bindings.map(({ buffer, offset, size }, binding) => (
      { binding, resource: { buffer: buffers[buffer], offset, size } }));
    return { pipeline, groups, bound: device.createBindGroup({ layout: group, entries: bound }) };
  }));
  const time = async (count) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < count; i++) {
      for (const { pipeline, groups, bound } of made) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bound);
        pass.dispatchWorkgroups(...groups);
      }
    }
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await Promise.race([device.queue.onSubmittedWorkDone(), failed]);
    return performance.now() - started;
  };
  await time(1);
  let count = 1;
  while ((await time(count)) < least && count < 4096) count *= 2;
  let best = Infinity;
  for (let i = 0; i < 5; i++) best = Math.min(best, (await time(count)) / count);
  device.destroy();
  return best;
}"""


class _Adapter(TypedDict):
    """What the browser computes on."""

    name: str
    software: bool
    subgroups: bool


class InChromium:
    """A page; with `software`, or where there is no other, on an adapter in software."""

    def __init__(self, *, software: bool = False) -> None:
        found = self._open(FLAGS if software else HARDWARE)
        if not software and (found is None or found["software"]):
            self.close()
            found = self._open(FLAGS)
        assert found is not None, "Chromium brings an adapter in software"
        self.name, self.software, self.subgroups = found["name"], found["software"], found["subgroups"]

    def milliseconds(self, sizes: Mapping[str, int], launches: Sequence[Launch], least: float) -> float:
        steps = [asdict(launch) for launch in launches]
        found: float = self._page.evaluate(_TIME, {"sizes": dict(sizes), "steps": steps, "least": least})
        return found

    def close(self) -> None:
        self._browser.close()

    def _open(self, flags: Sequence[str]) -> _Adapter | None:
        self._browser = Browser(flags=flags)
        self._page = self._browser.new_page()
        found: _Adapter | None = self._page.evaluate(_ADAPTER)
        return found


class OnWgpu:
    """The adapter that wgpu chooses."""

    def __init__(self) -> None:
        self.name, self.software = adapter().info["device"], is_software()
        self.subgroups = has_feature("subgroups")

    def milliseconds(self, sizes: Mapping[str, int], launches: Sequence[Launch], least: float) -> float:
        section = section_of(sizes, launches, ["subgroups"] if self.subgroups else [])
        device = open_device(section)
        buffers = create_buffers(device, section)
        for name, size in sizes.items():
            device.queue.write_buffer(buffers[name], 0, (np.arange(size // 4) % 7 / 8).astype(np.float32).tobytes())
        _, steps = Kernels(device, section, [launch.code for launch in launches], buffers).steps()

        def time(count: int) -> float:
            commands = record(device, [*steps] * count)
            started = perf_counter()
            device.queue.submit([commands])
            device.queue.read_buffer(buffers["arena"], 0, 4)  # waits for all that was submitted
            return (perf_counter() - started) * 1e3

        found = best(time, least)
        for buffer in buffers.values():
            buffer.destroy()
        return found

    def close(self) -> None:
        pass


def best(time: Callable[[int], float], least: float) -> float:
    """The time of one of as many repetitions as take at least so long."""
    time(1)
    count = 1
    while time(count) < least and count < MOST:
        count *= 2
    return min(time(count) / count for _ in range(5))


def section_of(sizes: Mapping[str, int], launches: Sequence[Launch], features: list[str]) -> WebGpu:
    """A bundle's section that launches these, each by a pipeline of its own."""
    widest = max((binding.size for launch in launches for binding in launch.bindings), default=0)
    return {
        "sources": "",
        "pipelines": [{"source": i, "entry": launch.entry} for i, launch in enumerate(launches)],
        "arenaBytes": sizes["arena"],
        "weightsBytes": sizes.get("weights", 0),
        "weights": [],
        "dispatches": [
            {
                "pipeline": i,
                "groups": launch.groups,
                "bindings": [{"buffer": b.buffer, "offset": b.offset, "size": b.size} for b in launch.bindings],
                "counters": [],
            }
            for i, launch in enumerate(launches)
        ],
        "inputs": [],
        "outputs": [],
        "loops": [],
        "loading": 0,
        "limits": {"maxStorageBufferBindingSize": widest},
        "features": features,
    }
