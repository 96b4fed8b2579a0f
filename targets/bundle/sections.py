"""What a manifest says of each backend: where its files, its weights and its tensors lie, and what a run launches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from webdnn.targets.bundle.names import (
    BufferName,
    ElementTypeName,
    FeatureName,
    Natural,
    Path,
    Positive,
    StorageName,
    VariantName,
)


@dataclass(frozen=True)
class MemoryWeights:
    """Bytes `start` to `start + bytes` of a file, which stand at `address` of the memory image before `load()`."""

    file: Path
    start: Natural
    bytes: Natural
    address: Natural


@dataclass(frozen=True)
class MemoryRange:
    """Where a tensor lies in the memory image, elements in their natural encoding (bool: one byte)."""

    address: Natural
    bytes: Natural


@dataclass(frozen=True)
class WasmModule:
    """A module that imports ("webdnn", "memory") and exports `run()`, and the proposals that it needs.

    If it exports `load()` too, that is called once, before the first run and when all weights stand in their places:
    it writes over some of them.
    One that needs threads imports a shared memory, and other threads help `run()` by `work(home)`, which `stop()` ends;
    `home`, of 32, is the part of each kernel that a thread looks first for work in.
    """

    file: Path
    features: tuple[FeatureName, ...]


@dataclass(frozen=True)
class Wasm:
    """The WebAssembly backend; `modules` are equivalent, best first.

    Of `memory_bytes`, runs share `arena_bytes` and find `computed_bytes` that `load()` has left.
    """

    modules: tuple[WasmModule, ...]
    memory_bytes: Natural
    arena_bytes: Natural
    computed_bytes: Natural
    weights: tuple[MemoryWeights, ...]
    inputs: tuple[MemoryRange, ...]
    outputs: tuple[MemoryRange, ...]


@dataclass(frozen=True)
class Js:
    """The JavaScript backend: `module` exports `run(heap)`, heap = typed-array views of one memory image.

    The views are i8, u8, i16, u16, i32, u32, f32, f64, i64 and u64. If it exports `load(heap)` too, that is called
    once, before the first run and when all weights stand in their places: it writes over some of them.
    """

    module: Path
    memory_bytes: Natural
    weights: tuple[MemoryWeights, ...]
    inputs: tuple[MemoryRange, ...]
    outputs: tuple[MemoryRange, ...]


@dataclass(frozen=True)
class BufferWeights:
    """Bytes `start` to `start + bytes` of a file, which stand at `offset` of a buffer before the first dispatch."""

    file: Path
    start: Natural
    bytes: Natural
    buffer: BufferName
    offset: Natural


@dataclass(frozen=True)
class ImageWeights:
    """A file whose bytes stand at `offset` of the weight image."""

    file: Path
    offset: Natural


@dataclass(frozen=True)
class Pipeline:
    """An entry point of one WGSL module; every dispatch of it binds the same kinds of buffers."""

    source: Natural
    entry: str


@dataclass(frozen=True)
class Binding:
    """A byte range bound to group 0: of the arena as `read_write`, of the weights as `read` storage."""

    buffer: BufferName
    offset: Natural
    size: Positive


@dataclass(frozen=True)
class Counter:
    """A number that a kernel takes: `offset`, and each loop around, outermost first, by its factor times its trip."""

    offset: int
    factors: tuple[int, ...]


@dataclass(frozen=True)
class Repeat:
    """A loop: `count` launches from `first` on are made `trips` times. A loop stands before those inside it."""

    first: Natural
    count: Positive
    trips: Positive


@dataclass(frozen=True)
class Alone:
    """What a software adapter launches instead, where waiting for others costs more than working alone."""

    pipeline: Natural
    groups: tuple[Natural, Natural, Natural]


@dataclass(frozen=True)
class Variant:
    """What a device launches instead if it is faster there: it binds the same, and computes the same.

    Where the device lacks one of the `features`, named as in GPUFeatureName, there is no such variant.
    """

    name: VariantName
    pipeline: Natural
    groups: tuple[Natural, Natural, Natural]
    features: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Dispatch:
    """One kernel launch; a binding's number is its position in `bindings`.

    A counter is a uniform i32 in group 1, its binding's number its position in `counters`.
    One that a device had better choose is a `variant`, and `others` and `alone` are what to choose from besides.
    """

    pipeline: Natural
    groups: tuple[Natural, Natural, Natural]
    bindings: tuple[Binding, ...]
    counters: tuple[Counter, ...] = ()
    alone: Alone | None = None
    variant: VariantName | None = None
    others: tuple[Variant, ...] | None = None


@dataclass(frozen=True)
class BufferPiece:
    """A range of the arena, in bytes, that holds some of a tensor's elements."""

    offset: Natural
    size: Natural


