"""Every shader of whole models through the compilers of browsers: naga and Tint for WGSL, glslang for GLSL ES."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from helpers.peers import generated_model, shared_model
from validation.software_gpu import validate_wgsl
from validation.validators import complaints_of_glslang, fragment_shaders
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.manifest import Backends
from webdnn.tools.compiler import Files, compile_module

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
MODELS: Mapping[str, Callable[[str], Path]] = {
    "digits": lambda _: DIGITS,
    "mnist": shared_model,
    "ultraface-rfb-320": shared_model,
    "mnist_cnn": generated_model,
    "squeezenet11": generated_model,
    "mobilenetv2": generated_model,
    "resnet18": generated_model,
    "resnet50": generated_model,
    "minilm_l6": generated_model,
}


@dataclass(frozen=True)
class Shaders:
    """The distinct texts of a model: WGSL modules with their entry points, and fragment shaders by version."""

    wgsl: Mapping[str, str]
    glsl: Mapping[int, Sequence[str]]

    @classmethod
    def of(cls, sections: Backends, files: Files) -> Shaders:
        gpu, gl = sections.webgpu, sections.webgl
        assert gpu is not None
        assert gl is not None
        modules: list[str] = json.loads(files[gpu.sources])
        wgsl = {modules[pipeline.source]: pipeline.entry for pipeline in gpu.pipelines}
        assert wgsl.keys() == set(modules)
        return cls(wgsl, fragment_shaders(gl, files))


IN_CHROMIUM = """
async (sources) => {
  const adapter = await navigator.gpu.requestAdapter();
  const requiredFeatures = ["subgroups"].filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures });
  const complaints = [];
  const compile = async ({ code, entryPoint }) => {
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const found = messages.map(({ type, lineNum, message }) => `${type} in line ${lineNum}: ${message}`);
    try {
      await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint } });
    } catch (error) {
      found.push(String(error));
    }
    if (found.length) complaints.push(`${found.join("\\n")}\\n${code}`);
  };
  await Promise.all(sources.map(compile));
  device.destroy();
  return complaints;
}
"""


@pytest.fixture(scope="module")
def shaders() -> Callable[[str], Shaders]:
    """Name of a model -> its shaders; each is compiled once, when it is first asked for."""

    @cache
    def compile_named(name: str) -> Shaders:
        module = import_onnx(MODELS[name](name))
        manifest, files, _ = compile_module(module, ["webgpu", "webgl"], name=name)
        return Shaders.of(manifest.backends, files)

    return compile_named


def complaints_of_chromium(modules: Mapping[str, str], browser: Browser) -> list[str]:
    """What Tint, and the driver behind it, have against WGSL modules with these entry points."""
    page = browser.new_page()
    found: list[str] = page.evaluate(
        IN_CHROMIUM, [{"code": text, "entryPoint": entry} for text, entry in modules.items()]
    )
    page.close()
    return found


@pytest.mark.parametrize("name", MODELS)
def test_naga_accepts_wgsl(name: str, shaders: Callable[[str], Shaders]) -> None:
    for text in shaders(name).wgsl:
        validate_wgsl(text)


@pytest.mark.parametrize("name", MODELS)
def test_chromium_accepts_wgsl(name: str, shaders: Callable[[str], Shaders], browser: Browser) -> None:
    assert complaints_of_chromium(shaders(name).wgsl, browser) == []


@pytest.mark.parametrize("version", [300, 100])
@pytest.mark.parametrize("name", MODELS)
def test_glslang_accepts_glsl(name: str, version: int, shaders: Callable[[str], Shaders]) -> None:
    assert complaints_of_glslang(shaders(name).glsl[version], version) == ""


def test_complaints_are_heard(browser: Browser) -> None:
    right, wrong = (f"@compute @workgroup_size(64) fn main() {{ let x = {value}; }}" for value in ("1", "y"))
    (complaint,) = complaints_of_chromium({right: "main", wrong: "main"}, browser)
    assert "unresolved value 'y'" in complaint
    assert "no_such" in complaints_of_chromium({right: "no_such"}, browser)[0]
    loop = "void main() { while (gl_FragCoord.x < 0.0) {} }"
    assert "while loops not available" in complaints_of_glslang(["void main() {}", loop], 100)
