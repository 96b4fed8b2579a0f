// Generated from targets/bundle/manifest.py by `python -m webdnn.targets.bundle.schema`.

/**
 * Of an axis, a run fills as many places as the only element (i32) of the output of that number says.
 */
export interface Count {
  readonly axis: number;
  readonly output: number;
}

/**
 * An axis of an input is as long as the dimension of that number is in a run.
 */
export interface Size {
  readonly axis: number;
  readonly dimension: number;
}

/**
 * An input or output as the page sees it.
 *
 * Along axes in `counts`, an output is as long as it can become, and along those in `sizes` an input is as long as it
 * may be: what a run is given lies in the first places, and there are zeros behind it.
 */
export interface Tensor {
  readonly name: string;
  readonly type: "f32" | "f64" | "f16" | "bf16" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "bool";
  readonly shape: ReadonlyArray<number>;
  readonly counts?: ReadonlyArray<Count>;
  readonly sizes?: ReadonlyArray<Size>;
}

/**
 * What has from `least` to `most` places, both included, as a run chooses.
 *
 * The input of that number, which is none of the model's, holds how many (i32, no axes).
 */
export interface Dimension {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly input: number;
}

/**
 * Size and hash of one file of the bundle.
 */
export interface File {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * A module that imports ("webdnn", "memory") and exports `run()`, and the proposals that it needs.
 *
 * If it exports `load()` too, that is called once, before the first run and when all weights stand in their places:
 * it writes over some of them.
 * One that needs threads imports a shared memory, and other threads help `run()` by `work(home)`, which `stop()` ends;
 * `home`, of 32, is the part of each kernel that a thread looks first for work in.
 */
export interface WasmModule {
  readonly file: string;
  readonly features: ReadonlyArray<"simd" | "relaxed-simd" | "threads">;
}

/**
 * Bytes `start` to `start + bytes` of a file, which stand at `address` of the memory image before `load()`.
 */
export interface MemoryWeights {
  readonly file: string;
  readonly start: number;
  readonly bytes: number;
  readonly address: number;
}

/**
 * Where a tensor lies in the memory image, elements in their natural encoding (bool: one byte).
 */
export interface MemoryRange {
  readonly address: number;
  readonly bytes: number;
}

/**
 * The WebAssembly backend; `modules` are equivalent, best first.
 *
 * Of `memory_bytes`, runs share `arena_bytes` and find `computed_bytes` that `load()` has left.
 */
export interface Wasm {
  readonly modules: ReadonlyArray<WasmModule>;
  readonly memoryBytes: number;
  readonly arenaBytes: number;
  readonly computedBytes: number;
  readonly weights: ReadonlyArray<MemoryWeights>;
  readonly inputs: ReadonlyArray<MemoryRange>;
  readonly outputs: ReadonlyArray<MemoryRange>;
}

/**
 * The JavaScript backend: `module` exports `run(heap)`, heap = typed-array views of one memory image.
 *
 * The views are i8, u8, i16, u16, i32, u32, f32, f64, i64 and u64. If it exports `load(heap)` too, that is called
 * once, before the first run and when all weights stand in their places: it writes over some of them.
 */
export interface Js {
  readonly module: string;
  readonly memoryBytes: number;
  readonly weights: ReadonlyArray<MemoryWeights>;
  readonly inputs: ReadonlyArray<MemoryRange>;
  readonly outputs: ReadonlyArray<MemoryRange>;
}

/**
 * An entry point of one WGSL module; every dispatch of it binds the same kinds of buffers.
 */
export interface Pipeline {
  readonly source: number;
  readonly entry: string;
}

/**
 * Bytes `start` to `start + bytes` of a file, which stand at `offset` of a buffer before the first dispatch.
 */
export interface BufferWeights {
  readonly file: string;
  readonly start: number;
  readonly bytes: number;
  readonly buffer: "arena" | "weights";
  readonly offset: number;
}

/**
 * A byte range bound to group 0: of the arena as `read_write`, of the weights as `read` storage.
 */
export interface Binding {
  readonly buffer: "arena" | "weights";
  readonly offset: number;
  readonly size: number;
}

/**
 * A number that a kernel takes: `offset`, and each loop around, outermost first, by its factor times its trip.
 */
export interface Counter {
  readonly offset: number;
  readonly factors: ReadonlyArray<number>;
}

/**
 * What a software adapter launches instead, where waiting for others costs more than working alone.
 */
export interface Alone {
  readonly pipeline: number;
  readonly groups: readonly [number, number, number];
}

/**
 * What a device launches instead if it is faster there: it binds the same, and computes the same.
 *
 * Where the device lacks one of the `features`, named as in GPUFeatureName, there is no such variant.
 */
export interface Variant {
  readonly name: "tiles64" | "tiles32" | "groups" | "subgroups" | "alone";
  readonly pipeline: number;
  readonly groups: readonly [number, number, number];
  readonly features?: ReadonlyArray<string>;
}

/**
 * One kernel launch; a binding's number is its position in `bindings`.
 *
 * A counter is a uniform i32 in group 1, its binding's number its position in `counters`.
 * One that a device had better choose is a `variant`, and `others` and `alone` are what to choose from besides.
 */
export interface Dispatch {
  readonly pipeline: number;
  readonly groups: readonly [number, number, number];
  readonly bindings: ReadonlyArray<Binding>;
  readonly counters: ReadonlyArray<Counter>;
  readonly alone?: Alone;
  readonly variant?: "tiles64" | "tiles32" | "groups" | "subgroups" | "alone";
  readonly others?: ReadonlyArray<Variant>;
}

/**
 * A range of the arena, in bytes, that holds some of a tensor's elements.
 */
export interface BufferPiece {
  readonly offset: number;
  readonly size: number;
}

/**
 * Where a tensor lies in the arena, in bytes; elements are converted to 4-byte `storage`.
 *
 * One that is larger than a binding may be lies in `pieces`, in order, of `size` bytes together. The integers of an
 * input are from -`magnitude` to `magnitude`, if there is one.
 */
export interface BufferTensor {
  readonly offset: number;
  readonly size: number;
  readonly storage: "f32" | "i32" | "u32";
  readonly pieces?: ReadonlyArray<BufferPiece>;
  readonly magnitude?: number;
}

/**
 * A loop: `count` launches from `first` on are made `trips` times. A loop stands before those inside it.
 */
export interface Repeat {
  readonly first: number;
  readonly count: number;
  readonly trips: number;
}

/**
 * The WebGPU backend; `sources` is a JSON array of WGSL texts.
 *
 * The first `loading` dispatches are made once, when all weights stand in their places, and the others in each run.
 * `limits` and `features` are what the device must offer, under the names of GPUSupportedLimits and GPUFeatureName.
 */
export interface WebGpu {
  readonly sources: string;
  readonly pipelines: ReadonlyArray<Pipeline>;
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  readonly weights: ReadonlyArray<BufferWeights>;
  readonly dispatches: ReadonlyArray<Dispatch>;
  readonly inputs: ReadonlyArray<BufferTensor>;
  readonly outputs: ReadonlyArray<BufferTensor>;
  readonly loops: ReadonlyArray<Repeat>;
  readonly loading: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlyArray<string>;
}

/**
 * JSON arrays of fragment shader texts, in ES 3.00 (output `color`) and ES 1.00 (output `gl_FragColor`).
 *
 * Each declares samplers `b0`, `b1`, … and writes the texel at gl_FragCoord of its target, or of each of its layers
 * (outputs `color0`, `color1`, …).
 */
export interface WebGlSources {
  readonly webgl2?: string;
  readonly webgl1?: string;
}

/**
 * So many layers of an array texture, of this extent each.
 */
export interface Layers {
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The extent of a texture of four floats a texel, and the layers that it is cut into in WebGL 2, if it is.
 */
export interface Texture {
  readonly width: number;
  readonly height: number;
  readonly layers?: Layers;
}

/**
 * A file whose bytes stand at `offset` of the weight image.
 */
export interface ImageWeights {
  readonly file: string;
  readonly offset: number;
}

/**
 * A byte range of the weight image that fills a texture in row-major texels; the rest of it is zero.
 *
 * Its elements have a `type` in the image and are floats in the texture.
 */
export interface Constant {
  readonly texture: number;
  readonly offset: number;
  readonly bytes: number;
  readonly type: "f32" | "f64" | "f16" | "bf16" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "bool";
}

/**
 * One full-target draw: `samplers` are the textures of b0, b1, …, and `target` is none of them.
 *
 * `counters` are the values of the uniform integers n0, n1, …
 */
export interface Draw {
  readonly program: number;
  readonly samplers: ReadonlyArray<number>;
  readonly target: number;
  readonly counters: ReadonlyArray<Counter>;
}

/**
 * A texture, and how many of a tensor's elements it holds, padding counted.
 */
export interface TexturePiece {
  readonly texture: number;
  readonly elements: number;
}

/**
 * The greatest magnitudes of integers, in ES 3.00 and in ES 1.00.
 */
export interface WebGlMagnitudes {
  readonly webgl2?: number;
  readonly webgl1?: number;
}

/**
 * How a tensor lies in a texture: `rows` rows of `row_length` elements, each padded to `row_stride`.
 *
 * One that is larger than a texture may be lies in `pieces`, in order, and `texture` is the first of them. The
 * integers of an input are from -`magnitude` to `magnitude` of the language, if there is one.
 */
export interface TextureTensor {
  readonly texture: number;
  readonly rows: number;
  readonly rowLength: number;
  readonly rowStride: number;
  readonly pieces?: ReadonlyArray<TexturePiece>;
  readonly magnitude?: WebGlMagnitudes;
}

/**
 * The WebGL backends, 2 and 1: they differ in the language of the sources alone.
 *
 * The first `loading` draws are made once, when all constants are in their textures, and the others in each run.
 */
export interface WebGl {
  readonly sources: WebGlSources;
  readonly textures: ReadonlyArray<Texture>;
  readonly weightsBytes: number;
  readonly weights: ReadonlyArray<ImageWeights>;
  readonly constants: ReadonlyArray<Constant>;
  readonly draws: ReadonlyArray<Draw>;
  readonly inputs: ReadonlyArray<TextureTensor>;
  readonly outputs: ReadonlyArray<TextureTensor>;
  readonly maxTextureSize: number;
  readonly maxSamplers: number;
  readonly loops: ReadonlyArray<Repeat>;
  readonly loading: number;
}

/**
 * The backends that the bundle was compiled for.
 */
export interface Backends {
  readonly wasm?: Wasm;
  readonly js?: Js;
  readonly webgpu?: WebGpu;
  readonly webgl?: WebGl;
}

/**
 * All that `model.json` says; `files` names every other file of the bundle.
 *
 * `weights` tells how exact the results are: those of a model in f32, or of one whose large weights were rounded.
 */
export interface Manifest {
  readonly format: "webdnn-bundle";
  readonly version: 1;
  readonly name: string;
  readonly producer: string;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly outputs: ReadonlyArray<Tensor>;
  readonly dimensions?: ReadonlyArray<Dimension>;
  readonly weights: "f32" | "f16" | "q8" | "q4";
  readonly files: Readonly<Record<string, File>>;
  readonly backends: Backends;
}
