"""Times matrix products and the convolutions of ResNet-50 on the GPU of this machine, kernel by kernel.

`python -m bench.gpu_products` prints milliseconds and GFLOP/s of each, as workgroups compute it together and as its
invocations do alone, and the share of the multiply-adds that the GPU was measured to do. Where there is only an
adapter in software it says so, and takes the smallest shapes: that checks the command and no more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Page

from webdnn.runner.python.chromium import FLAGS, Browser
from webdnn.targets.bundle.sections import Dispatch, WebGpu
from webdnn.tools.compiler import Files, compile_model

HARDWARE = (*(flag for flag in FLAGS if "swiftshader" not in flag), "--enable-features=Vulkan")
"""The browser's flags where it may choose any adapter."""

SMALL = 5e7
"""Operations of what an adapter in software is asked for."""

PEAK = """
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(256) fn peak(@builtin(global_invocation_id) id: vec3u) {
  var a: array<vec4f, 8>;
  for (var i = 0; i < 8; i++) { a[i] = vec4f(f32(id.x) + f32(i)); }
  let b = y[0];
  for (var k = 0; k < 512; k++) {
    a[0] = fma(a[0], b, b); a[1] = fma(a[1], b, b); a[2] = fma(a[2], b, b); a[3] = fma(a[3], b, b);
    a[4] = fma(a[4], b, b); a[5] = fma(a[5], b, b); a[6] = fma(a[6], b, b); a[7] = fma(a[7], b, b);
  }
  y[id.x] = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}
"""
PEAK_GROUPS = 4096
PEAK_OPERATIONS = 2.0 * 4 * 8 * 512 * 256 * PEAK_GROUPS

_ADAPTER = """async () => {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  return { name: [vendor, architecture, description].filter(Boolean).join(" "), software: isFallbackAdapter };
}"""

_TIME = """async ({ sizes, steps, least }) => {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
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


@dataclass(frozen=True)
class Shape:
    """A model of one product: `operations` counts sums and products."""

    name: str
    model: onnx.ModelProto
    operations: float


def model_of(
    kind: str, x: Sequence[int], w: Sequence[int], y: Sequence[int], **attributes: int | list[int]
) -> onnx.ModelProto:
    """One operator with a constant second operand."""
    weight = np.random.default_rng(0).standard_normal(w).astype(np.float32)
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", x), ("y", y))]
    node = helper.make_node(kind, ["x", "w"], ["y"])
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    graph = helper.make_graph([node], kind, infos[:1], infos[1:], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def product(rows: int, steps: int, columns: int) -> Shape:
    model = model_of("MatMul", [rows, steps], [steps, columns], [rows, columns])
    return Shape(f"{rows} x {steps} x {columns}", model, 2.0 * rows * steps * columns)


def convolution(size: int, channels: int, columns: int, window: int, stride: int = 1) -> Shape:
    after = -(-size // stride)
    pads = [window // 2] * 4
    shapes = [1, channels, size, size], [columns, channels, window, window], [1, columns, after, after]
    model = model_of("Conv", *shapes, pads=pads, strides=[stride, stride])
    name = f"{window}x{window} {size}² {channels} -> {columns}" + (f" /{stride}" if stride > 1 else "")
    return Shape(name, model, 2.0 * after**2 * channels * columns * window**2)


def shapes() -> list[Shape]:
    """Products from one row to a thousand, and each kind of convolution in ResNet-50."""
    products = [(1, 2048, 2048), (1, 4096, 4096), (16, 1024, 1024), (128, 384, 1536), (512, 512, 512)]
    large = [(1024, 1024, 1024), (2048, 2048, 2048), (1000, 1001, 1004)]
    stages = [(56, 64, 256), (28, 128, 512), (14, 256, 1024), (7, 512, 2048)]
    found = [product(*p) for p in [*products, *large]] + [convolution(224, 3, 64, 7, 2)]
    for size, narrow, wide in stages:
        found += [convolution(size, narrow, narrow, 3), convolution(size, narrow, wide, 1)]
        found.append(convolution(size, wide, narrow, 1))
    return found


def steps_of(section: WebGpu, files: Files, *, alone: bool) -> list[dict[str, object]]:
    """What a run launches."""
    texts: list[str] = json.loads(files[section.sources])

    def step(dispatch: Dispatch) -> dict[str, object]:
        launched = dispatch.alone if alone and dispatch.alone else dispatch
        pipeline = section.pipelines[launched.pipeline]
        bound = [asdict(binding) for binding in dispatch.bindings]
        return {"code": texts[pipeline.source], "entry": pipeline.entry, "groups": launched.groups, "bindings": bound}

    return [step(dispatch) for dispatch in section.dispatches[section.loading :]]


def milliseconds(page: Page, section: WebGpu, files: Files, *, alone: bool, least: float) -> float:
    sizes = {"arena": section.arena_bytes, "weights": section.weights_bytes}
    given = {"sizes": sizes, "steps": steps_of(section, files, alone=alone), "least": least}
    found: float = page.evaluate(_TIME, given)
    return found


def measured_peak(page: Page) -> float:
    """Operations a second of a kernel that does nothing but multiply and add."""
    bytes = PEAK_GROUPS * 256 * 16
    bound = [{"buffer": "arena", "offset": 0, "size": bytes}]
    step = {"code": PEAK, "entry": "peak", "groups": [PEAK_GROUPS, 1, 1], "bindings": bound}
    found: float = page.evaluate(_TIME, {"sizes": {"arena": bytes}, "steps": [step], "least": 100})
    return PEAK_OPERATIONS / found * 1e3


def row(page: Page, shape: Shape, peak: float | None) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "product.onnx")
        path.write_bytes(shape.model.SerializeToString())
        manifest, files, _ = compile_model(path, ["webgpu"], accuracy="exact")
    section = manifest.backends.webgpu
    assert section is not None
    least = 100.0 if peak else 1.0
    together, alone = (milliseconds(page, section, files, alone=a, least=least) for a in (False, True))
    rate = shape.operations / together * 1e3
    share = f"{rate / peak:.0%}" if peak else "-"
    return f"| {shape.name} | {together:.3f} | {alone:.3f} | {rate / 1e9:.1f} | {share} |"


def open_adapter(flags: Sequence[str]) -> tuple[Browser, Page, _Adapter | None]:
    """A browser, and what it computes on."""
    browser = Browser(flags=flags)
    page = browser.new_page()
    found: _Adapter | None = page.evaluate(_ADAPTER)
    return browser, page, found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_products", description=__doc__)
    parser.add_argument("--software", action="store_true", help="take the adapter in software, for a check")
    software = bool(parser.parse_args().software)
    browser, page, adapter = open_adapter(FLAGS if software else HARDWARE)
    if adapter is None or (adapter["software"] and not software):
        browser.close()
        browser, page, adapter = open_adapter(FLAGS)
    with browser:
        assert adapter is not None, "Chromium brings an adapter in software"
        peak = None if adapter["software"] else measured_peak(page)
        if peak is None:
            print("Only an adapter in software is here: these times say nothing of GPUs, and most shapes are left out.")
        else:
            print(f"{adapter['name']}: {peak / 1e9:.0f} GFLOP/s were measured in multiply-adds alone.")
        print("\n| shape | ms | ms, invocations alone | GFLOP/s | of the peak |\n| --- | --- | --- | --- | --- |")
        for shape in shapes():
            if peak is not None or shape.operations <= SMALL:
                print(row(page, shape, peak), flush=True)


if __name__ == "__main__":
    main()
