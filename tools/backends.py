"""The backends that models are compiled for: the passes of each, and what builds its part of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.support.device import Limits
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.manifest import Backends, Tensor
from webdnn.targets.pipelines import PIPELINES, Pipeline, glsl_passes, graph_passes, js_passes, wgsl_passes
from webdnn.tools.changes import UNCHANGED, Changes, Specs, all_passes
from webdnn.tools.pipeline import parse_specs


@dataclass(frozen=True)
class Lowered:
    """What a backend's part is built from: a module for each of its languages, all of one program.

    `schedules` names a file of schedules for kernels of wasm, if there is one; `changes` are for passes that the
    backend runs itself while it builds.
    """

    modules: Mapping[str, ModuleOp]
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    context: Context
    schedules: str = ""
    changes: Changes = UNCHANGED


@dataclass(frozen=True)
class Part:
    """One backend's section of the manifest, and the files that it names."""

    section: Backends
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Backend:
    """How to compile for a backend.

    `kernels` leads from the `dnn` dialect to kernels on flat buffers, the passes of a language from there to what its
    emitter spells. `within` are those that `build` runs, for each of several devices. All of them run as `changes` say.
    A bundle may lack an `optional` language: it runs everywhere but on the named backend, whose language that is.
    """

    kernels: Pipeline
    languages: Mapping[str, Sequence[str]]
    build: Callable[[Lowered], Part]
    within: Callable[[], Sequence[Sequence[ModulePass]]] = tuple
    changes: Changes = UNCHANGED
    optional: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def passes(self) -> Sequence[str]:
        """From the `dnn` dialect to kernels on flat buffers."""
        return self.kernels.passes()

    @property
    def pipelines(self) -> Sequence[Specs]:
        """Every list of passes that is run on the way to the backend's part."""
        texts = (graph_passes(), self.passes, *self.languages.values())
        inner = [tuple(module_pass.spec() for module_pass in passes) for passes in self.within()]
        return [*(tuple(parse_specs(",".join(passes), all_passes())) for passes in texts if passes), *inner]

    def with_accuracy(self, accuracy: str) -> Backend:
        """The backend with no other algorithms than those of an accuracy."""
        points = min(self.kernels.points, ACCURACIES[accuracy])
        return replace(self, kernels=replace(self.kernels, points=points))

    def with_limits(self, limits: Limits) -> Backend:
        """The backend for devices that allow no more than this.

        Textures are shared only whole, so there is no memory of WebGL that could be limited in bytes.
        """
        languages, kernels = dict(self.languages), self.kernels
        memory = None if "glsl" in languages else limits.memory_bytes
        if limits.texture_extent and "glsl" in languages:
            languages |= {"glsl": glsl_passes(300, limits.texture_extent)}
            languages |= {"glsl100": glsl_passes(100, limits.texture_extent)}
        if "wgsl" in languages:
            languages |= {"wgsl": wgsl_passes(limits.binding_bytes or 0, memory, limits.buffer_bytes)}
            kernels = kernels.with_pieces() if limits.binding_bytes else kernels
        if "js" in languages:
            languages |= {"js": js_passes(memory)}
        return replace(self, kernels=replace(kernels, memory=memory), languages=languages)

    def pipeline(self, language: str, weights: str = "f32") -> str:
        """All passes for a language, as `webdnn-opt --pass-pipeline` takes them."""
        inner = map(str, next(iter(self.within()), ()))
        text = ",".join((*graph_passes(weights), *self.passes, *self.languages[language], *inner))
        if not self.changes.made:
            return text
        return ",".join(map(str, self.changes.of(tuple(parse_specs(text, all_passes())))))


def build_wasm(lowered: Lowered) -> Part:
    from webdnn.targets.wasm.bundle import build
    from webdnn.targets.wasm.variants import VARIANTS

    rewrite = lowered.changes.of_passes
    variants = [replace(variant, rewrite=rewrite, schedules=lowered.schedules) for variant in VARIANTS]
    section, files = build(lowered.modules["wasm"], lowered.context, variants)
    return Part(Backends(wasm=section), files)


def within_wasm() -> Sequence[Sequence[ModulePass]]:
    from webdnn.targets.wasm.variants import VARIANTS

    return [variant.passes() for variant in VARIANTS]


def build_webgpu(lowered: Lowered) -> Part:
    from webdnn.targets.wgsl.bundle import webgpu_part

    part = webgpu_part(lowered.modules["wgsl"])
    return Part(Backends(webgpu=part.section), part.files)


def build_webgl(lowered: Lowered) -> Part:
    from webdnn.targets.glsl.bundle import webgl_part

    versions = {300: "glsl", 100: "glsl100"}
    modules = {version: lowered.modules[name] for version, name in versions.items() if name in lowered.modules}
    part = webgl_part(modules, lowered.inputs, lowered.outputs)
    return Part(Backends(webgl=part.section), part.files)


def build_js(lowered: Lowered) -> Part:
    from webdnn.targets.js.bundle import js_part

    part = js_part(lowered.modules["js"])
    return Part(Backends(js=part.section), part.files)


BACKENDS: Mapping[str, Backend] = {
    "wasm": Backend(PIPELINES["wasm"], {"wasm": ()}, build_wasm, within_wasm),
    "webgpu": Backend(PIPELINES["webgpu"], {"wgsl": wgsl_passes()}, build_webgpu),
    "webgl": Backend(
        PIPELINES["webgl"],
        {"glsl": glsl_passes(300), "glsl100": glsl_passes(100)},
        build_webgl,
        optional={"glsl100": "webgl1"},
    ),
    "js": Backend(PIPELINES["js"], {"js": js_passes()}, build_js),
}
"""By the name that `--targets` and the bundle give it."""


UNLIMITED = Limits()
"""Devices allow what the backends ask of them."""

ACCURACIES: Mapping[str, int] = {"exact": 1, "high": 4, "normal": 6}
"""How results may be computed: the most points of Winograd's tiles along an axis, where 1 is the sum as defined."""


def backends_named(
    names: Sequence[str], accuracy: str = "normal", changes: Changes = UNCHANGED, limits: Limits = UNLIMITED
) -> dict[str, Backend]:
    """Some of the backends, each once, within limits, with changes of their passes. Raises DiagnosticError."""
    if accuracy not in ACCURACIES:
        raise DiagnosticError(f"there is no accuracy '{accuracy}'", hint=f"name one of {', '.join(ACCURACIES)}")
    hint = f"name some of {','.join(BACKENDS)}"
    for name in names:
        if name not in BACKENDS:
            raise DiagnosticError(f"there is no target '{name}'", hint=hint)
    if not names:
        raise DiagnosticError("no target is named", hint=hint)
    backends = {name: BACKENDS[name].with_accuracy(accuracy).with_limits(limits) for name in names}
    found = {name: replace(backend, changes=changes) for name, backend in backends.items()}
    if changes.made:
        changes.check([*chain(*(backend.pipelines for backend in found.values()))], ",".join(found))
    return found


def merged(sections: Sequence[Backends]) -> Backends:
    """The sections of several backends as one."""
    return Backends(
        wasm=next((s.wasm for s in sections if s.wasm), None),
        js=next((s.js for s in sections if s.js), None),
        webgpu=next((s.webgpu for s in sections if s.webgpu), None),
        webgl=next((s.webgl for s in sections if s.webgl), None),
    )
