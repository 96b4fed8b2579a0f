"""The WebGL part of a bundle: shader texts, textures shared by lifetime, draws, weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import get_args

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import layer_elements
from webdnn.dialects.kernel.program import AllocOp, WeightOp
from webdnn.support.diagnostic import where
from webdnn.targets.bundle.manifest import Tensor
from webdnn.targets.bundle.names import ElementTypeName
from webdnn.targets.bundle.sections import (
    Constant,
    Draw,
    Layers,
    Texture,
    TexturePiece,
    TextureTensor,
    WebGl,
    WebGlMagnitudes,
    WebGlSources,
)
from webdnn.targets.bundle.write import split_weights
from webdnn.targets.glsl.emit import emit_kernel, output_of, samplers_of
from webdnn.targets.glsl.textures import extent
from webdnn.targets.launches import Launches
from webdnn.targets.program import Call, Program, WeightImage, calls_in, elements_of

ELEMENTS: Mapping[str, ElementTypeName] = {name: name for name in get_args(ElementTypeName)}
SOURCES = {300: "kernels/es300.json", 100: "kernels/es100.json"}


@dataclass(frozen=True)
class WebGlPart:
    """The manifest's section and the files that it names."""

    section: WebGl
    files: Mapping[str, bytes]


@dataclass
class Textures:
    """The textures of a program: shared ones for what comes and goes, and others.

    What goes in and out, constants, and what loading leaves for runs have textures of their own.
    """

    extents: list[Texture] = field(default_factory=list[Texture])
    of: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    free: dict[Texture, list[int]] = field(default_factory=dict[Texture, list[int]])

    def add(self, value: SSAValue) -> None:
        first = value.first_use
        place = where(first.operation) if first else ""
        self.of[value] = len(self.extents)
        self.extents.append(texture_of(value, place))

    def take(self, value: SSAValue) -> None:
        """A texture that nobody needs any more, or a new one."""
        free = self.free.get(texture_of(value))
        if free:
            self.of[value] = free.pop()
        else:
            self.add(value)

    def release(self, value: SSAValue) -> None:
        number = self.of[value]
        self.free.setdefault(self.extents[number], []).append(number)

    @classmethod
    def assign(cls, program: Program) -> Textures:
        textures = cls()
        loading, launches = program.launches_at_load, program.launches_of_a_run
        for value in [*program.inputs, *program.outputs, *(op.result for op in program.weights)]:
            if value not in textures.of:
                textures.add(value)
        made, used = ({v for call in calls_in(found) for v in call.buffers} for found in (loading, launches))
        kept = {*textures.of, *(made & used)}
        calls = [[launch] if isinstance(launch, Call) else list(launch.calls) for launch in [*loading, *launches]]
        last = {value: i for i, group in enumerate(calls) for call in group for value in call.buffers}
        for i, group in enumerate(calls):  # a loop needs all of its textures from the first trip to the last
            for target in dict.fromkeys(map(target_of, group)):
                if target not in textures.of:
                    textures.take(target)
            for value in dict.fromkeys(value for call in group for value in call.buffers):
                if value not in kept and isinstance(value.owner, AllocOp) and last[value] == i:
                    textures.release(value)
        return textures


def texture_of(value: SSAValue, place: str = "") -> Texture:
    """The texture that a buffer lies in."""
    elements, layer = elements_of(value), layer_elements(value)
    layers = None if layer is None else Layers(-(-elements // layer), *extent(layer))
    return Texture(*extent(elements, place), layers)


def target_of(call: Call) -> SSAValue:
    parameters: list[SSAValue] = list(call.kernel.buffers)
    return call.buffers[parameters.index(output_of(call.kernel))]


def webgl_part(modules: Mapping[int, ModuleOp], inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> WebGlPart:
    """What a bundle holds for WebGL, from the module after `glsl-legalize` for each version (300, 100).

    The modules are legalized from one program. `inputs` and `outputs` are the tensors as the page sees them: a tensor
    whose rows are padded in its texture has more elements there.
    """
    programs = {version: Program.of(module) for version, module in modules.items()}
    program = next(iter(programs.values()))
    textures = Textures.assign(program)
    image = WeightImage.of(program.weights, 4)
    shards = split_weights(image.content)
    kernels = program.called
    loading = program.launches_at_load
    launches = Launches.of([*loading, *program.launches_of_a_run])
    draws = tuple(
        Draw(
            kernels.index(call.kernel),
            tuple(textures.of[call.buffers[i]] for i in samplers_of(call.kernel)),
            textures.of[target_of(call)],
            counters,
        )
        for call, counters in zip(launches.calls, launches.counters, strict=True)
    )
    found = {version: program.input_magnitudes for version, program in programs.items()}
    magnitudes = list(zip(*(found.get(version, [None] * len(inputs)) for version in (300, 100)), strict=True))
    section = WebGl(
        sources=WebGlSources(*(SOURCES[version] if version in programs else None for version in (300, 100))),
        textures=tuple(textures.extents),
        weights_bytes=len(image.content),
        weights=shards.as_image(),
        constants=tuple(constant(op, image, textures) for op in program.weights),
        draws=draws,
        inputs=tuple(
            place(t, v, textures, WebGlMagnitudes(*most) if any(most) else None)
            for t, v, most in zip(inputs, program.input_pieces, magnitudes, strict=True)
        ),
        outputs=tuple(place(t, v, textures) for t, v in zip(outputs, program.output_pieces, strict=True)),
        max_texture_size=max((max(t.width, t.height) for t in textures.extents), default=1),
        max_samplers=max((len(draw.samplers) for draw in draws), default=0),
        loops=tuple(launches.loops),
        loading=len(loading),
    )
    files = {SOURCES[version]: sources(p, version) for version, p in programs.items()}
    return WebGlPart(section, {**files, **shards.files})


def sources(program: Program, version: int) -> bytes:
    return json.dumps([emit_kernel(kernel, version) for kernel in program.called]).encode()


def constant(op: WeightOp, image: WeightImage, textures: Textures) -> Constant:
    type = op.value.type
    element = element_type(type)
    return Constant(
        textures.of[op.result], image.offsets[op], prod(type.get_shape()) * element.bytes, ELEMENTS[element.name]
    )


def place(
    tensor: Tensor, values: Sequence[SSAValue], textures: Textures, magnitude: WebGlMagnitudes | None = None
) -> TextureTensor:
    """How the rows of a tensor lie in its texture, or in its pieces, and what a run takes of its integers."""
    rows, length = prod(tensor.shape[:-1]), (tensor.shape[-1] if tensor.shape else 1)
    pieces = tuple(TexturePiece(textures.of[value], elements_of(value)) for value in values)
    elements = sum(piece.elements for piece in pieces)
    stride = elements // rows if rows else length
    assert rows * stride == elements * bool(rows), "rows are padded evenly"
    return TextureTensor(pieces[0].texture, rows, length, stride, pieces if len(pieces) > 1 else None, magnitude)