@dataclass(frozen=True)
class BufferTensor:
    """Where a tensor lies in the arena, in bytes; elements are converted to 4-byte `storage`.

    One that is larger than a binding may be lies in `pieces`, in order, of `size` bytes together. The integers of an
    input are from -`magnitude` to `magnitude`, if there is one.
    """

    offset: Natural
    size: Natural
    storage: StorageName
    pieces: tuple[BufferPiece, ...] | None = None
    magnitude: Positive | None = None


@dataclass(frozen=True)
class WebGpu:
    """The WebGPU backend; `sources` is a JSON array of WGSL texts.

    The first `loading` dispatches are made once, when all weights stand in their places, and the others in each run.
    `limits` and `features` are what the device must offer, under the names of GPUSupportedLimits and GPUFeatureName.
    """

    sources: Path
    pipelines: tuple[Pipeline, ...]
    arena_bytes: Natural
    weights_bytes: Natural
    weights: tuple[BufferWeights, ...]
    dispatches: tuple[Dispatch, ...]
    inputs: tuple[BufferTensor, ...]
    outputs: tuple[BufferTensor, ...]
    loops: tuple[Repeat, ...] = ()
    loading: Natural = 0
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class WebGlSources:
    """JSON arrays of fragment shader texts, in ES 3.00 (output `color`) and ES 1.00 (output `gl_FragColor`).

    Each declares samplers `b0`, `b1`, … and writes the texel at gl_FragCoord of its target, or of each of its layers
    (outputs `color0`, `color1`, …).
    """

    webgl2: Path | None = None
    webgl1: Path | None = None


@dataclass(frozen=True)
class Layers:
    """So many layers of an array texture, of this extent each."""

    count: Positive
    width: Positive
    height: Positive


@dataclass(frozen=True)
class Texture:
    """The extent of a texture of four floats a texel, and the layers that it is cut into in WebGL 2, if it is."""

    width: Positive
    height: Positive
    layers: Layers | None = None


@dataclass(frozen=True)
class Constant:
    """A byte range of the weight image that fills a texture in row-major texels; the rest of it is zero.

    Its elements have a `type` in the image and are floats in the texture.
    """

    texture: Natural
    offset: Natural
    bytes: Natural
    type: ElementTypeName = "f32"


@dataclass(frozen=True)
class Draw:
    """One full-target draw: `samplers` are the textures of b0, b1, …, and `target` is none of them.

    `counters` are the values of the uniform integers n0, n1, …
    """

    program: Natural
    samplers: tuple[Natural, ...]
    target: Natural
    counters: tuple[Counter, ...] = ()


@dataclass(frozen=True)
class TexturePiece:
    """A texture, and how many of a tensor's elements it holds, padding counted."""

    texture: Natural
    elements: Natural


@dataclass(frozen=True)
class WebGlMagnitudes:
    """The greatest magnitudes of integers, in ES 3.00 and in ES 1.00."""

    webgl2: Positive | None = None
    webgl1: Positive | None = None


@dataclass(frozen=True)
class TextureTensor:
    """How a tensor lies in a texture: `rows` rows of `row_length` elements, each padded to `row_stride`.

    One that is larger than a texture may be lies in `pieces`, in order, and `texture` is the first of them. The
    integers of an input are from -`magnitude` to `magnitude` of the language, if there is one.
    """

    texture: Natural
    rows: Natural
    row_length: Natural
    row_stride: Natural
    pieces: tuple[TexturePiece, ...] | None = None
    magnitude: WebGlMagnitudes | None = None


@dataclass(frozen=True)
class WebGl:
    """The WebGL backends, 2 and 1: they differ in the language of the sources alone.

    The first `loading` draws are made once, when all constants are in their textures, and the others in each run.
    """

    sources: WebGlSources
    textures: tuple[Texture, ...]
    weights_bytes: Natural
    weights: tuple[ImageWeights, ...]
    constants: tuple[Constant, ...]
    draws: tuple[Draw, ...]
    inputs: tuple[TextureTensor, ...]
    outputs: tuple[TextureTensor, ...]
    max_texture_size: Natural
    max_samplers: Natural
    loops: tuple[Repeat, ...] = ()
    loading: Natural = 0
