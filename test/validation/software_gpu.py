"""What naga and its device have to say of WGSL: is it accepted, and what does a bundle's WebGPU part compute?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from validation.compiled import tensors
from validation.kernel_programs import Array
from webdnn.runner.python.session import Session
from webdnn.runner.python.wgpu_device import device_with
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.runner.python.wgpu_kernels import DIRECTIVE
from webdnn.targets.bundle.manifest import Backends, Manifest, Tensor
from webdnn.targets.bundle.write import write_bundle
from webdnn.targets.wgsl.bundle import WebGpuPart


def validate_wgsl(text: str) -> None:
    """Raise what naga has against a module: it knows subgroups, and not the directive that allows them."""
    features = ["subgroups"] if text.startswith(DIRECTIVE) else []
    device_with(features=features).create_shader_module(code=text.removeprefix(DIRECTIVE))


def run_webgpu(part: WebGpuPart, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of a bundle's WebGPU part, as they are stored, by the launches that it lists."""
    outputs = [Tensor(f"y{i}", place.storage, (place.size // 4,)) for i, place in enumerate(part.section.outputs)]
    backends = Backends(webgpu=part.section)
    with TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle")
        given = tensors(inputs, "x")
        manifest = Manifest(name="part", producer="test", inputs=given, outputs=tuple(outputs), backends=backends)
        write_bundle(bundle, manifest, part.files)
        with Session(bundle, Wgpu("together")) as session:
            results = session.run({f"x{i}": value for i, value in enumerate(inputs)})
    return [results[output.name] for output in outputs]
