"""Bundles of small kernel programs, for each of the targets that work from text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.universe import Universe

from validation.kernel_programs import Array, Case, element_name
from webdnn.support.dominance import verify_dominance
from webdnn.support.verification import verify_module
from webdnn.targets.bundle.manifest import Backends, Manifest, Tensor
from webdnn.targets.bundle.names import ElementTypeName
from webdnn.targets.bundle.write import write_bundle
from webdnn.targets.glsl.bundle import webgl_part
from webdnn.targets.js.bundle import js_part
from webdnn.targets.pipelines import JS_PASSES, WGSL_PASSES, glsl_passes
from webdnn.targets.wgsl.bundle import webgpu_part
from webdnn.tools.pipeline import Checks, parse_passes, run_passes

ELEMENT_NAMES: dict[str, ElementTypeName] = {
    "f32": "f32", "f64": "f64", "f16": "f16", "i8": "i8", "u8": "u8", "i16": "i16", "u16": "u16",
    "i32": "i32", "u32": "u32", "i64": "i64", "u64": "u64", "bool": "bool",
}  # fmt: skip


def module_after(text: str, passes: Sequence[str]) -> ModuleOp:
    """The module after a pipeline, verified."""
    universe, context = Universe.get_multiverse(), Context()
    for name, factory in universe.all_dialects.items():
        context.register_dialect(name, factory)
    module = Parser(context, text).parse_module()
    run_passes(context, module, parse_passes(",".join(passes), universe.all_passes), Checks(verify=False))
    verify_module(module)
    verify_dominance(module)
    return module


def tensors(arrays: Sequence[Array], letter: str) -> tuple[Tensor, ...]:
    return tuple(Tensor(f"{letter}{i}", ELEMENT_NAMES[element_name(a)], a.shape) for i, a in enumerate(arrays))


def bundle(case: Case, directory: Path, backend: str) -> Path:
    """A bundle of the case for one of webgpu, webgl2, webgl1 and js."""
    inputs, outputs = tensors(case.inputs, "x"), tensors(case.outputs, "y")
    if backend == "webgpu":
        webgpu = webgpu_part(module_after(case.module, WGSL_PASSES))
        backends, files = Backends(webgpu=webgpu.section), webgpu.files
    elif backend == "js":
        js = js_part(module_after(case.module, JS_PASSES))
        backends, files = Backends(js=js.section), js.files
    else:
        version = 300 if backend == "webgl2" else 100
        webgl = webgl_part({version: module_after(case.module, glsl_passes(version))}, inputs, outputs)
        backends, files = Backends(webgl=webgl.section), webgl.files
    manifest = Manifest(name=case.name, producer="test", inputs=inputs, outputs=outputs, backends=backends)
    write_bundle(directory, manifest, files)
    return directory
