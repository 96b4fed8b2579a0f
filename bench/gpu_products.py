"""Times matrix products and the convolutions of ResNet-50 on the GPU of this machine, kernel by kernel.

`python -m bench.gpu_products` prints milliseconds and GFLOP/s of each, as workgroups compute it together, as they do by
their subgroups where that is different and the GPU has them, and as its invocations do alone, and the share of the
multiply-adds that the GPU was measured to do. Where there is only an adapter in software it says so, and takes the
smallest shapes: that checks the command and no more. `--engine wgpu` measures without a browser.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from bench.gpu_devices import Device, InChromium, Launch, OnWgpu
from onnx import TensorProto, helper, numpy_helper

from webdnn.passes.kernel.mapping.subgroups import SUBGROUPS
from webdnn.targets.bundle.sections import Binding, Dispatch, WebGpu
from webdnn.tools.compiler import Files, compile_model

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


def launches_of(section: WebGpu, files: Files, variant: str = "together") -> list[Launch]:
    """What a run launches: kernels alone, by subgroups, or else as suits most GPUs."""
    texts: list[str] = json.loads(files[section.sources])

    def launch(dispatch: Dispatch) -> Launch:
        others = {other.name: other for other in dispatch.others or ()}
        launched = (dispatch.alone if variant == "alone" else others.get(variant)) or dispatch
        pipeline = section.pipelines[launched.pipeline]
        return Launch(texts[pipeline.source], pipeline.entry, launched.groups, dispatch.bindings)

    return [launch(dispatch) for dispatch in section.dispatches[section.loading :]]


def has_subgroups(section: WebGpu) -> bool:
    """Is there a kernel that a device with subgroups may launch another way?"""
    return any(other.name == SUBGROUPS for dispatch in section.dispatches for other in dispatch.others or ())


def milliseconds(device: Device, section: WebGpu, files: Files, variant: str, least: float) -> float:
    sizes = {"arena": section.arena_bytes, "weights": section.weights_bytes}
    return device.milliseconds(sizes, launches_of(section, files, variant), least)


def measured_peak(device: Device) -> float:
    """Operations a second of a kernel that does nothing but multiply and add."""
    bytes = PEAK_GROUPS * 256 * 16
    launch = Launch(PEAK, "peak", (PEAK_GROUPS, 1, 1), (Binding("arena", 0, bytes),))
    return PEAK_OPERATIONS / device.milliseconds({"arena": bytes}, [launch], 100) * 1e3


def row(device: Device, shape: Shape, peak: float | None) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "product.onnx")
        path.write_bytes(shape.model.SerializeToString())
        manifest, files, _ = compile_model(path, ["webgpu"], accuracy="exact")
    section = manifest.backends.webgpu
    assert section is not None
    least = 100.0 if peak else 1.0
    together, alone = (milliseconds(device, section, files, name, least) for name in ("together", "alone"))
    subgroups = "-"
    if has_subgroups(section) and device.subgroups:
        subgroups = f"{milliseconds(device, section, files, SUBGROUPS, least):.3f}"
    rate = shape.operations / together * 1e3
    share = f"{rate / peak:.0%}" if peak else "-"
    return f"| {shape.name} | {together:.3f} | {subgroups} | {alone:.3f} | {rate / 1e9:.1f} | {share} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_products", description=__doc__)
    parser.add_argument("--engine", choices=("chromium", "wgpu"), default="chromium", help="whose WebGPU it is")
    parser.add_argument("--software", action="store_true", help="take Chromium's adapter in software, for a check")
    options = parser.parse_args()
    device = OnWgpu() if options.engine == "wgpu" else InChromium(software=options.software)
    with closing(device):
        peak = None if device.software else measured_peak(device)
        if peak is None:
            print("Only an adapter in software is here: these times say nothing of GPUs, and most shapes are left out.")
        else:
            print(f"{device.name}: {peak / 1e9:.0f} GFLOP/s were measured in multiply-adds alone.")
        print("\n| shape | ms | ms, by subgroups | ms, invocations alone | GFLOP/s | of the peak |")
        print("| --- | --- | --- | --- | --- | --- |")
        for shape in shapes():
            if peak is not None or shape.operations <= SMALL:
                print(row(device, shape, peak), flush=True)


if __name__ == "__main__":
    main()
