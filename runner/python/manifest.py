"""Generated from targets/bundle/manifest.py by `python -m webdnn.targets.bundle.schema`."""

from typing import Literal, NotRequired, TypedDict


class Count(TypedDict):
    """Of an axis, a run fills as many places as the only element (i32) of the output of that number says."""

    axis: int
    output: int


class Size(TypedDict):
    """An axis of an input is as long as the dimension of that number is in a run."""

    axis: int
    dimension: int


class Tensor(TypedDict):
    """An input or output as the page sees it.

    Along axes in `counts`, an output is as long as it can become, and along those in `sizes` an input is as long as it
    may be: what a run is given lies in the first places, and there are zeros behind it.
    """

    name: str
    type: Literal["f32", "f64", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool"]
    shape: list[int]
    counts: NotRequired[list[Count]]
    sizes: NotRequired[list[Size]]


class Dimension(TypedDict):
    """What has from `least` to `most` places, both included, as a run chooses.

    The input of that number, which is none of the model's, holds how many (i32, no axes).
    """

    name: str
    least: int
    most: int
    input: int


class File(TypedDict):
    """Size and hash of one file of the bundle."""

    bytes: int
    sha256: str


class WasmModule(TypedDict):
    """A module that imports ("webdnn", "memory") and exports `run()`, and the proposals that it needs.

    If it exports `load()` too, that is called once, before the first run and when all weights stand in their places:
    it writes over some of them.
    One that needs threads imports a shared memory, and other threads help `run()` by `work(home)`, which `stop()` ends;
    `home`, of 32, is the part of each kernel that a thread looks first for work in.
    """

    file: str
    features: list[Literal["simd", "relaxed-simd", "threads"]]


class MemoryWeights(TypedDict):
    """Bytes `start` to `start + bytes` of a file, which stand at `address` of the memory image before `load()`."""

    file: str
    start: int
    bytes: int
    address: int


class MemoryRange(TypedDict):
    """Where a tensor lies in the memory image, elements in their natural encoding (bool: one byte)."""

    address: int
    bytes: int


class Wasm(TypedDict):
    """The WebAssembly backend; `modules` are equivalent, best first.

    Of `memory_bytes`, runs share `arena_bytes` and find `computed_bytes` that `load()` has left.
    """

    modules: list[WasmModule]
    memoryBytes: int
    arenaBytes: int
    computedBytes: int
    weights: list[MemoryWeights]
    inputs: list[MemoryRange]
    outputs: list[MemoryRange]


class Js(TypedDict):
    """The JavaScript backend: `module` exports `run(heap)`, heap = typed-array views of one memory image.

    The views are i8, u8, i16, u16, i32, u32, f32, f64, i64 and u64. If it exports `load(heap)` too, that is called
    once, before the first run and when all weights stand in their places: it writes over some of them.
    """

    module: str
    memoryBytes: int
    weights: list[MemoryWeights]
    inputs: list[MemoryRange]
    outputs: list[MemoryRange]


class Pipeline(TypedDict):
    """An entry point of one WGSL module; every dispatch of it binds the same kinds of buffers."""

    source: int
    entry: str


class BufferWeights(TypedDict):
    """Bytes `start` to `start + bytes` of a file, which stand at `offset` of a buffer before the first dispatch."""

    file: str
    start: int
    bytes: int
    buffer: Literal["arena", "weights"]
    offset: int


class Binding(TypedDict):
    """A byte range bound to group 0: of the arena as `read_write`, of the weights as `read` storage."""

    buffer: Literal["arena", "weights"]
    offset: int
    size: int


class Counter(TypedDict):
    """A number that a kernel takes: `offset`, and each loop around, outermost first, by its factor times its trip."""

    offset: int
    factors: list[int]


class Alone(TypedDict):
    """What a software adapter launches instead, where waiting for others costs more than working alone."""

    pipeline: int
    groups: tuple[int, int, int]


class Variant(TypedDict):
    """What a device launches instead if it is faster there: it binds the same, and computes the same.

    Where the device lacks one of the `features`, named as in GPUFeatureName, there is no such variant.
    """

    name: Literal["tiles64", "tiles32", "groups", "subgroups", "alone"]
    pipeline: int
    groups: tuple[int, int, int]
    features: NotRequired[list[str]]


class Dispatch(TypedDict):
    """One kernel launch; a binding's number is its position in `bindings`.

    A counter is a uniform i32 in group 1, its binding's number its position in `counters`.
    One that a device had better choose is a `variant`, and `others` and `alone` are what to choose from besides.
    """

    pipeline: int
    groups: tuple[int, int, int]
    bindings: list[Binding]
    counters: list[Counter]
    alone: NotRequired[Alone]
    variant: NotRequired[Literal["tiles64", "tiles32", "groups", "subgroups", "alone"]]
    others: NotRequired[list[Variant]]


class BufferPiece(TypedDict):
    """A range of the arena, in bytes, that holds some of a tensor's elements."""

    offset: int
    size: int


class BufferTensor(TypedDict):
    """Where a tensor lies in the arena, in bytes; elements are converted to 4-byte `storage`.

    One that is larger than a binding may be lies in `pieces`, in order, of `size` bytes together. The integers of an
    input are from -`magnitude` to `magnitude`, if there is one.
    """

    offset: int
    size: int
    storage: Literal["f32", "i32", "u32"]
    pieces: NotRequired[list[BufferPiece]]
    magnitude: NotRequired[int]


class Repeat(TypedDict):
    """A loop: `count` launches from `first` on are made `trips` times. A loop stands before those inside it."""

    first: int
    count: int
    trips: int


class WebGpu(TypedDict):
    """The WebGPU backend; `sources` is a JSON array of WGSL texts.

    The first `loading` dispatches are made once, when all weights stand in their places, and the others in each run.
    `limits` and `features` are what the device must offer, under the names of GPUSupportedLimits and GPUFeatureName.
    """

    sources: str
    pipelines: list[Pipeline]
    arenaBytes: int
    weightsBytes: int
    weights: list[BufferWeights]
    dispatches: list[Dispatch]
    inputs: list[BufferTensor]
    outputs: list[BufferTensor]
    loops: list[Repeat]
    loading: int
    limits: dict[str, int]
    features: list[str]


class WebGlSources(TypedDict):
    """JSON arrays of fragment shader texts, in ES 3.00 (output `color`) and ES 1.00 (output `gl_FragColor`).

    Each declares samplers `b0`, `b1`, … and writes the texel at gl_FragCoord of its target, or of each of its layers
    (outputs `color0`, `color1`, …).
    """

    webgl2: NotRequired[str]
    webgl1: NotRequired[str]


class Layers(TypedDict):
    """So many layers of an array texture, of this extent each."""

    count: int
    width: int
    height: int


class Texture(TypedDict):
    """The extent of a texture of four floats a texel, and the layers that it is cut into in WebGL 2, if it is."""

    width: int
    height: int
    layers: NotRequired[Layers]


class ImageWeights(TypedDict):
    """A file whose bytes stand at `offset` of the weight image."""

    file: str
    offset: int


class Constant(TypedDict):
    """A byte range of the weight image that fills a texture in row-major texels; the rest of it is zero.

    Its elements have a `type` in the image and are floats in the texture.
    """

    texture: int
    offset: int
    bytes: int
    type: Literal["f32", "f64", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool"]


class Draw(TypedDict):
    """One full-target draw: `samplers` are the textures of b0, b1, …, and `target` is none of them.

    `counters` are the values of the uniform integers n0, n1, …
    """

    program: int
    samplers: list[int]
    target: int
    counters: list[Counter]


class TexturePiece(TypedDict):
    """A texture, and how many of a tensor's elements it holds, padding counted."""

    texture: int
    elements: int


class WebGlMagnitudes(TypedDict):
    """The greatest magnitudes of integers, in ES 3.00 and in ES 1.00."""

    webgl2: NotRequired[int]
    webgl1: NotRequired[int]


class TextureTensor(TypedDict):
    """How a tensor lies in a texture: `rows` rows of `row_length` elements, each padded to `row_stride`.

    One that is larger than a texture may be lies in `pieces`, in order, and `texture` is the first of them. The
    integers of an input are from -`magnitude` to `magnitude` of the language, if there is one.
    """

    texture: int
    rows: int
    rowLength: int
    rowStride: int
    pieces: NotRequired[list[TexturePiece]]
    magnitude: NotRequired[WebGlMagnitudes]


class WebGl(TypedDict):
    """The WebGL backends, 2 and 1: they differ in the language of the sources alone.

    The first `loading` draws are made once, when all constants are in their textures, and the others in each run.
    """

    sources: WebGlSources
    textures: list[Texture]
    weightsBytes: int
    weights: list[ImageWeights]
    constants: list[Constant]
    draws: list[Draw]
    inputs: list[TextureTensor]
    outputs: list[TextureTensor]
    maxTextureSize: int
    maxSamplers: int
    loops: list[Repeat]
    loading: int


class Backends(TypedDict):
    """The backends that the bundle was compiled for."""

    wasm: NotRequired[Wasm]
    js: NotRequired[Js]
    webgpu: NotRequired[WebGpu]
    webgl: NotRequired[WebGl]


class Manifest(TypedDict):
    """All that `model.json` says; `files` names every other file of the bundle.

    `weights` tells how exact the results are: those of a model in f32, or of one whose large weights were rounded.
    """

    format: Literal["webdnn-bundle"]
    version: Literal[1]
    name: str
    producer: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    dimensions: NotRequired[list[Dimension]]
    weights: Literal["f32", "f16", "q8", "q4"]
    files: dict[str, File]
    backends: Backends
