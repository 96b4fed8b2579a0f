"""Hand-written kernel programs through the text targets: other validators, and engines outside the browser."""

import json
from dataclasses import replace

import pytest

from validation.compiled import module_after, tensors
from validation.kernel_programs import Case
from validation.program_cases import CASES, FUNCTIONS, REFUSALS, TOO_LARGE, assert_close
from validation.software_gpu import run_webgpu, validate_wgsl
from validation.validators import run_node, validate_glsl
from validation.workgroup_programs import SHARED, product
from webdnn.runner.python.error import SessionError
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.sections import Dispatch
from webdnn.targets.glsl.bundle import webgl_part
from webdnn.targets.js.bundle import js_part
from webdnn.targets.pipelines import JS_PASSES, WGSL_PASSES, glsl_passes
from webdnn.targets.wgsl.bundle import webgpu_part

PASSES = {"webgpu": WGSL_PASSES, "webgl2": glsl_passes(300), "webgl1": glsl_passes(100)}


def compiled_for(backend: str) -> list[Case]:
    return [case for case in (*CASES, *FUNCTIONS) if (case.name, backend) not in REFUSALS]


@pytest.mark.parametrize("case", compiled_for("webgpu"), ids=lambda case: case.name)
def test_naga_accepts_and_computes_wgsl(case: Case) -> None:
    part = webgpu_part(module_after(case.module, WGSL_PASSES))
    assert all(binding.size % 16 == 0 for dispatch in part.section.dispatches for binding in dispatch.bindings)
    for text in json.loads(part.files[part.section.sources]):
        validate_wgsl(text)
    if (case.name, "webgpu") in TOO_LARGE:
        with pytest.raises(SessionError, match="this backend holds"):
            run_webgpu(part, case.inputs)
        return
    for found, expected in zip(run_webgpu(part, case.inputs), case.outputs, strict=True):
        assert_close(case, found, expected)


def launches(dispatch: Dispatch) -> dict[str, Dispatch]:
    """A dispatch of several variants with each of them."""
    assert dispatch.variant
    assert dispatch.alone
    found: dict[str, tuple[int, tuple[int, int, int]]] = {
        dispatch.variant: (dispatch.pipeline, dispatch.groups),
        **{other.name: (other.pipeline, other.groups) for other in dispatch.others or ()},
        "alone": (dispatch.alone.pipeline, dispatch.alone.groups),
    }
    return {name: replace(dispatch, pipeline=p, groups=g) for name, (p, g) in found.items()}


@pytest.mark.parametrize("case", SHARED, ids=lambda case: case.name)
def test_workgroups_compute_together_or_alone(case: Case) -> None:
    part = webgpu_part(module_after(case.module, WGSL_PASSES))
    texts: list[str] = json.loads(part.files[part.section.sources])
    (dispatch,) = part.section.dispatches
    variants = launches(dispatch)
    assert sorted(launch.pipeline for launch in variants.values()) == list(range(len(texts)))
    for other in dispatch.others or ():
        assert ("enable subgroups;" in texts[other.pipeline]) is (other.features == ("subgroups",))
    for name, launch in variants.items():
        assert ("workgroupBarrier" in texts[launch.pipeline]) is (name != "alone")
        found = run_webgpu(replace(part, section=replace(part.section, dispatches=(launch,))), case.inputs)
        assert_close(case, found[0], case.outputs[0])


def test_a_large_product_has_tiles_of_two_sizes() -> None:
    case = product("large", 256, 256, 256)
    part = webgpu_part(module_after(case.module, WGSL_PASSES))
    (dispatch,) = part.section.dispatches
    assert dispatch.variant == "tiles32"
    variants = launches(dispatch)
    assert {name: launch.groups[0] for name, launch in variants.items()} == {"tiles32": 64, "tiles64": 16, "alone": 64}
    for launch in variants.values():
        found = run_webgpu(replace(part, section=replace(part.section, dispatches=(launch,))), case.inputs)
        assert_close(case, found[0], case.outputs[0])


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
@pytest.mark.parametrize("case", [*CASES, *FUNCTIONS], ids=lambda case: case.name)
def test_glslang_accepts_glsl(case: Case, backend: str) -> None:
    if (case.name, backend) in REFUSALS:
        return  # test_integers_beyond_the_target_are_refused
    version = 300 if backend == "webgl2" else 100
    module = module_after(case.module, PASSES[backend])
    part = webgl_part({version: module}, tensors(case.inputs, "x"), tensors(case.outputs, "y"))
    source = part.section.sources.webgl2 if version == 300 else part.section.sources.webgl1
    assert source is not None
    for text in json.loads(part.files[source]):
        validate_glsl(text, version)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_node_computes_javascript(case: Case) -> None:
    part = js_part(module_after(case.module, JS_PASSES))
    for found, expected in zip(run_node(part, case.inputs, case.outputs), case.outputs, strict=True):
        assert_close(case, found, expected)


@pytest.mark.parametrize(("name", "backend"), REFUSALS)
def test_integers_beyond_the_target_are_refused(name: str, backend: str) -> None:
    (case,) = [case for case in CASES if case.name == name]
    with pytest.raises(DiagnosticError) as caught:
        module_after(case.module, PASSES[backend])
    assert REFUSALS[name, backend] in caught.value.what
    assert f"compile without {backend.rstrip('12')}" in caught.value.hint


def test_shaders_that_are_wrong_are_found() -> None:
    with pytest.raises(Exception, match="expected to be"):
        validate_wgsl("@compute @workgroup_size(64) fn main() { let x: i32 = 1.5; }")
    loop = "precision highp float; void main() { for (int i = 0; i < int(gl_FragCoord.x); i++) {} }"
    with pytest.raises(AssertionError, match="inductive"):
        validate_glsl(loop, 100)
